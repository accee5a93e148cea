"""Whose clock runs now, and where a whistle stands: read off its dispatches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Part:
    """What one dispatch tells: its state, its due times, whether the interim report is in."""

    state: str
    is_lead: bool
    sign_due: datetime
    arrive_due: datetime
    report_due: datetime | None
    finish_due: datetime | None
    rework_due: datetime | None
    has_interim: bool


PROGRESS = {"sent": 0, "signed": 1, "arrived": 2, "rework": 2, "reported": 3, "closed": 3}
WHISTLE_STATES = ("signing", "signed", "handling", "handling")


def next_due(part: Part) -> datetime | None:
    """The due time of the department's next act; None where none is due (a helper has no finish of its own)."""
    match part.state:
        case "sent":
            return part.sign_due
        case "signed":
            return part.arrive_due
        case "arrived":
            return part.report_due if part.report_due and not part.has_interim else part.finish_due
        case "rework":
            return part.rework_due
    return None


def whistle_state(parts: Sequence[Part]) -> str:
    """`reported` as soon as the lead has reported; until then the state of the slowest department."""
    if any(part.is_lead and part.state in ("reported", "closed") for part in parts):
        return "reported"
    return WHISTLE_STATES[min(PROGRESS[part.state] for part in parts)]


def whistle_next_due(parts: Sequence[Part], eval_due: datetime) -> datetime:
    """The earliest due time among the departments; once the lead has reported, the township's own."""
    if whistle_state(parts) == "reported":
        return eval_due
    return min((due for part in parts if (due := next_due(part)) is not None), default=eval_due)
