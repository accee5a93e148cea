import csv
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from townships.models import CalendarYear, Holiday, WorkingHours
from townships.rules.worktime import Calendar, MissingYear, Unit, add, reasons, worked
from townships.services import holidays
from townships.worktime import calendar, due, parse_windows, shipped_calendar, to_aware, to_local

GOLDEN_FILE = Path(__file__).parent.parent / "golden" / "worktime.csv"
GOLDEN = list(csv.DictReader(GOLDEN_FILE.read_text(encoding="utf-8").splitlines()))
CAL = shipped_calendar()
at = datetime.fromisoformat  # naive Shanghai time, as in the rules
LONG_AGO = (at("1900-01-01T00:00"), at("1900-01-02T00:00"))
SHANGHAI = ZoneInfo("Asia/Shanghai")

starts = st.datetimes(at("2019-06-01T00:00"), at("2026-06-30T00:00")).map(lambda moment: moment.replace(microsecond=0))
whole_minutes = starts.map(lambda moment: moment.replace(second=0))
minutes = st.integers(1, 3000)
days = st.integers(1, 60)
pauses = st.lists(
    st.tuples(starts, st.integers(1, 20_000)).map(lambda pair: (pair[0], pair[0] + timedelta(minutes=pair[1]))),
    max_size=4,
)


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: f"{row['start']}-{row['unit']}-{row['amount']}")
def test_add_golden(row):
    assert add(at(row["start"]), row["unit"], int(row["amount"]), CAL).isoformat() == row["due"]


# --- Properties, each stated by itself ----------------------------------------------------------------------------


def is_open_day(day: date) -> bool:
    return day in CAL.makeup or (day.isoweekday() <= 5 and day not in CAL.holidays)


def is_open_minute(moment: datetime) -> bool:
    """Whether the minute that begins here is working time, said with numbers instead of windows."""
    minute = moment.hour * 60 + moment.minute
    return is_open_day(moment.date()) and (510 <= minute < 720 or 840 <= minute < 1050)


@given(start=whole_minutes, amount=st.integers(1, 900))
@settings(max_examples=60, deadline=None)
def test_work_minutes_are_the_open_minutes_one_by_one(start, amount):
    moment, counted = start, 0
    while counted < amount:
        counted += is_open_minute(moment)
        moment += timedelta(minutes=1)
    assert add(start, Unit.WORK_MINUTES, amount, CAL) == moment


@given(start=starts, amount=days)
def test_work_days_are_the_open_days_one_by_one(start, amount):
    day, counted = start.date(), 0
    while counted < amount:
        day += timedelta(days=1)
        counted += is_open_day(day)
    assert add(start, Unit.WORK_DAYS, amount, CAL) == datetime.combine(day, time(23, 59, 59))


@given(start=starts, amount=days)
def test_work_days_count(start, amount):
    due_at = add(start, Unit.WORK_DAYS, amount, CAL)
    after = [start.date() + timedelta(days=n) for n in range(1, (due_at.date() - start.date()).days + 1)]
    assert sum(map(is_open_day, after)) == amount
    assert is_open_day(due_at.date())
    assert due_at.time() == time(23, 59, 59)


@given(start=starts, amount=st.integers(1, 180))
def test_calendar_days_roll_over_days_off_only(start, amount):
    due_at = add(start, Unit.CALENDAR_DAYS, amount, CAL)
    last = start.date() + timedelta(days=amount)
    assert due_at.date() >= last
    assert is_open_day(due_at.date())
    assert not any(is_open_day(last + timedelta(days=n)) for n in range((due_at.date() - last).days))
    assert due_at.time() == time(23, 59, 59)


@given(start=starts, amount=minutes)
def test_work_minutes_end_inside_a_window_or_at_its_end(start, amount):
    due_at = add(start, Unit.WORK_MINUTES, amount, CAL)
    assert is_open_day(due_at.date())
    assert time(8, 30) < due_at.time() <= time(12) or time(14) < due_at.time() <= time(17, 30)


@given(start=starts, first=minutes, second=minutes)
def test_work_minutes_add_up(start, first, second):
    in_two_steps = add(add(start, Unit.WORK_MINUTES, first, CAL), Unit.WORK_MINUTES, second, CAL)
    assert in_two_steps == add(start, Unit.WORK_MINUTES, first + second, CAL)


