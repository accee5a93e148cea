"""Columns that a search reads. The database fills the pieces, the row's own save the pinyin: no writer can forget them."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, TextField

from records.pinyin import initials, spelled


class Plain(Func):
    """Its texts in one, as they are compared."""

    template = "search_plain(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = TextField()


class Pieces(Func):
    template = "search_pieces(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = ArrayField(TextField())


class Words(Func):
    """The Chinese of a free text, without any number that somebody has typed there."""

    function = "search_words"
    output_field = TextField()


class PiecesField(models.GeneratedField):
    """The search pieces of `names`, and of the free texts `facts`, computed and stored by the database.

    It is asked, and never brought with a row: a page that shows a whistle has no use for its two hundred pieces.
    """

    db_returning = False  # type: ignore[assignment]  # True for Django's own, which are brought back after an INSERT

    def __init__(self, names: list[str], facts: list[str] | None = None, **kwargs: Any) -> None:
        self.names, self.facts = names, facts or []
        sources = [*map(F, self.names), *(Words(name) for name in self.facts)]
        super().__init__(
            expression=Pieces(*sources), output_field=ArrayField(TextField()), db_persist=True, **_plain(kwargs)
        )

    def set_attributes_from_name(self, name: str) -> None:
        super().set_attributes_from_name(name)
        self.concrete = False  # concrete fields are what a SELECT brings

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {"names": self.names, "facts": self.facts, **_plain(kwargs)}

    def text(self, prefix: str = "") -> Plain:
        """What the pieces were cut from, for a row reached by `prefix`."""
        return Plain(*(F(prefix + name) for name in self.names), *(Words(prefix + name) for name in self.facts))


def _plain(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Without what the class settles itself."""
    return {name: value for name, value in kwargs.items() if name not in ("expression", "output_field", "db_persist")}


class PinyinField(models.CharField):  # type: ignore[type-arg]  # generic for mypy only
    """How the Chinese of the field `of` is spelled, for sorting and finding by letters: `zhang san`; with `short`, `zs`."""

    def __init__(self, verbose_name: str | None = None, *, of: str, short: bool = False, **kwargs: Any) -> None:
        self.of, self.short = of, short
        kwargs = {"max_length": 300, "editable": False, "blank": True, "default": "", **kwargs}
        super().__init__(verbose_name, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {"of": self.of, "short": self.short, **kwargs}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: FBT001, ARG002 - Django's signature
        source = getattr(model_instance, self.of)
        value = (initials if self.short else spelled)(source)[: self.max_length]
        setattr(model_instance, self.attname, value)
        return value
