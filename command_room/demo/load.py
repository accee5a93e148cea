"""The demo: a made-up municipality with three months behind it, dated relative to the moment of loading."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.db import transaction
from django.utils import timezone

from command_room.demo import (
    accesses,
    accounts,
    desks,
    escalations,
    judged,
    messages,
    opinions,
    saved_filters,
    shift_notes,
    stage_action,
    upkeep,
)
from command_room.demo.book import Book
from command_room.demo.cast import GANLIN, SLUGS, Cast
from command_room.demo.clocks import Clocks
from command_room.demo.course import Course
from command_room.demo.matters import load_matters
from command_room.demo.photos import AFTER, BEFORE, Album
from command_room.demo.stage import SCENES, Stage
from enforcement.models import Event
from townships.models import User

DAYS = 90
EVENTS = 2950
STAGED_PHOTOS, REPORT_PHOTOS = 14, 8
# how busy the hours are, 0 to 23, and the townships
HOURS = (1, 1, 1, 1, 1, 2, 6, 14, 24, 26, 22, 14, 8, 14, 22, 20, 18, 14, 10, 10, 9, 6, 4, 2)
WEIGHTS = {"330683001": 13, "330683002": 12, "330683003": 9, "330683005": 9, GANLIN: 15}
USUAL_WEIGHT = 5


@dataclass(frozen=True)
class Loaded:
    events: int
    whistles: int
    people: int
    left_out: int  # scenes that no start leads to at this hour
    seconds: float


def is_loaded() -> bool:
    return User.objects.filter(username=accounts.ACCOUNTS[0]).exists()


@transaction.atomic
def load(*, seed: int, now: datetime | None = None, events: int = EVENTS) -> Loaded:
    """Fill the database. The same seed at the same moment gives the same rows, passwords excepted. `events`: about how
    many, besides those of the stage."""
    begun = time.monotonic()
    now = timezone.localtime(now).replace(microsecond=0)
    rng = Random(seed)  # noqa: S311 - a demo that can be repeated
    cast = Cast(now.replace(tzinfo=None), rng)
    cast.settle()
    book = Book(cast, Clocks(now), rng)
    course = Course(book, load_matters(), now, rng)
    staged = _play(course)
    stage_action.play(book, now)
    _live(course, now, events)
    judged.leave_one_open(book, now)
    judged.leave_one_to_appeal(book, now)
    escalations.write(book, now)
    book.save()
    escalations.settle(now)
    shift_notes.write(cast, now, rng)
    saved_filters.write(cast)
    desks.remind(book, cast.people, now)
    desks.export(cast.people, now)
    opinions.write(cast, now)
    messages.save(book.notices, now, rng)
    _photograph(course, staged)
    accounts.give_passwords(cast.people)
    accesses.write(cast.people, now, rng)
    upkeep.announce_channels(cast.people["bureau-admin"], now)
    upkeep.hang_walls(cast.people, now)
    upkeep.age(now, rng)
    upkeep.list_expired(cast.people["bureau-admin"], now)
    left_out = len(SCENES) - len(staged)
    return Loaded(len(book.events), len(book.whistles), len(cast.people), left_out, time.monotonic() - begun)


def _play(course: Course) -> list[Event]:
    towns = {town.slug: town for town in course.book.cast.towns.values()}
    stage = Stage(course)
    played = [stage.play(scene, towns[scene.town]) for scene in SCENES]
    return [event for event in played if event is not None]


def _live(course: Course, now: datetime, events: int) -> None:
    """Three months of cases, more of them by day and in the towns."""
    rng, towns = course.rng, list(course.book.cast.towns.values())
    weights = [WEIGHTS.get(code, USUAL_WEIGHT) for code in SLUGS if code in course.book.cast.towns]
    midnight = now.replace(hour=0, minute=0, second=0)
    for _ in range(events):
        hour = rng.choices(range(24), HOURS)[0]
        at = midnight - timedelta(days=rng.randrange(DAYS), hours=-hour, minutes=-rng.randrange(60))
        if at < now:
            course.live(rng.choices(towns, weights)[0], at)


def _photograph(course: Course, staged: list[Event]) -> None:
    """Photos with the cases that are seen first, and with some reports of departments."""
    album, rng = Album(course.rng), course.rng
    for event in [event for event in staged if _scene(course, event)][:STAGED_PHOTOS]:
        album.attach(
            event,
            _scene(course, event),
            count=rng.randint(1, 3),
            by=event.reported_by,
            at=event.reported_at,
            phase=BEFORE,
        )
    finals = [
        r for r in course.book.reports if r.kind == "final" and r.dispatch.event and _scene(course, r.dispatch.event)
    ]
    for report in sorted(finals, key=lambda report: report.at)[-REPORT_PHOTOS:]:
        scene = _scene(course, report.dispatch.event)  # type: ignore[arg-type]  # those above have one
        album.attach(report, scene, count=1, by=report.by, at=report.at, phase=AFTER)
    looks = [check for check in course.book.checks if check.checked_at and _scene(course, check.event)]
    for check in sorted(looks, key=lambda check: check.asked_at)[-REPORT_PHOTOS:]:
        scene, at = _scene(course, check.event), check.checked_at
        album.attach(check, scene, count=1, by=check.asked_of, at=at or check.asked_at, phase=AFTER)


def _scene(course: Course, event: Event) -> str:
    return course.matters[event.category.code].scene