@given(start=starts, amount=minutes)
def test_worked_is_the_inverse(start, amount):
    assert worked(start, add(start, Unit.WORK_MINUTES, amount, CAL), CAL) == timedelta(minutes=amount)


@given(start=starts, amount=st.integers(1, 40_000))
def test_the_leap_over_whole_days_changes_nothing(start, amount):
    slowly = add(start, Unit.WORK_MINUTES, amount, CAL, paused=[LONG_AGO])
    assert add(start, Unit.WORK_MINUTES, amount, CAL) == slowly


@given(start=starts, unit=st.sampled_from(Unit), amount=days)
def test_more_is_never_earlier(start, unit, amount):
    assert start < add(start, unit, amount, CAL) <= add(start, unit, amount + 1, CAL)


@given(start=starts, later=st.timedeltas(timedelta(0), timedelta(days=30)), unit=st.sampled_from(Unit), amount=days)
def test_a_later_start_is_never_due_earlier(start, later, unit, amount):
    assert add(start, unit, amount, CAL) <= add(start + later, unit, amount, CAL)


@given(start=starts, unit=st.sampled_from(Unit), amount=days)
def test_reasons_are_sentences(start, unit, amount):
    sentences = reasons(start, unit, amount, add(start, unit, amount, CAL), CAL)
    assert sentences
    assert all(sentence and ";" not in sentence for sentence in sentences)
    assert unit == Unit.WORK_MINUTES or any("《" in sentence for sentence in sentences)


# --- Pauses -------------------------------------------------------------------------------------------------------


def paused_between(start: datetime, end: datetime, paused: list) -> int:
    """Seconds of the interval inside a pause, counted on the union of the pauses."""
    marks = sorted({start, end, *(moment for pause in paused for moment in pause if start < moment < end)})
    return sum(
        int((b - a).total_seconds())
        for a, b in pairwise(marks)
        if any(begins <= a and b <= ends for begins, ends in paused)
    )


@given(start=starts, amount=minutes, paused=pauses)
def test_continuous_minutes_without_the_paused_ones(start, amount, paused):
    due_at = add(start, Unit.CONTINUOUS_MINUTES, amount, CAL, paused=paused)
    assert (due_at - start).total_seconds() - paused_between(start, due_at, paused) == amount * 60


@given(start=starts, amount=minutes, paused=pauses)
def test_work_minutes_without_the_paused_ones(start, amount, paused):
    due_at = add(start, Unit.WORK_MINUTES, amount, CAL, paused=paused)
    assert worked(start, due_at, CAL, paused=paused) == timedelta(minutes=amount)
    assert due_at >= add(start, Unit.WORK_MINUTES, amount, CAL)


@given(start=starts, amount=days, paused=pauses)
def test_work_days_wholly_inside_a_pause_do_not_count(start, amount, paused):
    due_at = add(start, Unit.WORK_DAYS, amount, CAL, paused=paused)
    counted = 0
    for n in range(1, (due_at.date() - start.date()).days + 1):
        day = start.date() + timedelta(days=n)
        midnight = datetime.combine(day, time.min)
        whole_day_paused = paused_between(midnight, midnight + timedelta(days=1), paused) == 86_400
        counted += is_open_day(day) and not whole_day_paused
    assert counted == amount


