"""What stands over a list: what can be done with the ticked rows, and the file of all of them."""

from typing import Any
from uuid import uuid4

from django import template
from django.conf import settings
from django.template.context import RequestContext

from enforcement.exports import work
from enforcement.filters.box import IN
from enforcement.models import Lot
from enforcement.permissions import can_act_on_many
from enforcement.services.lot import MOST

register = template.Library()
Acts = list[tuple[str, str]]


@register.simple_tag(takes_context=True)
def lot_acts(context: RequestContext, code: str) -> Acts:
    """(act, its word) of what this person may do to many rows of this list; none where there are no boxes to tick."""
    user = context["request"].user
    if not can_act_on_many(user):
        return []
    is_township = user.acting.unit.is_township
    if code == "event":
        return [(Lot.Act.SQUAD, "交执法队"), (Lot.Act.REMIND, "催办部门")] if is_township else []
    return [(Lot.Act.ASSIGN, "指定承办")] if context["box"].code == IN else [(Lot.Act.REMIND, "催办")]


@register.inclusion_tag("enforcement/list_tools.html", takes_context=True)
def list_tools(context: RequestContext, code: str, acts: Acts | None = None) -> dict[str, Any]:
    """Each drawing of the export's form is a form of its own."""
    page = context["page"]
    return {
        "code": code,
        "acts": acts or [],
        "has_more": page.has_next or page.has_previous,
        "most": MOST,
        "may_export": work.listing_of(code).may(context["request"].user),
        "query": page.query,
        "request_id": uuid4(),
        "at_once": settings.EXPORT_AT_ONCE,
        "csrf_token": context["csrf_token"],
    }
