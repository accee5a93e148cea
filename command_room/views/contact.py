"""通讯录: people and units, with their numbers."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_filters import FilterSet

from command_room.filters.contact import PersonFilter, UnitFilter
from command_room.services import contact as contacts
from enforcement.filters.bar import bar
from enforcement.views.paging import Page, page_of, quick_context

UNITS = (
    ("全部", ""),
    ("镇街", "kind=township"),
    ("市级部门", "kind=department"),
    ("派出机构", "kind=subunit"),
    ("按拼音", "order=pinyin"),
)
PEOPLE = (
    ("全部", ""),
    ("本单位和队伍", "near=ours"),
    ("值班员", "role=duty"),
    ("联络员", "role=liaison"),
    ("执法队员", "role=officer"),
    ("网格员", "role=grid"),
)
TABS = (("person", "人员", "command_room:person-list"), ("unit", "机构", "command_room:unit-list"))


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    filters = PersonFilter(request.GET or None, contacts.people(request.user), request=request)
    page = page_of(request, filters.qs)
    rows = contacts.person_rows(page.rows, request.user)
    return shown(request, "person", filters, page, {"rows": rows, **quick_context(PEOPLE, page)})


@require_safe
def units(request: HttpRequest) -> HttpResponse:
    filters = UnitFilter(request.GET or None, contacts.units(request.user), request=request)
    page = page_of(request, filters.qs)
    rows = contacts.unit_rows(page.rows, request.user)
    return shown(request, "unit", filters, page, {"rows": rows, **quick_context(UNITS, page)})


def shown(request: HttpRequest, noun: str, filters: FilterSet, page: Page, more: dict[str, Any]) -> HttpResponse:
    """The page, or its rows alone for htmx."""
    is_fragment = request.htmx.target == "rows"  # type: ignore[attr-defined]  # django-htmx puts it there
    context = {
        "page": page,
        "noun": noun,
        "base": request.path,
        "tabs": [(name, reverse(view), code == noun) for code, name, view in TABS],
        "bar": () if is_fragment else bar(filters),
        "noun_name": next(name for code, name, _ in TABS if code == noun),
        "rows_template": f"command_room/{noun}_table.html",
        **more,
    }
    return render(request, f"command_room/contact_{'rows' if is_fragment else 'list'}.html", context)