@pytest.mark.parametrize(
    ("unit", "amount", "paused", "expected"),
    [
        ("continuous_minutes", 30, ["2026-03-11T09:00", "2026-03-11T10:00"], "2026-03-11T10:30:00"),
        ("continuous_minutes", 30, ["2026-03-11T09:30", "2026-03-11T10:00"], "2026-03-11T09:30:00"),
        ("continuous_minutes", 30, ["2026-03-11T08:00", "2026-03-11T09:10"], "2026-03-11T09:40:00"),
        ("work_minutes", 60, ["2026-03-11T09:30", "2026-03-11T14:00"], "2026-03-11T14:30:00"),
        ("work_minutes", 60, ["2026-03-11T12:00", "2026-03-11T14:00"], "2026-03-11T10:00:00"),
        ("work_minutes", 240, ["2026-03-11T09:00", "2026-03-16T09:00"], "2026-03-16T15:00:00"),
        ("work_days", 1, ["2026-03-12T00:00", "2026-03-13T00:00"], "2026-03-13T23:59:59"),
        ("work_days", 1, ["2026-03-12T00:01", "2026-03-13T00:00"], "2026-03-12T23:59:59"),
        ("work_days", 2, ["2026-03-11T09:00", "2026-03-17T09:00"], "2026-03-18T23:59:59"),
        ("calendar_days", 1, ["2026-03-12T00:00", "2026-03-13T00:00"], "2026-03-12T23:59:59"),
    ],
)
def test_add_paused(unit, amount, paused, expected):
    pause = tuple(map(at, paused))
    assert add(at("2026-03-11T09:00"), unit, amount, CAL, paused=[pause]).isoformat() == expected


def test_work_days_inside_two_pauses_that_touch():
    noon_to_noon = [(at(f"2026-03-{day}T12:00"), at(f"2026-03-{day + 1}T12:00")) for day in (12, 11)]
    assert add(at("2026-03-11T09:00"), "work_days", 1, CAL, paused=noon_to_noon) == at("2026-03-13T23:59:59")


# --- Years that are missing, hours that change, and other ends ----------------------------------------------------


@pytest.mark.parametrize(
    ("start", "unit", "amount", "year"),
    [
        ("2026-12-31T09:00", "work_days", 1, 2027),
        ("2026-12-30T09:00", "work_days", 2, 2027),
        ("2026-12-31T09:00", "work_minutes", 391, 2027),
        ("2026-12-31T17:30", "work_minutes", 1, 2027),
        ("2026-12-31T09:00", "calendar_days", 1, 2027),
        ("2025-06-01T09:00", "calendar_days", 700, 2027),
        ("2003-12-31T09:00", "work_minutes", 1, 2003),
        ("2003-12-30T09:00", "work_days", 1, 2003),
        ("2026-03-11T09:00", "calendar_days", 10**9, 10000),
    ],
)
def test_add_missing_year(start, unit, amount, year):
    with pytest.raises(MissingYear) as refusal:
        add(at(start), unit, amount, CAL)
    assert refusal.value.year == year


@pytest.mark.parametrize(
    ("start", "unit", "amount", "expected"),
    [
        ("2026-12-31T09:00", "work_days", 1, "2027-01-01T23:59:59"),
        ("2026-12-31T09:00", "work_days", 2, "2027-01-04T23:59:59"),
        ("2026-12-31T09:00", "work_minutes", 391, "2027-01-01T08:31:00"),
        ("2026-12-31T09:00", "calendar_days", 2, "2027-01-04T23:59:59"),
        ("2026-09-30T16:30", "work_days", 3, "2026-10-10T23:59:59"),
    ],
)
def test_add_provisional(start, unit, amount, expected):
    assert add(at(start), unit, amount, CAL.provisional()).isoformat() == expected


def test_add_beyond_the_last_year():
    for unit, amount in [("continuous_minutes", 10**13), ("continuous_minutes", 10**40), ("work_minutes", 10**40)]:
        with pytest.raises(OverflowError):
            add(at("2026-03-11T00:00"), unit, amount, CAL.provisional())
    with pytest.raises(OverflowError):
        add(at("9999-12-30T00:00"), "work_days", 2, CAL.provisional())
    with pytest.raises(OverflowError):
        add(at("9999-12-31T18:00"), "work_minutes", 1, CAL.provisional())


@pytest.mark.parametrize(("unit", "amount"), [("work_days", 0), ("work_minutes", -1), ("hours", 1)])
def test_add_refuses(unit, amount):
    with pytest.raises(ValueError):
        add(at("2026-03-11T00:00"), unit, amount, CAL)


def test_worked_asks_for_no_year_that_it_does_not_need():
    assert worked(at("2026-12-31T09:00"), at("2026-12-31T23:00"), CAL) == timedelta(minutes=390)
    assert worked(at("2026-12-31T18:00"), at("2026-12-31T19:00"), CAL) == timedelta()


