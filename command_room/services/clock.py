"""When a page will look different by the clock alone."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from command_room.templatetags.look import SOON


def turning(clocks: Iterable[datetime | None], now: datetime) -> datetime:
    """The next moment at which one of these turns amber or red, or 明天 becomes 今天."""
    turns = [moment for due in clocks if due for moment in (due - SOON, due) if moment > now]
    return min([*turns, midnight(now) + timedelta(days=1)])


def midnight(now: datetime) -> datetime:
    """The beginning of the day that `now` is in."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
