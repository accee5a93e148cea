"""How the fifteen townships stand, in one table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from command_room.services.board import tally
from enforcement.models import Whistle
from enforcement.rules.escalation import Level
from enforcement.services.marks import highest, late_whistles
from townships.models import Unit


@dataclass(frozen=True)
class Row:
    """Open whistles of one township: by state and by their clock."""

    township: Unit
    by_state: list[tuple[str, int]]  # (名称, 张数)
    open: int
    late: int
    soon: int
    yellow: int
    red: int


STATES = tuple((state, Whistle.State(state).label) for state in Whistle.OPEN)


def overview(now: datetime) -> list[Row]:
    """One row a township, the most overdue first. Three queries; only open whistles are read, by their index."""
    townships = list(Unit.objects.townships())
    counts = {
        row["by_unit_id"]: row
        for row in Whistle.objects.filter(by_unit_id__in=[unit.pk for unit in townships], state__in=Whistle.OPEN)
        .values("by_unit_id")
        .annotate(**tally(now))
    }
    marks = _marks(townships, now)
    rows = [_row(unit, counts.get(unit.pk, {}), marks[unit.pk]) for unit in townships]
    return sorted(rows, key=lambda row: (-row.late, -row.red))


def _marks(townships: Sequence[Unit], now: datetime) -> dict[int, Counter[int]]:
    """By township: how many late whistles are marked yellow, and how many red."""
    rows = list(late_whistles([unit.pk for unit in townships], now))
    levels, found = highest(rows), {unit.pk: Counter[int]() for unit in townships}
    for pk, unit_id in {pk: unit_id for unit_id, pk, _ in rows}.items():
        found[unit_id][levels[pk]] += 1
    return found


def _row(township: Unit, counts: Mapping[str, Any], marks: Mapping[int, int]) -> Row:
    by_state = [(title, counts.get(state, 0)) for state, title in STATES]
    return Row(
        township,
        by_state,
        open=counts.get("open", 0),
        late=counts.get("late", 0),
        soon=counts.get("soon", 0),
        yellow=marks.get(Level.YELLOW, 0),
        red=marks.get(Level.RED, 0),
    )