def test_hours_that_change_on_a_day():
    summer = parse_windows([["08:30", "11:30"], ["14:30", "18:00"]])
    cal = Calendar(CAL.holidays, CAL.makeup, CAL.years, CAL.windows, later=((date(2026, 6, 1), summer),))
    friday = at("2026-05-29T17:00")
    assert add(friday, "work_minutes", 30, cal) == at("2026-05-29T17:30")
    assert add(friday, "work_minutes", 210, cal) == at("2026-06-01T11:30")
    assert add(friday, "work_minutes", 211, cal) == at("2026-06-01T14:31")
    assert add(at("2026-06-01T17:45"), "work_minutes", 15, cal) == at("2026-06-01T18:00")


def test_is_workday():
    assert CAL.is_workday(date(2026, 2, 14))
    assert not CAL.is_workday(date(2026, 2, 16))
    assert not CAL.is_workday(date(2026, 3, 14))
    assert len(CAL.workdays(2026)) == 248
    with pytest.raises(MissingYear):
        CAL.is_workday(date(2027, 1, 1))


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [["12:00", "08:30"]],
        [["08:30", "12:00"], ["11:00", "17:00"]],
        [["08:30"]],
        [["8h", "12:00"]],
        [["08:30+08:00", "12:00"]],
        [["08:30", "12:00:30"]],
        [["08:30", "24:00"]],
        7,
        None,
        [7],
        [[8, 12]],
    ],
)
def test_parse_windows_refuses(pairs):
    with pytest.raises(ValueError):
        parse_windows(pairs)


# --- The rows of the database -------------------------------------------------------------------------------------


def test_due_is_computed_in_shanghai(calendar_2026):
    start = datetime(2026, 9, 30, 8, 30, tzinfo=ZoneInfo("UTC"))
    found = due(start, "work_minutes", 240)
    assert found.at == datetime(2026, 10, 8, 11, 30, tzinfo=SHANGHAI)
    assert not found.provisional
    assert to_local(start) == at("2026-09-30T16:30")
    assert to_aware(to_local(start)) == start


def test_due_missing_year_is_provisional_until_it_is_loaded(calendar_2026):
    start = datetime(2026, 12, 30, 9, tzinfo=SHANGHAI)
    found = due(start, "work_days", 5)
    assert (found.at, found.provisional) == (datetime(2027, 1, 6, 23, 59, 59, tzinfo=SHANGHAI), True)
    assert not due(start, "work_days", 1).provisional
    assert not due(start, "continuous_minutes", 100_000).provisional
    Holiday.objects.create(date=date(2027, 1, 1), kind="holiday")
    assert due(start, "work_days", 5) == found  # a single row is no year
    CalendarYear.objects.create(year=2027, source="测试")
    found = due(start, "work_days", 5)
    assert (found.at, found.provisional) == (datetime(2027, 1, 7, 23, 59, 59, tzinfo=SHANGHAI), False)


def test_calendar_is_the_shipped_one_after_loading_it(db):
    holidays.load_shipped()
    assert calendar() == CAL


def test_calendar_costs_one_query_while_nothing_changes(calendar_2026):
    first = calendar()
    with CaptureQueriesContext(connection) as queries:
        assert calendar() is first
    assert len(queries) == 1


def test_calendar_sees_every_change(calendar_2026):
    day = date(2026, 3, 11)
    assert calendar().is_workday(day)
    row = Holiday.objects.create(date=day, kind="holiday")
    assert not calendar().is_workday(day)
    Holiday.objects.filter(pk=row.pk).update(date=date(2026, 3, 12))
    assert calendar().is_workday(day)
    assert not calendar().is_workday(date(2026, 3, 12))
    WorkingHours.objects.create(valid_from=date(2026, 6, 1), windows=[["09:00", "17:00"]])
    assert calendar().windows_on(date(2026, 5, 31)) == CAL.windows
    assert calendar().windows_on(date(2026, 6, 1)) == ((time(9), time(17)),)
    CalendarYear.objects.all().delete()
    with pytest.raises(MissingYear):
        calendar().is_workday(day)


def test_calendar_without_any_hours(db):
    assert calendar().windows == CAL.windows


def test_shipped_calendar_asks_no_database():
    assert shipped_calendar().years == frozenset(range(2004, 2027))
