"""A list opens as this person likes it: without a question in its address it goes to the default filter."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from command_room.models import SavedFilter
from command_room.services import saved_filter as saved_filters

CODES = {view: code for code, view in SavedFilter.VIEWS.items()}


class DefaultFilterMiddleware:
    """Puts the list's saved filters on the request, for the chips; rows fetched by htmx have none.

    `?all=1` is how a page says that the whole list is wanted.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        code = CODES.get(request.resolver_match.view_name) if request.resolver_match else None
        if code is None or not request.user.is_authenticated or request.headers.get("HX-Target") == "rows":
            return None
        found = saved_filters.of_list(request.user, code)
        request.saved_filters = found  # type: ignore[attr-defined]
        default = next((one for one in found if one.is_default), None)
        if default is None or request.META.get("QUERY_STRING"):
            return None
        return redirect(default)
