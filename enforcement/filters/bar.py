"""A list's filters as plain values: a form library would take longer to draw them than the database to find the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django_filters import FilterSet


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
