import csv
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcement.rules.deadlines import (
    SHIPPED_EVAL,
    SHIPPED_LIMITS,
    Kind,
    Step,
    WhistleLimits,
    rework_step,
    whistle_dues,
    whistle_dues_or_provisional,
)
from townships.rules.worktime import MissingYear, Unit
from townships.worktime import shipped_calendar

GOLDEN_FILE = Path(__file__).parent.parent / "golden" / "whistle.csv"
GOLDEN = list(csv.DictReader(GOLDEN_FILE.read_text(encoding="utf-8").splitlines()))
NAMES = ("sign_due", "arrive_due", "report_due", "finish_due", "eval_due")
CAL = shipped_calendar()
at = datetime.fromisoformat  # naive Shanghai time, as in the rules

kinds = st.sampled_from(Kind)
moments = st.datetimes(at("2019-06-01"), at("2026-06-30"))


def dues(kind, sent_at):
    return whistle_dues(kind, sent_at, SHIPPED_LIMITS[kind], SHIPPED_EVAL, CAL)


def printed(found):
    return {name: getattr(found, name).isoformat() if getattr(found, name) else "" for name in NAMES}


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: f"{row['kind']}-{row['sent_at']}")
def test_whistle_dues_golden(row):
    assert printed(dues(row["kind"], at(row["sent_at"]))) == {name: row[name] for name in NAMES}


def test_golden_has_every_kind_for_every_moment():
    assert (
        len(GOLDEN) == len({(row["kind"], row["sent_at"]) for row in GOLDEN}) == 4 * len({r["sent_at"] for r in GOLDEN})
    )


# --- Properties ---------------------------------------------------------------------------------------------------


@given(kind=kinds, sent_at=moments)
def test_steps_follow_each_other(kind, sent_at):
    found = dues(kind, sent_at)
    clocks = [found.sign_due, found.arrive_due, found.report_due or found.arrive_due, found.finish_due, found.eval_due]
    assert sent_at < clocks[0]
    assert clocks == sorted(clocks)


@given(sent_at=moments)
def test_an_emergency_knows_no_holidays(sent_at):
    found = dues(Kind.EMERGENCY, sent_at)
    passed = [found.sign_due - sent_at, found.arrive_due - sent_at, found.finish_due - sent_at]
    assert passed == [timedelta(minutes=15), timedelta(minutes=30), timedelta(days=1)]


@given(kind=kinds, sent_at=moments)
def test_evaluation_ends_a_workday_that_is_the_third_after_the_finish(kind, sent_at):
    found = dues(kind, sent_at)
    between = (found.finish_due.date() + timedelta(days=n) for n in range(1, 40))
    workdays = [day for day in between if CAL.is_workday(day)]
    assert (found.eval_due.date(), found.eval_due.time()) == (workdays[2], time(23, 59, 59))


@given(kind=kinds, sent_at=moments, later=st.timedeltas(timedelta(0), timedelta(days=20)))
def test_a_later_whistle_is_never_due_earlier(kind, sent_at, later):
    first, second = dues(kind, sent_at), dues(kind, sent_at + later)
    assert all(getattr(first, name) <= getattr(second, name) for name in NAMES if getattr(first, name))


@given(kind=kinds, sent_at=moments)
def test_with_every_year_loaded_nothing_is_provisional(kind, sent_at):
    found = whistle_dues_or_provisional(kind, sent_at, SHIPPED_LIMITS[kind], SHIPPED_EVAL, CAL)
    assert found == (dues(kind, sent_at), frozenset())


@pytest.mark.parametrize("kind", Kind)
def test_reasons_name_the_article(kind):
    reasons = dues(kind, at("2026-03-11T09:00")).reasons
    assert any("第17条" in reason for reason in reasons)
    assert all(reason and ";" not in reason for reason in reasons)


# --- A missing year -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
def test_whistle_dues_missing_year(kind):
    with pytest.raises(MissingYear):
        dues(kind, at("2026-12-30T09:00"))


@pytest.mark.parametrize(
    ("kind", "provisional", "expected"),
    [
        (
            "emergency",
            {"eval_due"},
            "2026-12-30T09:15:00 2026-12-30T09:30:00 2026-12-30T11:00:00 2026-12-31T09:00:00 2027-01-05T23:59:59",
        ),
        (
            "urgent",
            {"finish_due", "eval_due"},
            "2026-12-30T10:00:00 2026-12-30T11:00:00 2026-12-31T23:59:59 2027-01-04T23:59:59 2027-01-07T23:59:59",
        ),
        (
            "routine",
            {"finish_due", "eval_due"},
            "2026-12-30T15:00:00 2026-12-31T23:59:59 - 2027-01-08T23:59:59 2027-01-13T23:59:59",
        ),
        (
            "campaign",
            {"arrive_due", "report_due", "finish_due", "eval_due"},
            "2026-12-31T23:59:59 2027-01-04T23:59:59 2027-01-06T23:59:59 2027-01-20T23:59:59 2027-01-25T23:59:59",
        ),
    ],
)
def test_only_what_needed_the_missing_year_is_provisional(kind, provisional, expected):
    sent_at = at("2026-12-30T09:00")
    found, names = whistle_dues_or_provisional(kind, sent_at, SHIPPED_LIMITS[kind], SHIPPED_EVAL, CAL)
    assert names == provisional
    assert [value or "-" for value in printed(found).values()] == expected.split()


def test_what_is_counted_from_a_provisional_finish_is_provisional():
    """2028 is loaded, but its third workday after a guessed finish is a guess, too."""
    cal = shipped_calendar()
    cal = type(cal)(cal.holidays, cal.makeup, cal.years | {2028})
    limits = WhistleLimits(Step("work_days", 1), Step("work_days", 1), None, Step("calendar_days", 380))
    far = WhistleLimits(limits.sign, limits.arrive, None, Step("work_days", 262))
    found, names = whistle_dues_or_provisional("routine", at("2026-12-30T09:00"), far, SHIPPED_EVAL, cal)
    assert found.finish_due.isoformat() == "2027-12-31T23:59:59"
    assert found.eval_due.isoformat() == "2028-01-05T23:59:59"
    assert names == {"finish_due", "eval_due"}
    found, names = whistle_dues_or_provisional("routine", at("2026-12-30T09:00"), limits, SHIPPED_EVAL, cal)
    assert found.finish_due.isoformat() == "2028-01-14T23:59:59"
    assert names == frozenset()  # the day itself is known, whatever lies between


@pytest.mark.parametrize(
    ("finish", "rework"),
    [
        (Step("continuous_minutes", 1440), Step("continuous_minutes", 720)),
        (Step("work_days", 3), Step("work_days", 2)),
        (Step("work_days", 7), Step("work_days", 4)),
        (Step("work_days", 15), Step("work_days", 8)),
        (Step("work_days", 1), Step("work_days", 1)),
        (Step("work_minutes", 2), Step("work_minutes", 1)),
    ],
)
def test_rework_step(finish, rework):
    assert rework_step(finish) == rework


def test_step_speaks_chinese():
    assert [str(Step(unit, 3)) for unit in Unit] == ["3 分钟", "3 工作分钟", "3 个工作日", "3 天"]
