"""Rows that hold what was typed, among those the caller already may see. The callers' own order and pages are kept."""

from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, Model, QuerySet, Subquery

from records.models.pieces import PiecesField, Plain
from records.rules.pieces import Term, terms

M = TypeVar("M", bound=Model)
TOO_SHORT = "请至少输入两个字，或者两位以上的数字、字母。"
NEWEST = 2000  # rows that tell whether a word is common
COMMON = 60  # of them


def find(rows: QuerySet[M], query: str, *, via: str = "", text: Plain | None = None) -> QuerySet[M]:
    """Those of `rows` in which each word of the query stands; none when it is too short to be looked for.

    `via`: the relation whose pieces are asked, where they are not the row's own; `text`: what is compared, where that
    differs from what the pieces were cut from. Asks one query at once: how common it is.
    """
    wanted = terms(query)
    if not wanted:
        return rows.none()
    prefix = f"{via}__" if via else ""
    model: Any = rows.model._meta.get_field(via).related_model if via else rows.model
    pieces = [piece for term in wanted for piece in term.pieces]
    if is_common(model, pieces):
        found = rows.filter(**{f"{prefix}words__contains": pieces})
    else:
        found = rows.filter(Among(F(f"{prefix}pk"), ArraySubquery(_keys(model, pieces))))
    unsure = [term for term in wanted if not term.is_exact]
    return _side_by_side(found, unsure, text or _field(model).text(prefix)) if unsure else found


def is_common(model: Any, pieces: list[str]) -> bool:
    """Whether the newest rows are full of it. Then a list finds its page by walking back in its own order; else only the
    index of pieces does, and the planner, which cannot know where in time the rows lie, would too often try the walk.
    """
    rows = model._default_manager.order_by("-pk").values("pk")
    newest = model._default_manager.filter(pk__gt=Subquery(rows[NEWEST : NEWEST + 1]), words__contains=pieces)
    return len(newest.values_list("pk", flat=True)[:COMMON]) == COMMON


class Among(Func):
    """A key among those that a query finds: looked up first and once, where IN leaves it to the planner how."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def _keys(model: Any, pieces: list[str]) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._default_manager.filter(words__contains=pieces)
    return rows.values("pk")


def is_too_short(query: str) -> bool:
    """Whether there is something to look for, and not enough of it."""
    return bool(query.strip()) and not terms(query)


def _side_by_side(rows: QuerySet[M], unsure: list[Term], text: Plain) -> QuerySet[M]:
    """Without those in which the pieces stand apart."""
    found: Any = rows.alias(searched_text=text)
    for term in unsure:
        found = found.filter(searched_text__contains=term.text)
    return found  # type: ignore[no-any-return]  # django-stubs forgets the model after `alias`


def _field(model: Any) -> PiecesField:
    field = model._meta.get_field("words")
    assert isinstance(field, PiecesField)  # noqa: S101 - whoever has pieces has these
    return field
