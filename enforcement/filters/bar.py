"""What the filters of all lists have in common: their shape on the page, and the questions that each of them answers.

They are shown as plain values: a form library would take longer to draw them than the database to find the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django_filters import FilterSet

OPEN = ("open", "在办")
ONLY_LATE = (("late", "只看超期"),)
ORDERS = (("due", "最急（只看在办）"), ("oldest", "最早在前"))


@dataclass(frozen=True)
class Field:
    """`kind`: select, date or text; `options` of a select: (value, label)."""

    name: str
    label: str
    kind: str
    value: str
    options: Sequence[tuple[str, str]]
    errors: Sequence[str]


def bar(filters: FilterSet) -> list[Field]:
    """The fields of the set, in their order, with what was chosen."""
    form = filters.form
    return [
        Field(
            name=name,
            label=field.label,
            kind=_kind(field),
            value=form.data.get(name, ""),
            options=[(str(value), label) for value, label in getattr(field, "choices", ())],
            errors=form.errors.get(name, ()),
        )
        for name, field in form.fields.items()
    ]


def _kind(field: Any) -> str:
    if hasattr(field, "choices"):
        return "select"
    return "date" if isinstance(field, forms.DateField) else "text"


# --- `method` of the filters: queryset, field, value ------------------------------------------------------------------
def in_state(rows: QuerySet[Any], _: str, state: str) -> QuerySet[Any]:
    return rows.filter(state__in=rows.model.OPEN if state == "open" else [state])


def only_late(rows: QuerySet[Any], _: str, __: str) -> QuerySet[Any]:
    return rows.filter(state__in=rows.model.OPEN, next_due__lt=timezone.now())


def from_day(rows: QuerySet[Any], field: str, day: date) -> QuerySet[Any]:
    return rows.filter(**{f"{field}__gte": midnight(day)})


def to_day(rows: QuerySet[Any], field: str, day: date) -> QuerySet[Any]:
    """The whole of that day; no day comes after the calendar's last."""
    return rows if day == date.max else rows.filter(**{f"{field}__lt": midnight(day + timedelta(days=1))})


def in_order(rows: QuerySet[Any], _: str, order: str) -> QuerySet[Any]:
    """Each order that is offered has its index. What waits for nobody has no due time, and is left out of `due`."""
    if order == "oldest":
        return rows.reverse()
    rows = rows.filter(state__in=rows.model.OPEN)
    if order == "due":
        return rows.filter(next_due__isnull=False).order_by("next_due", "id")
    return rows.order_by(order, "id")


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
