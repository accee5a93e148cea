"""Until when a message that nothing presses waits: quiet hours and the digest. Standard library only."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache


@dataclass(frozen=True)
class Hours:
    """From `start` until `end`, which may lie past midnight."""

    start: time
    end: time

    def end_after(self, at: datetime) -> datetime | None:
        """When the hours around `at` end, in its zone; None if `at` lies outside."""
        clock = at.time()
        past_midnight = self.end <= self.start
        inside = (clock >= self.start or clock < self.end) if past_midnight else self.start <= clock < self.end
        if not inside or self.start == self.end:
            return None
        day = at.date() if clock < self.end else at.date() + timedelta(days=1)
        return datetime.combine(day, self.end, tzinfo=at.tzinfo)


@cache
def parse_hours(text: str) -> Hours | None:
    """As in 22:00-07:00; None if it is empty. Raises ValueError for anything else."""
    if not text:
        return None
    start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    return Hours(start, end)


def next_digest(now: datetime, hour: int) -> datetime:
    """The next time that it is `hour` o'clock; a full day later if it is just now."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def held_until(now: datetime, *, has_clock: bool, quiet: Hours | None, digest_hour: int | None) -> datetime | None:
    """When the message may go; None for at once. `now` is local time. What has a clock running never waits."""
    if has_clock:
        return None
    at = now if digest_hour is None else next_digest(now, digest_hour)
    at = (quiet.end_after(at) if quiet else None) or at
    return None if at == now else at
