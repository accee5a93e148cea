"""Which of its clocks runs for a row, what the screens call it, and when it will look different."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from command_room.templatetags.look import SOON

LABELS = {
    "approve_due": "审核",
    "confirm_due": "补核",
    "sign_due": "签收",
    "arrive_due": "到场",
    "report_due": "首报",
    "finish_due": "办结",
    "rework_due": "返工",
    "eval_due": "评价",
}
PART_CLOCKS = {"sent": "sign_due", "signed": "arrive_due", "rework": "rework_due"}
PART_FIELDS = ("whistle_id", "state", "is_lead", "next_due", "report_due", "interim_at", "provisional")


def part_clock(part: Mapping[str, Any]) -> str:
    """Of a dispatch, given as a row with PART_FIELDS."""
    if part["state"] == "arrived" and part["report_due"] and not part["interim_at"]:
        return "report_due"
    return PART_CLOCKS.get(part["state"], "finish_due")


def whistle_clock(whistle: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    """(clock, whether it is provisional) of a whistle: its own, or that of the department whose turn comes first."""
    own = {"submitted": "approve_due", "reported": "eval_due"}.get(whistle["state"])
    if own:
        return own, own in whistle["provisional"]
    part = next((part for part in parts if part["next_due"] == whistle["next_due"]), None)
    if part is None:
        return "finish_due", "finish_due" in whistle["provisional"]
    clock = part_clock(part)
    return clock, clock in part["provisional"]


def turning(clocks: Iterable[datetime | None], now: datetime) -> datetime:
    """The next moment at which one of these turns amber or red, or 明天 becomes 今天."""
    turns = [moment for due in clocks if due for moment in (due - SOON, due) if moment > now]
    return min([*turns, midnight_after(now)])


def midnight_after(now: datetime) -> datetime:
    """The end of the day that `now` is in."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
