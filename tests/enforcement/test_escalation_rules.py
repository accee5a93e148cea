"""When a clock is reminded of and turns yellow and red: cases worked out by hand, and what holds for every clock."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcement.rules.deadlines import Kind, Step
from enforcement.rules.escalation import Clock, Level, moments, next_moment, reached
from townships.rules.worktime import Unit, add
from townships.worktime import shipped_calendar

CALENDAR = shipped_calendar().provisional()  # a long pause may end in a year that is not loaded
GOLDEN = Path(__file__).parent.parent / "golden" / "escalation.csv"
CASES = list(csv.DictReader(GOLDEN.read_text(encoding="utf-8").splitlines()))
MINUTE = timedelta(minutes=1)


def spans(text: str) -> list[tuple[datetime, datetime]]:
    return [tuple(map(datetime.fromisoformat, span.split("/"))) for span in text.split(";") if span]  # type: ignore[misc]


@pytest.mark.parametrize("case", CASES, ids=[f"{n}: {case['article']}" for n, case in enumerate(CASES, 2)])
def test_moments_golden(case: dict[str, str]) -> None:
    step, paused = Step(case["unit"], int(case["amount"])), spans(case["paused"])
    since, due = datetime.fromisoformat(case["since"]), datetime.fromisoformat(case["due"])
    assert add(since, step.unit, step.amount, CALENDAR, paused) == due, "the case itself"
    levels = moments(Clock(since, due, step, case["kind"]), CALENDAR, paused)
    assert levels == {
        Level.REMINDER: datetime.fromisoformat(case["reminder"]),
        Level.YELLOW: due,
        Level.RED: datetime.fromisoformat(case["red"]),
    }


STEPS = st.one_of(
    st.builds(Step, st.sampled_from([Unit.CONTINUOUS_MINUTES, Unit.WORK_MINUTES]), st.integers(10, 3000)),
    st.builds(Step, st.sampled_from([Unit.WORK_DAYS, Unit.CALENDAR_DAYS]), st.integers(1, 20)),
)
STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 10, 31))  # noqa: DTZ001 - the rules' own local time


@given(STARTS, STEPS, st.sampled_from([*Kind, ""]))
def test_moments_of_any_clock(since: datetime, step: Step, kind: str) -> None:
    due = add(since, step.unit, step.amount, CALENDAR)
    at = moments(Clock(since, due, step, kind), CALENDAR)
    eighty = since + (due - since) * 0.8
    assert eighty <= at[Level.REMINDER] < at[Level.YELLOW] == due < at[Level.RED]
    assert at[Level.RED] <= add(due, Unit.WORK_DAYS, 1, CALENDAR)
    is_at_work = any(opens <= at[Level.REMINDER] < closes for opens, closes in CALENDAR.open_spans(eighty, due))
    if step.unit == Unit.CONTINUOUS_MINUTES or not list(CALENDAR.open_spans(eighty, due)):
        assert at[Level.REMINDER] == eighty
    else:
        assert is_at_work
    if kind == Kind.EMERGENCY and step.unit == Unit.CONTINUOUS_MINUTES:
        assert at[Level.RED] == due + 15 * MINUTE


@given(STARTS, STEPS, st.integers(0, 60), st.integers(1, 60))
def test_pause_puts_off_what_it_lies_before(since: datetime, step: Step, begins: int, days: int) -> None:
    """A pause never brings a level forward, and no level is reached in it but the due time of a limit in days."""
    paused = [(since + timedelta(hours=begins), since + timedelta(hours=begins, days=days))]
    plain = moments(Clock(since, add(since, step.unit, step.amount, CALENDAR), step), CALENDAR)
    due = add(since, step.unit, step.amount, CALENDAR, paused)
    later = moments(Clock(since, due, step), CALENDAR, paused)
    assert later[Level.REMINDER] <= later[Level.YELLOW] < later[Level.RED]
    assert all(later[level] >= plain[level] for level in (Level.YELLOW, Level.RED))
    if step.unit == Unit.CONTINUOUS_MINUTES:
        assert later[Level.REMINDER] - plain[Level.REMINDER] in (timedelta(), paused[0][1] - paused[0][0])


def test_reached_and_next_walk_up_the_levels() -> None:
    start = datetime(2026, 11, 24, 10)  # noqa: DTZ001 - the rules' own local time
    at = {level: start + n * MINUTE for n, level in enumerate(Level)}
    assert [reached(at, start + n * MINUTE) for n in (-1, 0, 1, 2)] == [
        [],
        [Level.REMINDER],
        [Level.REMINDER, Level.YELLOW],
        [Level.REMINDER, Level.YELLOW, Level.RED],
    ]
    assert [next_moment(at, start + n * MINUTE) for n in (-1, 0, 1, 2)] == [*at.values(), None]
