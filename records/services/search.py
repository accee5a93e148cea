"""Rows that hold what was typed, among those the caller already may see. The callers' own order and pages are kept."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from records.models.pieces import PiecesField, Plain
from records.rules.pieces import Term, terms

M = TypeVar("M", bound=Model)
TOO_SHORT = "请至少输入两个字，或者两位以上的数字、字母。"


def find(rows: QuerySet[M], query: str, *, via: str = "", text: Plain | None = None) -> QuerySet[M]:
    """Those of `rows` in which each word of the query stands; none when it is too short to be looked for.

    `via`: the relation whose pieces are asked, where they are not the row's own; `text`: what is compared, where that
    differs from what the pieces were cut from.
    """
    wanted = terms(query)
    if not wanted:
        return rows.none()
    prefix = f"{via}__" if via else ""
    found = rows.filter(**{f"{prefix}words__contains": [piece for term in wanted for piece in term.pieces]})
    unsure = [term for term in wanted if not term.is_exact]
    return _side_by_side(found, unsure, text or _field(rows, via).text(prefix)) if unsure else found


def is_too_short(query: str) -> bool:
    """Whether there is something to look for, and not enough of it."""
    return bool(query.strip()) and not terms(query)


def _side_by_side(rows: QuerySet[M], unsure: list[Term], text: Plain) -> QuerySet[M]:
    """Without those in which the pieces stand apart."""
    found = rows.alias(searched_text=text)
    for term in unsure:
        found = found.filter(searched_text__contains=term.text)
    return found


def _field(rows: QuerySet[Any], via: str) -> PiecesField:
    model: Any = rows.model._meta.get_field(via).related_model if via else rows.model
    field = model._meta.get_field("words")
    assert isinstance(field, PiecesField)  # noqa: S101 - whoever has pieces has these
    return field
