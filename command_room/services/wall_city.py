"""The whole city for a screen on the guidance office's wall: the townships by the hour, and the red slips. No person named."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet
from django.utils import timezone

from command_room.services import city
from command_room.services.city import Row
from command_room.services.clock import midnight
from command_room.services.wall import REST
from command_room.templatetags.look import SOON
from enforcement.models import Dispatch, Escalation, Event, Whistle
from enforcement.services.labels import CLOCKS
from townships.models import Unit

SHOWN = 7  # red slips: what is read from four metres fits no more
COUNTED = 500  # of them; beyond that the head says 500+
RED = Escalation.Level.RED


@dataclass(frozen=True)
class Line:
    """A township: what came in and went out today, and how what is open stands."""

    row: Row
    reported: int
    blown: int
    closed: int


@dataclass(frozen=True)
class Slip:
    """A red 督办 whose clock still runs: who has to act, for whom, and since when."""

    number: str
    title: str
    unit: str
    by_unit: str
    clock: str
    due: datetime


@dataclass(frozen=True)
class CityWall:
    lines: list[Line]
    numbers: list[tuple[str, int, str]]  # (what, how many, tone)
    slips: list[Slip]
    reds: int
    until: datetime

    @property
    def more(self) -> int:
        return self.reds - len(self.slips)

    @property
    def said_reds(self) -> str:
        return f"{COUNTED}+" if self.reds > COUNTED else str(self.reds)


def wall(now: datetime) -> CityWall:
    """Ten queries, whatever there is: what is open by its indexes, what is of today by what changed today."""
    rows = city.overview(now)
    reported, blown, closed = _today([row.township.pk for row in rows], now)
    lines = [Line(row, *(found[row.township.pk] for found in (reported, blown, closed))) for row in rows]
    reds = list(_reds(now)[: COUNTED + 1])
    return CityWall(lines, _numbers(lines), _slips(reds[:SHOWN]), len(reds), _until(now))


def _numbers(lines: Iterable[Line]) -> list[tuple[str, int, str]]:
    total: Counter[str] = Counter()
    for line in lines:
        row = line.row
        total.update(
            reported=line.reported, blown=line.blown, closed=line.closed, open=row.open, late=row.late, soon=row.soon
        )
    return [
        ("今日上报", total["reported"], ""),
        ("今日吹哨", total["blown"], ""),
        ("今日办结", total["closed"], ""),
        ("在办哨单", total["open"], ""),
        ("已超期", total["late"], "late" if total["late"] else ""),
        ("2 小时内到期", total["soon"], "soon" if total["soon"] else ""),
    ]


def _today(township_ids: list[int], now: datetime) -> list[Counter[int]]:
    """By township: events reported, whistles sent, whistles closed since midnight. What was made today was changed today."""
    day = midnight(now)
    whistles = Whistle.objects.filter(by_unit__in=township_ids)
    return [
        _by(Event.objects.filter(township__in=township_ids, changed_at__gte=day, reported_at__gte=day), "township_id"),
        _by(whistles.filter(changed_at__gte=day, sent_at__gte=day), "by_unit_id"),
        _by(whistles.filter(closed_at__gte=day, state=Whistle.State.CLOSED), "by_unit_id"),
    ]


def _by(rows: QuerySet[Any], owner: str) -> Counter[int]:
    return Counter(dict(rows.order_by().values_list(owner).annotate(Count("pk"))))


def _reds(now: datetime) -> QuerySet[Any, Any]:
    """Red slips of what is late now, from the late rows by their index; the longest late first."""
    found = [
        _of(Dispatch, "dispatch", "dispatch__whistle__title", now),
        _of(Whistle, "whistle", "whistle__title", now),
        _of(Event, "event", "event__title", now),
    ]
    return found[0].union(*found[1:], all=True).order_by("due", "number")


def _of(model: type[Any], noun: str, title: str, now: datetime) -> QuerySet[Any, Any]:
    late = {f"{noun}__state__in": model.OPEN, f"{noun}__next_due__lt": now, "due": F(f"{noun}__next_due")}
    rows = Escalation.objects.filter(level=RED, **late).annotate(title=F(title))
    return rows.values_list("number", "title", "unit_id", "by_unit_id", "clock", "due")


def _slips(rows: list[tuple[Any, ...]]) -> list[Slip]:
    names = dict(Unit.objects.filter(pk__in={pk for row in rows for pk in row[2:4]}).values_list("pk", "short_name"))
    return [
        Slip(number, title, names[unit], names[by_unit], CLOCKS[clock], due)
        for number, title, unit, by_unit, clock, due in rows
    ]


def _until(now: datetime) -> datetime:
    """The next moment at which a whistle turns soon or late, or the day ends; no later than a rest from now."""
    rows = Whistle.objects.filter(state__in=Whistle.OPEN, next_due__gt=now, next_due__lt=now + SOON + REST)
    turns = rows.aggregate(late=Min("next_due"), soon=Min("next_due", filter=Q(next_due__gt=now + SOON)))
    ends = [now + REST, midnight(now) + timedelta(days=1)]
    if turns["late"]:
        ends.append(turns["late"])
    if turns["soon"]:
        ends.append(turns["soon"] - SOON)
    return min(timezone.localtime(end) for end in ends)
