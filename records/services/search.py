"""Rows that hold what was typed, among those the caller already may see. The callers' own order and pages are kept."""

from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, ExpressionWrapper, F, Func, Model, Q, QuerySet

from records.models.pieces import PiecesField, Plain
from records.rules.pieces import Term, terms

M = TypeVar("M", bound=Model)
TOO_SHORT = "请至少输入两个字，或者两位以上的数字、字母。"
NEWEST = 500  # rows that tell whether a word is common
COMMON = 4  # of them: at a million rows the walk and the index then take as long


class Wanted:
    """What was typed, cut into words and pieces. Remembers how common it is: lists of one table ask that once."""

    def __init__(self, typed: str) -> None:
        self.typed = typed.strip()
        self.terms = terms(typed)
        self.pieces = [piece for term in self.terms for piece in term.pieces]
        self._common: dict[type[Model], bool] = {}

    @property
    def is_too_short(self) -> bool:
        """Whether there is something to look for, and not enough of it."""
        return bool(self.typed) and not self.terms

    def is_common(self, model: type[Model]) -> bool:
        """Whether the newest rows are full of it. Then a list finds its page by walking back in its own order; else only
        the index of pieces does, and the planner, which cannot know where in time the rows lie, would too often try the
        walk.
        """
        if model not in self._common:
            self._common[model] = _is_common(model, self.pieces)
        return self._common[model]


def find(
    rows: QuerySet[M], wanted: Wanted, *, via: str = "", text: Plain | None = None, within: Q | None = None
) -> QuerySet[M]:
    """Those of `rows` in which each word stands that was typed; none when it is too short to be looked for.

    `via`: the relation whose pieces are asked, where they are not the row's own; `text`: what is compared, where that
    differs from what the pieces were cut from; `within`: what is true of all of `rows` and may be asked of the rows that
    have the pieces, which leaves fewer to look at. Asks one query at once: how common it is.
    """
    if not wanted.terms:
        return rows.none()
    prefix = f"{via}__" if via else ""
    model: Any = rows.model._meta.get_field(via).related_model if via else rows.model
    if wanted.is_common(model):
        found = rows.filter(**{f"{prefix}words__contains": wanted.pieces})
    else:
        found = rows.filter(Among(F(f"{prefix}pk"), ArraySubquery(_keys(model, wanted.pieces, within))))
    unsure = [term for term in wanted.terms if not term.is_exact]
    return _side_by_side(found, unsure, text or _field(model).text(prefix)) if unsure else found


def _is_common(model: Any, pieces: list[str]) -> bool:
    """Asked of each row, so that the planner cannot go by the index of pieces instead and look at all that have them."""
    has_them = ExpressionWrapper(Q(words__contains=pieces), BooleanField())
    many: int = sum(model._default_manager.order_by("-pk").values_list(has_them, flat=True)[:NEWEST])
    return many >= COMMON


class Among(Func):
    """A key among those that a query finds: looked up first and once, where IN leaves it to the planner how."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def _keys(model: Any, pieces: list[str], within: Q | None) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._default_manager.filter(within or Q(), words__contains=pieces)
    return rows.values("pk")


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
