"""The rules of waiting, at every edge of the hours."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.rules.hold import Hours, held_until, next_digest

HERE = ZoneInfo("Asia/Shanghai")
NIGHT = Hours(time(22), time(7))
NOON = Hours(time(12), time(13, 30))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=HERE)


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        (NIGHT, at(24, 21, 59), None),
        (NIGHT, at(24, 22), at(25, 7)),
        (NIGHT, at(24, 23, 59), at(25, 7)),
        (NIGHT, at(25, 0), at(25, 7)),
        (NIGHT, at(25, 6, 59), at(25, 7)),
        (NIGHT, at(25, 7), None),
        (NIGHT, at(30, 23), datetime(2026, 12, 1, 7, tzinfo=HERE)),
        (NOON, at(24, 11, 59), None),
        (NOON, at(24, 12), at(24, 13, 30)),
        (NOON, at(24, 13, 30), None),
        (Hours(time(8), time(8)), at(24, 8), None),
    ],
)
def test_quiet_hours_end(hours: Hours, now: datetime, end: datetime | None) -> None:
    assert hours.end_after(now) == end


@pytest.mark.parametrize(
    ("now", "digest"), [(at(24, 7, 59), at(24, 8)), (at(24, 8), at(25, 8)), (at(24, 8, 1), at(25, 8))]
)
def test_the_next_digest_is_later(now: datetime, digest: datetime) -> None:
    assert next_digest(now, 8) == digest


@pytest.mark.parametrize(
    ("has_clock", "quiet", "digest_hour", "until"),
    [
        (True, NIGHT, 8, None),
        (False, None, None, None),
        (False, NOON, None, None),
        (False, NIGHT, None, at(25, 7)),
        (False, None, 8, at(25, 8)),
        (False, NIGHT, 8, at(25, 8)),
        (False, NIGHT, 6, at(25, 7)),  # the digest keeps the quiet hours too
    ],
)
def test_held_until(has_clock: bool, quiet: Hours | None, digest_hour: int | None, until: datetime | None) -> None:
    assert held_until(at(24, 22, 30), has_clock=has_clock, quiet=quiet, digest_hour=digest_hour) == until


@given(
    now=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1)),  # noqa: DTZ001
    start=st.times(),
    end=st.times(),
    digest_hour=st.none() | st.integers(0, 23),
)
def test_what_is_held_waits_less_than_two_days_and_ends_outside_the_hours(
    now: datetime, start: time, end: time, digest_hour: int | None
) -> None:
    here, quiet = now.replace(tzinfo=HERE), Hours(start, end)
    until = held_until(here, has_clock=False, quiet=quiet, digest_hour=digest_hour)
    if until is None:
        assert quiet.end_after(here) is None
    else:
        assert 0 < (until - here).total_seconds() <= 48 * 3600
        assert quiet.end_after(until) is None
