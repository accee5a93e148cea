"""The chips over a list, and the small form that keeps its filters."""

from typing import Any
from urllib.parse import parse_qsl

from django import template

from command_room.forms.saved_filter import SavedFilterForm
from command_room.middleware import CODES

register = template.Library()


@register.inclusion_tag("_components/saved_filters.html", takes_context=True)
def saved_filters(context: dict[str, Any]) -> dict[str, Any]:
    """Of the list whose page this is; its filters are on the request (command_room.middleware)."""
    request = context["request"]
    query = context["page"].query
    asked = sorted(parse_qsl(query))
    found = [(one, asked == sorted(parse_qsl(one.query))) for one in getattr(request, "saved_filters", [])]
    code = CODES[request.resolver_match.view_name]
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "found": found,
        "form": SavedFilterForm(request=request, initial={"code": code, "query": query}, auto_id="keep_%s"),
    }
