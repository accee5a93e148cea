"""Working-time arithmetic (domain table D0): pure functions on naive datetimes, all of them Asia/Shanghai local time.

Articles applied: 《民法典》 art 201 (the day on which a period begins does not count; minutes and hours run from their
own start) and art 203 (a last day that is a holiday moves on; a day ends at 24:00), 《行政处罚法》 art 85 (which days
of a limit are workdays).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
Windows = tuple[tuple[time, time], ...]
Span = tuple[datetime, datetime]

SHIPPED_WINDOWS: Windows = ((time(8, 30), time(12)), (time(14), time(17, 30)))
EVERY_YEAR = frozenset(range(MINYEAR, MAXYEAR + 1))
DAY = timedelta(days=1)
SATURDAY = 5
END_OF_DAY = time(23, 59, 59)
END_OF_TIME = datetime.combine(date.max, time.max)


class Unit(StrEnum):
    CONTINUOUS_MINUTES = "continuous_minutes"
    WORK_MINUTES = "work_minutes"
    WORK_DAYS = "work_days"
    CALENDAR_DAYS = "calendar_days"


class MissingYear(LookupError):  # noqa: N818 - it reads as what is missing
    """Whether a day is a workday had to be known, and the holiday list of its year is not loaded."""

    def __init__(self, year: int) -> None:
        super().__init__(f"{year} 年的节假日安排尚未导入")
        self.year = year


@dataclass(frozen=True)
class Calendar:
    """Holidays and make-up workdays of the loaded `years`, and the day's working windows, ascending and disjoint.

    `later` holds the windows that take over from a date on (summer hours, winter hours), ascending by date.
    """

    holidays: frozenset[date]
    makeup: frozenset[date]
    years: frozenset[int]
    windows: Windows = SHIPPED_WINDOWS
    later: tuple[tuple[date, Windows], ...] = ()
    _workdays: dict[int, tuple[date, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provisional(self) -> "Calendar":
        """The same calendar, but with plain weekdays as the workdays of every year that is not loaded."""
        return replace(self, years=EVERY_YEAR)

    def is_workday(self, day: date) -> bool:
        """A weekday that is no holiday, or a make-up workday. Raises MissingYear."""
        workdays = self.workdays(day.year)
        at = bisect_left(workdays, day)
        return workdays[at : at + 1] == (day,)

    def workdays(self, year: int) -> tuple[date, ...]:
        """All workdays of a year, ascending. Raises MissingYear."""
        if year not in self.years:
            raise MissingYear(year)
        if year not in self._workdays:
            first = date(year, 1, 1).toordinal()
            days = map(date.fromordinal, range(first, date(year, 12, 31).toordinal() + 1))
            self._workdays[year] = tuple(
                day for day in days if day in self.makeup or (day.weekday() < SATURDAY and day not in self.holidays)
            )
        return self._workdays[year]

    def workdays_from(self, day: date, last: date = date.max) -> Iterator[date]:
        """The workdays from `day` to `last`, both included. A year is asked for only when its turn has come."""
        for year in range(day.year, last.year + 1):
            workdays = self.workdays(year)
            end = bisect_right(workdays, last) if year == last.year else len(workdays)
            yield from workdays[bisect_left(workdays, day) : end]

    def windows_on(self, day: date) -> Windows:
        windows = self.windows
        for since, others in self.later:
            if since <= day:
                windows = others
        return windows

    def open_spans(self, start: datetime, end: datetime = END_OF_TIME) -> Iterator[Span]:
        """What lies between the two instants inside the windows of workdays."""
        day = start.date()
        if start.time() >= self.windows_on(day)[-1][1]:
            day += DAY  # nobody needs to know whether a day that is over was a workday
        for workday in self.workdays_from(day, end.date()):
            for opens, closes in self.windows_on(workday):
                since = max(start, datetime.combine(workday, opens))
                until = min(end, datetime.combine(workday, closes))
                if since < until:
                    yield since, until


def add(start: datetime, unit: str, amount: int, cal: Calendar, paused: Sequence[Span] = ()) -> datetime:
    """When `amount` (≥ 1) of `unit` is over, counted from `start`; seconds of the start are kept.

    What lies in `paused` is not consumed: minutes of either kind, and workdays wholly inside a pause; calendar days,
    the law's own periods, run on. Raises MissingYear where the calendar is needed and has no such year, OverflowError
    where the result lies beyond the year 9999, ValueError for an unknown unit or an amount below 1.
    """
    if amount < 1:
        raise ValueError("amount must be at least 1")
    pauses = sorted(paused)
    match Unit(unit):
        case Unit.CONTINUOUS_MINUTES:
            return _consume(_without([(start, END_OF_TIME)], pauses), timedelta(minutes=amount))
        case Unit.WORK_MINUTES:
            return _work_minutes(start, timedelta(minutes=amount), cal, pauses)
        case Unit.WORK_DAYS:
            return _work_days(start, amount, cal, pauses)
        case Unit.CALENDAR_DAYS:
            return _calendar_days(start, amount, cal)


def worked(start: datetime, end: datetime, cal: Calendar, paused: Sequence[Span] = ()) -> timedelta:
    """The working time between two instants: the inverse of adding `work_minutes`. Raises MissingYear."""
    spans = _without(cal.open_spans(start, end), sorted(paused))
    return sum((until - since for since, until in spans), timedelta())


def reasons(start: datetime, unit: str, amount: int, due: datetime, cal: Calendar) -> tuple[str, ...]:
    """Why `due` is the result of `add` without a pause, in short Chinese sentences that name the article of law."""
    match Unit(unit):
        case Unit.CONTINUOUS_MINUTES:
            return (f"自起点起连续计时{amount}分钟，不分昼夜和节假日（《民法典》第201条）",)
        case Unit.WORK_MINUTES:
            opens, _ = _nth(cal.open_spans(start), 1)
            moved = () if opens == start else (f"起点不在工作时段内，自{opens:%Y-%m-%d %H:%M}起计",)
            return (*moved, f"只计工作日的工作时段，共{amount}分钟")
        case Unit.WORK_DAYS:
            return (
                "起点当日不计入（《民法典》第201条）",
                f"按工作日计算（参照《行政处罚法》第85条），至第{amount}个工作日24时届满",
            )
        case Unit.CALENDAR_DAYS:
            last = start.date() + DAY * amount
            rolled = f"，该日不是工作日，顺延至{due:%Y-%m-%d}" if last != due.date() else ""
            return (
                "起点当日不计入（《民法典》第201条）",
                f"末日为{last}{rolled}，当日24时届满（《民法典》第203条）",
            )


def _work_minutes(start: datetime, left: timedelta, cal: Calendar, paused: Sequence[Span]) -> datetime:
    if not paused and not cal.later:  # whole days are all alike: leap over them
        start, _ = _nth(cal.open_spans(start), 1)
        a_day = _whole_day(cal.windows)
        whole_days = (left - timedelta.resolution) // a_day
        if whole_days:
            start = datetime.combine(_nth(cal.workdays_from(start.date() + DAY), whole_days), start.time())
            left -= whole_days * a_day
    return _consume(_without(cal.open_spans(start), paused), left)


def _work_days(start: datetime, amount: int, cal: Calendar, paused: Sequence[Span]) -> datetime:
    days: Iterable[date] = cal.workdays_from(start.date() + DAY)
    if paused:
        days = (day for day in days if not _is_paused(day, paused))
    return datetime.combine(_nth(days, amount), END_OF_DAY)


def _calendar_days(start: datetime, amount: int, cal: Calendar) -> datetime:
    try:
        last = start.date() + timedelta(days=amount)
    except OverflowError:
        raise MissingYear(MAXYEAR + 1) from None  # the day has no name here, and no holiday list will ever name it
    return datetime.combine(_nth(cal.workdays_from(last), 1), END_OF_DAY)


def _whole_day(windows: Windows) -> timedelta:
    """The working time of one whole workday."""
    return sum((datetime.combine(date.min, b) - datetime.combine(date.min, a) for a, b in windows), timedelta())


def _nth(items: Iterable[T], n: int) -> T:
    for item in islice(items, min(n, MAXYEAR * 366) - 1, None):  # no calendar is longer; islice takes no huge number
        return item
    raise OverflowError("the result lies beyond the year 9999")


def _consume(spans: Iterable[Span], left: timedelta) -> datetime:
    """The instant at which `left` (more than nothing) has been used up; the end of a span belongs to it."""
    for since, until in spans:
        if left <= until - since:
            return since + left
        left -= until - since
    raise OverflowError("the result lies beyond the year 9999")


def _without(spans: Iterable[Span], paused: Sequence[Span]) -> Iterator[Span]:
    """The spans, in order, less what lies in `paused` (sorted)."""
    for since, until in spans:
        left = since
        for begins, ends in paused:
            if ends <= left or until <= begins:
                continue
            if left < begins:
                yield left, begins
            left = ends
        if left < until:
            yield left, until


def _is_paused(day: date, paused: Sequence[Span]) -> bool:
    midnight = datetime.combine(day, time.min)
    return not any(True for _ in _without([(midnight, midnight + DAY)], paused))
