"""A township's board for a screen on the wall: seen by whoever passes, so no person is named and nothing leads on."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.utils import timezone

from command_room.services import board as boards
from command_room.services import day
from command_room.services.board import Board
from command_room.services.day import Arrivals, Finished
from records.models import PublicLink
from townships import people
from townships.models import Role, Unit

SHOWN = 4  # cards a column: what is read from four metres fits no more
REST = timedelta(minutes=5)  # shifts begin and end within the day
PURPOSES = (PublicLink.Purpose.WALL, PublicLink.Purpose.CITY_WALL)
USES = 120  # a minute and link: a screen asks three times, and a hall may have several


@dataclass(frozen=True)
class Column:
    title: str
    count: int
    slips: list[dict[str, Any]]

    @property
    def more(self) -> int:
        return self.count - len(self.slips)


@dataclass(frozen=True)
class Wall:
    board: Board
    columns: list[Column]
    arrivals: Arrivals
    finished: Finished
    on_duty: list[tuple[str, int]]  # (岗位, how many can come)
    until: datetime


def wall(township: Unit, now: datetime) -> Wall:
    found = boards.board(township, now)
    return Wall(
        board=found,
        columns=[Column(lane.title, lane.count, lane.slips[:SHOWN]) for lane in found.lanes],
        arrivals=day.arrivals(township, now),
        finished=day.finished(township, now),
        on_duty=_on_duty(township, now),
        until=min(found.until, now + REST),
    )


def _on_duty(township: Unit, now: datetime) -> list[tuple[str, int]]:
    """Offices and how many of each are there: those on the rota first. No names, no telephones."""
    there = [one for one in people.on_duty_now(township, now) if one.can_come]
    counts = Counter(f"{one.group}{f'·{one.shift.get_band_display()}' if one.shift else ''}" for one in there)
    return list(counts.items())


# --- the links ----------------------------------------------------------------------------------------------------------
def links(user: Any) -> QuerySet[PublicLink]:
    """A leader the own township's, the guidance office the city's, the administrators all."""
    rows = PublicLink.objects.filter(purpose__in=PURPOSES, target_type=_units())
    if user.acting.role == Role.ADMIN:
        return rows
    return rows.filter(target_id=user.acting.unit_id)


def units(user: Any) -> QuerySet[Unit]:
    """For whose walls this person makes links: townships', and the guidance office's, which shows the city."""
    with_walls = Unit.objects.open_on(timezone.localdate()).filter(kind__in=(Unit.Kind.GUIDANCE, *Unit.TOWNSHIP_KINDS))
    return with_walls if user.acting.role == Role.ADMIN else with_walls.filter(pk=user.acting.unit_id)


def purpose_of(unit: Unit) -> PublicLink.Purpose:
    """What a link of this unit shows: it stands in the link, so that a screen that asks again costs no query more."""
    return PublicLink.Purpose.WALL if unit.is_township else PublicLink.Purpose.CITY_WALL


def unit_of(link: PublicLink) -> Unit:
    return Unit.objects.get(pk=link.target_id)


def _units() -> ContentType:
    return ContentType.objects.get_for_model(Unit)
