"""督办 (domain 2.3): when a running clock is reminded of, turns yellow and turns red. Pure, on naive Shanghai datetimes.

《浙江省综合行政执法条例》 art 17 asks for help in time; whoever refuses it may be named by the government (art 36). The law
gives no numbers: they are the municipality's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from enforcement.rules.deadlines import Kind, Step
from townships.rules.worktime import Calendar, Span, Unit, add

REMIND_AT = 0.8  # of a limit
EMERGENCY = Step(Unit.CONTINUOUS_MINUTES, 15)
LONGEST = Step(Unit.WORK_DAYS, 1)


@dataclass(frozen=True)
class Clock:
    """A clock of a whistle of this `kind` (an event's has none) that runs from `since` until `due`: the limit is `step`."""

    since: datetime
    due: datetime
    step: Step
    kind: str = ""


class Level(IntEnum):
    REMINDER = 1
    YELLOW = 2
    RED = 3


def moments(clock: Clock, cal: Calendar, paused: Sequence[Span] = ()) -> dict[Level, datetime]:
    """When each level of this clock is reached. Raises MissingYear."""
    return {
        Level.REMINDER: reminder_at(clock, cal, paused),
        Level.YELLOW: clock.due,
        Level.RED: red_at(clock, cal, paused),
    }


def reminder_at(clock: Clock, cal: Calendar, paused: Sequence[Span] = ()) -> datetime:
    """80 % of the limit. Where the limit does not run at night: moved on to when offices open, never past the due time.

    What lies in `paused` is not used up. Raises MissingYear.
    """
    used = _share(clock.since, clock.due, paused)
    if clock.step.unit == Unit.CONTINUOUS_MINUTES:
        return used
    return next((opens for opens, _ in cal.open_spans(used, clock.due)), used)


def red_at(clock: Clock, cal: Calendar, paused: Sequence[Span] = ()) -> datetime:
    """Over by as long as the limit itself, one workday at most; the minutes of an emergency by 15. Raises MissingYear.

    What an emergency counts in workdays, the evaluation afterwards, is no emergency.
    """
    due, step = clock.due, clock.step
    if clock.kind == Kind.EMERGENCY and step.unit == Unit.CONTINUOUS_MINUTES:
        return add(due, EMERGENCY.unit, EMERGENCY.amount, cal, paused)
    as_long = add(due, step.unit, step.amount, cal, paused)
    return min(as_long, add(due, LONGEST.unit, LONGEST.amount, cal, paused))


def reached(levels: Mapping[Level, datetime], now: datetime) -> list[Level]:
    """The levels whose moment has come, the lowest first."""
    return [level for level in Level if levels[level] <= now]


def next_moment(levels: Mapping[Level, datetime], now: datetime) -> datetime | None:
    """When the next level is reached; None after red."""
    return min((at for at in levels.values() if at > now), default=None)


def _share(since: datetime, due: datetime, paused: Sequence[Span]) -> datetime:
    overlaps = [(max(since, begins), min(due, ends)) for begins, ends in paused]
    stood_still = sum((until - start for start, until in overlaps if start < until), timedelta())
    left = (due - since - stood_still) * REMIND_AT
    at = since
    for begins, ends in sorted(paused):
        if ends <= at:
            continue
        if at + left <= begins:
            break
        left -= max(begins - at, timedelta())
        at = ends
    return at + left
