"""The table `worktime` (D0). Its numbers are the working windows, which shape the calendar of every table."""

from dataclasses import replace
from typing import Any

from django.utils import timezone

from portal.decide import cells
from portal.decide.cases import Outcome, Table, Values, row_by_row
from portal.decide.numbers import Group, Leaf, Numbers
from townships.rules.worktime import SHIPPED_WINDOWS, Calendar, Unit, add, reasons
from townships.worktime import calendar, parse_windows, print_windows


def with_windows(cal: Calendar, windows: Any) -> Calendar:
    """The calendar with these windows (JSON) on every day, whatever was in force when."""
    return replace(cal, windows=parse_windows(windows), later=())


def _decide(row: Values, cal: Calendar, numbers: Any) -> Outcome:  # noqa: ARG001 - the windows are in the calendar
    start, unit, amount = row["start"], row["unit"], row["amount"]
    try:
        due = add(start, unit, amount, cal)
    except OverflowError:
        raise cells.BadCell("amount", "期限不超过 9999 年的数量") from None
    return Outcome([cells.print_moment(due)], reasons(start, unit, amount, due, cal))


def _are_windows(value: Any) -> bool:
    try:
        return bool(print_windows(parse_windows(value)) == value)
    except ValueError:
        return False


TABLE = Table(
    columns={"start": cells.MOMENT, "unit": cells.one_of(*Unit), "amount": cells.whole(minimum=1)},
    outcomes=("due",),
    numbers=Numbers(
        shape=Group({"windows": Leaf('先后分开的时段，如 [["08:30", "12:00"], ["14:00", "17:30"]]', _are_windows)}),
        shipped=lambda: {"windows": print_windows(SHIPPED_WINDOWS)},
        stored=lambda: {"windows": print_windows(calendar().windows_on(timezone.localdate()))},
    ),
    decide=row_by_row(_decide),
)
