"""The yellow and red marks of what is late now: for the pages of one matter, and for lists and the board."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from enforcement.models import Dispatch, Escalation, Event, Whistle
from enforcement.permissions import can_view_escalation
from enforcement.rules.clocks import next_clock
from enforcement.services.clocks import part_of
from enforcement.services.labels import CLOCKS

TONES = {0: "", 1: "", 2: "soon", 3: "late"}
NAMES = {0: "", **{level.value: str(level.label) for level in Escalation.Level}}
YELLOW = Escalation.Level.YELLOW


@dataclass(frozen=True)
class Mark:
    """`is_open`: whether this person may open the slip."""

    row: Escalation
    is_open: bool

    @property
    def tone(self) -> str:
        return TONES[self.row.level]

    @property
    def clock(self) -> str:
        return CLOCKS[self.row.clock]


def marks_of(target: Event | Whistle | Dispatch, user: Any) -> list[Mark]:
    """The highest level of each clock of it that is late now; of a whistle, those of its dispatches too. One query at most."""
    if not isinstance(target, Whistle) and not _is_late(target.next_due):
        return []
    about = Q(**{str(target._meta.model_name): target})
    if isinstance(target, Whistle):
        about |= Q(dispatch__whistle=target)
    rows = Escalation.objects.filter(about, level__gte=YELLOW).running()
    highest = {(row.dispatch_id, row.clock): row for row in rows.select_related("unit").order_by("level", "id")}
    return [Mark(row, is_open=can_view_escalation(user, row)) for row in highest.values()]


def _is_late(due: datetime | None) -> bool:
    return due is not None and due < timezone.now()


def reminder_of(dispatch: Dispatch) -> Escalation | None:
    """The one reminder of the clock that runs now, if it has been sent."""
    clock, due = next_clock(part_of(dispatch)), dispatch.next_due
    if clock is None or due is None:
        return None
    return Escalation.objects.filter(dispatch=dispatch, clock=clock, due=due).order_by("level").first()


# --- many at once -----------------------------------------------------------------------------------------------------
def late_whistles(unit_ids: Collection[int], now: datetime) -> Iterable[tuple[int, int, int]]:
    """(whistling unit, whistle, level) of the open whistles of these units that are late now. One query.

    From the late whistles by their index to their rows: what is over long ago is never read.
    """
    late = Q(by_unit_id__in=unit_ids, state__in=Whistle.OPEN, next_due__lt=now)
    parts = Dispatch.objects.filter(
        whistle__in=Whistle.objects.filter(late), escalations__due=F("next_due"), escalations__level__gte=YELLOW
    )
    own = Whistle.objects.filter(late, escalations__due=F("next_due"), escalations__level__gte=YELLOW)
    of_parts = parts.values("by_unit_id", "whistle_id").annotate(highest=Max("escalations__level"))
    of_own = own.values("by_unit_id", "id").annotate(highest=Max("escalations__level"))
    both: QuerySet[Any, Any] = of_parts.values_list("by_unit_id", "whistle_id", "highest").union(
        of_own.values_list("by_unit_id", "id", "highest"), all=True
    )
    return both


def highest(rows: Iterable[tuple[int, int, int]]) -> dict[int, int]:
    """Whistle id → its highest level."""
    found: dict[int, int] = {}
    for _, pk, level in rows:
        found[pk] = max(level, found.get(pk, 0))
    return found


def levels_of(due_of: Mapping[str, datetime]) -> dict[str, int]:
    """Number of an event, whistle or dispatch → its level, where it is late by the due time that is shown. One query at most."""
    rows = [
        Escalation.objects.filter(**{f"{field}__in": numbers}, level__gte=YELLOW).values_list(field, "due", "level")
        for field, numbers in _by_field(due_of).items()
    ]
    found: dict[str, int] = {}
    for number, due, level in rows[0].union(*rows[1:], all=True) if rows else ():
        if due == due_of[number]:
            found[number] = max(level, found.get(number, 0))
    return found


def _by_field(numbers: Iterable[str]) -> dict[str, list[str]]:
    """事… is an event's number, 哨… a whistle's, 哨…/1 a dispatch's; a whistle is late where its dispatches are."""
    fields: dict[str, list[str]] = {}
    for number in numbers:
        if number.startswith("事"):
            fields.setdefault("event__number", []).append(number)
        elif "/" in number:
            fields.setdefault("dispatch__number", []).append(number)
        else:
            fields.setdefault("whistle__number", []).append(number)
            fields.setdefault("dispatch__whistle__number", []).append(number)
    return fields
