"""A card of the administrators' front page: a matter that needs care, with the worst few of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Window

FEW, MOST = 5, 1000


@dataclass(frozen=True)
class Line:
    """One of the worst few."""

    text: str
    note: str = ""
    link: str = ""


@dataclass(frozen=True)
class Card:
    """A card of the front page. `number` is 0 where all is well; then `well` says so."""

    title: str
    number: int
    unit: str
    lines: Sequence[Line]
    link: str
    verb: str
    well: str
    is_grave: bool = False
    press: tuple[str, str] | None = None  # (address, label) of a button that mends all of it

    @property
    def figure(self) -> str:
        return f"{MOST}+" if self.number > MOST else str(self.number)

    @property
    def tone(self) -> str:
        return "ok" if not self.number else "late" if self.is_grave else "soon"


def counted(rows: QuerySet[Any], *order: str) -> tuple[int, list[Any]]:
    """How many there are, and the first few in this order. One query."""
    few = list(rows.annotate(of=Window(Count("pk"))).order_by(*order)[:FEW])
    return (few[0].of if few else 0), few


def counted_to(rows: QuerySet[Any], order: str) -> tuple[int, list[Any]]:
    """The same of a table that may have many: counted no farther than MOST, and only the first few are brought. Two queries."""
    found = list(rows.order_by(order).values_list("pk", flat=True)[: MOST + 1])
    return len(found), list(rows.filter(pk__in=found[:FEW]).order_by(order)) if found else []
