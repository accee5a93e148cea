"""A list as a file: its columns, and a row in plain values. Only what lists and clocks say.

What people wrote in words (facts, reports, remarks) stays in the portal, and so do callers, names of reporters and phones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict

from enforcement.filters.asked import Asked
from records.services.spreadsheet import Cell, Column
from townships.models import Unit

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Names:
    """What the rows of one export are read with: the names of units by id, and the time."""

    units: Mapping[int, str]
    now: datetime


@dataclass(frozen=True)
class Listing:
    """One list. `asked`: its rows under an address; `fields`: what the query brings; `line`: a row of the file."""

    code: str
    title: str
    address: str  # the URL name of the list
    asked: Callable[[Any, QueryDict], Asked]
    may: Callable[[Any], bool]
    fields: tuple[str, ...]
    columns: tuple[Column, ...]
    line: Callable[[Row, Names], list[Cell]]


def names(now: datetime) -> Names:
    """One query: there are a few hundred units, and a join for each of a million rows costs more."""
    return Names(dict(Unit.objects.values_list("pk", "short_name")), now)


def yes(value: object) -> str:
    return "是" if value else ""


def is_late(due: datetime | None, done: datetime | None, now: datetime) -> str:
    """迟 where it was done after its due time, 超期 where it still is not."""
    if due is None or (done or now) <= due:
        return ""
    return "迟" if done else "超期"
