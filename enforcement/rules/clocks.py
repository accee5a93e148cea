"""Whose clock runs now, in whose hands a dispatch is, and where a whistle stands: read off its dispatches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class Part:
    """What one dispatch tells: its state, its due times, whether the interim report is in.

    `return_due`: by when the department's leader, or the arbitrator, answers that it is not theirs.
    """

    state: str
    is_lead: bool
    sign_due: datetime
    arrive_due: datetime
    report_due: datetime | None
    finish_due: datetime | None
    rework_due: datetime | None
    return_due: datetime | None
    has_interim: bool


class Hands(StrEnum):
    """Who holds a dispatch: the department it was sent to, its leader, the arbitrator, or the unit that has sent it."""

    DEPARTMENT = "department"
    LEADER = "leader"
    ARBITRATOR = "arbitrator"
    SENDER = "sender"


PROGRESS = {
    "sent": 0,
    "returning": 0,
    "arbitration": 0,
    "signed": 1,
    "arrived": 2,
    "rework": 2,
    "reported": 3,
    "closed": 3,
}
WHISTLE_STATES = ("signing", "signed", "handling", "handling")
GONE = ("returned", "withdrawn")


CLOCKS = {  # state → the name of the clock that runs
    "sent": "sign_due",
    "returning": "return_due",
    "arbitration": "return_due",
    "signed": "arrive_due",
    "rework": "rework_due",
}


def next_clock(part: Part) -> str | None:
    """The name of the clock of the next act; None where none is due (a helper has no finish of its own)."""
    if part.state != "arrived":
        return CLOCKS.get(part.state)
    if part.report_due and not part.has_interim:
        return "report_due"
    return "finish_due" if part.finish_due else None


def next_due(part: Part) -> datetime | None:
    """The due time of the next act."""
    clock = next_clock(part)
    due: datetime | None = getattr(part, clock) if clock else None
    return due


HANDS = {
    **dict.fromkeys(("sent", "signed", "arrived", "rework"), Hands.DEPARTMENT),
    "returning": Hands.LEADER,
    "arbitration": Hands.ARBITRATOR,
    **dict.fromkeys(("reported", "suspended"), Hands.SENDER),
}


def hands(state: str) -> Hands | None:
    """Who holds a dispatch in this state; None where it has ended."""
    return HANDS.get(state)


@dataclass(frozen=True)
class Stint:
    """How long a dispatch was in one pair of hands; `until` is None while it is."""

    hands: Hands
    since: datetime
    until: datetime | None


def stints(walked: Iterable[tuple[datetime, str]]) -> list[Stint]:
    """(when, into which state), oldest first → in whose hands it was: one after the other, without a gap."""
    found: list[Stint] = []
    for at, state in walked:
        holder = hands(state)
        if found and found[-1].until is None:
            if found[-1].hands == holder:
                continue
            found[-1] = replace(found[-1], until=at)
        if holder is not None:
            found.append(Stint(holder, at, None))
    return found


def whistle_state(parts: Sequence[Part]) -> str:
    """`reported` as soon as the lead has reported; until then the state of the slowest department that is still asked."""
    asked = [part for part in parts if part.state not in GONE]
    if any(part.state == "suspended" for part in asked):
        return "suspended"
    if any(part.is_lead and part.state in ("reported", "closed") for part in asked):
        return "reported"
    return WHISTLE_STATES[min(PROGRESS[part.state] for part in asked)]


def whistle_next_due(parts: Sequence[Part], eval_due: datetime, resume_due: datetime | None = None) -> datetime:
    """The earliest due time among the departments; once the lead has reported, the whistling unit's own.

    A suspended whistle waits for `resume_due`.
    """
    state = whistle_state(parts)
    if state == "suspended" and resume_due:
        return resume_due
    if state == "reported":
        return eval_due
    return min((due for part in parts if (due := next_due(part)) is not None), default=eval_due)
