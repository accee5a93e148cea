"""搜索: one box on every page, one page of what it finds."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from command_room.services.search import groups
from enforcement.filters.box import box_of
from records.rules.pieces import MOST_LETTERS
from records.services.search import TOO_SHORT, Wanted


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    boxes = [(name, box) for name, box, _ in box_of(request).tabs]
    context = {
        "query": query,
        "groups": groups(request.user, query, boxes),
        "too_short": TOO_SHORT if Wanted(query).is_too_short else "",
        "is_cut": len(query) > MOST_LETTERS,
        "most": MOST_LETTERS,
    }
    return render(request, "command_room/search.html", context)
