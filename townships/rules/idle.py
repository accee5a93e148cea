"""When a session ends: after a time without an act, by role, and in any case some hours after the log-in."""

from collections.abc import Mapping
from dataclasses import dataclass

MINUTE, HOUR = 60, 3600
OTHERS = "*"


@dataclass(frozen=True)
class Left:
    """Seconds until the end. `is_fixed`: an act does not put it off, the hours since the log-in are over."""

    seconds: int
    is_fixed: bool

    @property
    def is_over(self) -> bool:
        return self.seconds <= 0


def limit(role: str, minutes: Mapping[str, int]) -> int:
    """Seconds without an act (GB/T 22239-2019, 8.1.4.1: 登录连接超时自动退出)."""
    return minutes.get(role, minutes[OTHERS]) * MINUTE


def left(*, since: int, seen: int, now: int, limit: int, most_hours: int) -> Left:
    by_idle, by_age = seen + limit - now, since + most_hours * HOUR - now
    return Left(by_age, is_fixed=True) if by_age <= by_idle else Left(by_idle, is_fixed=False)
