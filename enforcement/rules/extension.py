"""延期 (domain table D1): whether more time to finish may still be asked for. Pure functions.

As with the counters of the cities that run such a portal: only before the time is over, once for every kind, a 攻坚哨
twice. A rework has a limit of its own, which is not put off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from enforcement.rules.deadlines import NAMES, Kind

MOST: Mapping[str, int] = MappingProxyType({Kind.CAMPAIGN: 2})
USUALLY = 1


@dataclass(frozen=True)
class Standing:
    """Where the lead's dispatch stands when somebody asks. `asked`: how often it has been asked for, whatever the answer."""

    kind: str
    finish_due: datetime
    asked: int
    is_open: bool  # an earlier one waits for its answer
    is_reworked: bool


def most(kind: str) -> int:
    """How often it may be asked for."""
    return MOST.get(kind, USUALLY)


def refusal(standing: Standing, now: datetime) -> str:
    """Why it may not be asked for now, in a sentence; empty where it may."""
    if standing.is_open:
        return "已经申请延期，等答复。"
    if standing.is_reworked:
        return "返工有自己的时限，不能延期。"
    allowed = most(standing.kind)
    if standing.asked >= allowed:
        return f"{NAMES[Kind(standing.kind)]}最多申请延期 {allowed} 次，已经用完，不能再申请。"
    if now > standing.finish_due:
        return "办结期限已过，不能再申请延期。"
    return ""
