"""Limits and routes are never edited: a change is a new row from a later day, and the one before ends the day before.

What was computed with the old row stays as it was, and anybody can read what held on which day.
"""

from datetime import date, timedelta
from typing import Any

from enforcement.models import Limit, RoutingRule
from records.models import Stage
from records.services import record

Dated = Limit | RoutingRule
SAME = {Limit: ("kind", "step"), RoutingRule: ("category_id", "township_id")}
A_DAY = timedelta(days=1)


class BadDay(ValueError):  # noqa: N818 - a sentence to a person
    """The row cannot begin or end on this day; the text says what can be done."""


def check_start(row: Dated, *, today: date) -> None:
    """A new row begins tomorrow at the earliest, on a day that none of its kind begins on. Raises BadDay."""
    if row.valid_from <= today:
        raise BadDay(f"起用日期最早是明天（{today + A_DAY}）：今天的期限已经按现行的算了。")
    if _peers(row).filter(valid_from=row.valid_from).exists():
        raise BadDay("这一天起用的已经有一条，请换一天。")


def check_end(row: Dated, *, today: date) -> None:
    """A row ends today at the earliest and before the next one begins. Raises BadDay."""
    if row.valid_to is None:
        raise BadDay("请填停用日期；要改内容，请新增一条，原来的会自动停用。")
    if row.valid_to < max(today, row.valid_from):
        raise BadDay("停用日期最早是今天，也不能早于起用日期。")
    after = _peers(row).filter(valid_from__gt=row.valid_from).order_by("valid_from").first()
    if after and row.valid_to >= after.valid_from:
        raise BadDay(f"{after.valid_from} 起另有一条，停用日期要在这之前。")


def take_over(row: Dated, *, by: Any) -> None:
    """Make room for an unsaved row, in the caller's transaction: end the one before, end itself before a later one."""
    before = _peers(row).select_for_update(of=("self",)).filter(valid_from__lt=row.valid_from).last()
    after = _peers(row).filter(valid_from__gt=row.valid_from).first()
    last_day = row.valid_from - A_DAY
    if before and (before.valid_to is None or before.valid_to > last_day):
        before.valid_to = last_day
        before.save(update_fields=["valid_to"])
        what = f"{last_day} 后停用，由新的{row._meta.verbose_name}接替"
        record(before, "row_ended", by=by, what=what, stage=Stage.FILE)
    if after:
        row.valid_to = after.valid_from - A_DAY


def _peers(row: Dated) -> Any:
    """The rows for the same thing, in the order of their days."""
    same = {name: getattr(row, name) for name in SAME[type(row)]}
    return type(row)._default_manager.filter(**same).exclude(pk=row.pk).order_by("valid_from")
