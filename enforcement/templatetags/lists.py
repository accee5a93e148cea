"""What stands under a list besides its pages."""

from typing import Any
from uuid import uuid4

from django import template
from django.conf import settings
from django.template.context import RequestContext

from enforcement.exports.work import LISTINGS

register = template.Library()


@register.inclusion_tag("enforcement/export_form.html", takes_context=True)
def export_form(context: RequestContext, code: str) -> dict[str, Any]:
    """The two buttons that take the list away, for whoever may. Each drawing is a form of its own."""
    user = context["request"].user
    return {
        "code": code,
        "may": LISTINGS[code].may(user),
        "query": context["page"].query,
        "request_id": uuid4(),
        "at_once": settings.EXPORT_AT_ONCE,
        "csrf_token": context["csrf_token"],
    }
