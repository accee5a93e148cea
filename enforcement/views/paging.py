"""Pages of a list without counting it: one row more than a page says whether there is a next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest

SIZE = 25
LAST = 400  # farther pages cost more and more; by then a filter is the way
DIGITS = 9
SILENT = (
    "page",
    "all",
)  # they say nothing about which rows: ?all=1 is the whole list, whatever it opens with by default


@dataclass(frozen=True)
class Page:
    """One page of rows, with what `_components/pager.html` asks for. `query`: the filters that say something, encoded."""

    rows: Sequence[Any]
    number: int
    has_next: bool
    query: str

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def previous_page_number(self) -> int:
        return self.number - 1

    @property
    def next_page_number(self) -> int:
        return self.number + 1

    @property
    def is_farthest(self) -> bool:
        """There is more, but not by turning pages."""
        return self.number == LAST and len(self.rows) == SIZE


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> Page:
    """The page that `?page=` names; what is no page number is the first page. One query."""
    asked = request.GET.get("page", "")[:DIGITS]
    number = min(max(int(asked), 1), LAST) if asked.isascii() and asked.isdigit() else 1
    start = (number - 1) * SIZE
    found = list(rows[start : start + SIZE + 1])
    said = [(name, value) for name, values in request.GET.lists() for value in values if value and name not in SILENT]
    return Page(found[:SIZE], number, has_next=len(found) > SIZE and number < LAST, query=urlencode(said))


def quick_context(quick: Sequence[tuple[str, str]], page: Page, keep: str = "") -> dict[str, Any]:
    """The usual questions as links over the list, and whether the list answers another one. Each keeps `keep`."""
    links = [(label, "&".join(filter(None, (keep, query)))) for label, query in quick]
    return {
        "quick": [(label, query, query == page.query) for label, query in links],
        "is_filtered": page.query not in dict(links).values(),
        "is_narrowed": page.query != keep,
    }
