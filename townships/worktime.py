"""The municipality's calendar: `rules.worktime` on the rows of the database, for aware datetimes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from chinese_calendar import constants
from django.db import connection
from django.utils import timezone

from townships.models import CalendarYear, Holiday, WorkingHours
from townships.rules.worktime import Calendar, MissingYear, Span, Windows, add

Pause = tuple[datetime, datetime]  # aware


@dataclass(frozen=True)
class Due:
    at: datetime  # aware
    provisional: bool  # computed on plain weekdays, because a year is not loaded


def due(start: datetime, unit: str, amount: int, cal: Calendar | None = None, paused: Sequence[Pause] = ()) -> Due:
    """When `amount` of `unit` after the aware `start` is over. A missing year makes it provisional, never an error.

    `cal`: the calendar, where the caller has it already; `paused`: aware spans in which nothing was used up.
    """
    cal = cal or calendar()
    spans = local_spans(paused)
    try:
        return Due(to_aware(add(to_local(start), unit, amount, cal, spans)), provisional=False)
    except MissingYear:
        return Due(to_aware(add(to_local(start), unit, amount, cal.provisional(), spans)), provisional=True)


def local_spans(paused: Sequence[Pause]) -> list[Span]:
    """Aware spans as the rules take them."""
    return [(to_local(since), to_local(until)) for since, until in paused]


def to_local(moment: datetime) -> datetime:
    """Aware → the naive Shanghai time on which the rules compute."""
    return timezone.make_naive(moment, timezone.get_default_timezone())


def to_aware(moment: datetime) -> datetime:
    """The rules' naive Shanghai time → aware."""
    return timezone.make_aware(moment, timezone.get_default_timezone())


def calendar() -> Calendar:
    """The calendar of the database, kept for the process and read anew as soon as any of its rows is another."""
    return _load(_version())


def shipped_calendar() -> Calendar:
    """The holidays of 2004–2026 that come with the portal and the shipped windows. Touches no database."""
    return Calendar(
        holidays=frozenset(constants.holidays),
        makeup=frozenset(constants.workdays),
        years=frozenset(day.year for day in constants.holidays),
    )


def parse_windows(pairs: Any) -> Windows:
    """[["08:30", "12:00"], …] → times. Raises ValueError unless the windows are ascending, disjoint and not empty."""
    try:
        windows = tuple((_time_of(opens), _time_of(closes)) for opens, closes in pairs)
    except (TypeError, AttributeError) as error:  # other JSON than pairs of texts
        raise ValueError("working windows are pairs of HH:MM") from error
    moments = [moment for window in windows for moment in window]
    if not moments or moments != sorted(set(moments)):
        raise ValueError("working windows must be ascending and disjoint")
    return windows


def print_windows(windows: Windows) -> list[list[str]]:
    """Times → [["08:30", "12:00"], …], as they stand in a row."""
    return [[f"{moment:%H:%M}" for moment in window] for window in windows]


def _time_of(text: str) -> time:
    hours, minutes = text.split(":")
    return time(int(hours), int(minutes))


def _version() -> tuple[int, ...]:
    """A fingerprint of the rows themselves: an import, an edit in the admin and a rollback all show in it."""
    tables = (
        (CalendarYear, "hashint4(year)"),
        (Holiday, "hashint4(date - DATE '2000-01-01') # hashtext(kind)"),
        (WorkingHours, "hashtext(valid_from::text || windows::text)"),
    )
    parts = [f"(SELECT coalesce(sum({row}), 0) FROM {model._meta.db_table})" for model, row in tables]  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(parts))
        return tuple(cursor.fetchone() or ())


@lru_cache(maxsize=1)
def _load(version: tuple[int, ...]) -> Calendar:  # noqa: ARG001 - it is the cache's key
    years = frozenset(CalendarYear.objects.values_list("year", flat=True))
    days = [(day, kind) for day, kind in Holiday.objects.values_list("date", "kind") if day.year in years]
    hours = [
        (since, parse_windows(windows))
        for since, windows in WorkingHours.objects.order_by("valid_from").values_list("valid_from", "windows")
    ]
    cal = Calendar(
        holidays=frozenset(day for day, kind in days if kind == Holiday.Kind.HOLIDAY),
        makeup=frozenset(day for day, kind in days if kind == Holiday.Kind.WORKDAY),
        years=years,
    )
    if not hours:
        return cal
    (_, first), *later = hours  # before the first row's date its windows are the best that is known
    return replace(cal, windows=first, later=tuple(later))
