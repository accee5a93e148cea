"""What an administrator has changed of a row: field by field, from which value to which.

The timeline can never be mended, so it holds nothing personal: of a name or a number only that it was changed, and of a
person their id, which the page turns into a name.
"""

from collections.abc import Collection, Iterable
from typing import Any

from django.db import models

from townships.models import User

EMPTY = "空"
PERSONAL = ("name", "mobile", "email")  # of a person, whose values the timeline must not hold
# what the portal itself writes of an account, and no administrator
BY_ITSELF = {
    *("password", "is_superuser", "date_joined", "last_login", "session_generation"),
    *("must_change_password", "password_changed_at", "password_expires_at"),
}
Change = dict[str, Any]


def changes(before: models.Model | None, after: models.Model, *, private: Collection[str] = ()) -> list[Change]:
    """Every field that differs; of a new row every field that is filled."""
    found = []
    for field in after._meta.concrete_fields:
        if field.primary_key or field.name in BY_ITSELF:
            continue
        old = getattr(before, field.attname) if before else None
        new = getattr(after, field.attname)
        if _same(old, new):
            continue
        said = {"private": True} if field.name in private else _values(field, before, after)
        found.append({"field": str(field.verbose_name), **said})
    return found


def _same(old: Any, new: Any) -> bool:
    return old == new or (old in (None, "", []) and new in (None, "", []))


def _values(field: Any, before: Any, after: Any) -> Change:
    old, new = (None if row is None else getattr(row, field.attname) for row in (before, after))
    if field.related_model is User:
        return {"old_user": old, "new_user": new}
    return {"old": None if before is None else spoken(field, before), "new": spoken(field, after)}


def spoken(field: Any, row: Any) -> str:
    """A value as the pages say it."""
    value = None if row is None else getattr(row, field.name)
    if value in (None, "", []):
        return ""
    if field.choices:
        return str(getattr(row, f"get_{field.name}_display")())
    if isinstance(field, models.BooleanField):
        return "是" if value else "否"
    if isinstance(value, list):
        labels = dict(getattr(getattr(field, "base_field", None), "choices", None) or ())
        return "、".join("-".join(part) if isinstance(part, list) else str(labels.get(part, part)) for part in value)
    return str(value)


def with_names(found: Iterable[Change], names: dict[int, str]) -> list[tuple[str, str, str]]:
    """(field, old, new) for the page, `old` empty of a new row; `names` of the people whose ids the changes hold."""
    return [_line(change, names) for change in found]


def _line(change: Change, names: dict[int, str]) -> tuple[str, str, str]:
    if change.get("private"):
        return change["field"], "", "已改（内容不记入流水）"
    if "new_user" in change:
        old, new = (names.get(change[key], "") if change[key] else "" for key in ("old_user", "new_user"))
        return change["field"], old, new or EMPTY
    old = change["old"]
    return change["field"], "" if old is None else old or EMPTY, change["new"] or EMPTY


def people_in(found: Iterable[Change]) -> set[int]:
    return {change[key] for change in found for key in ("old_user", "new_user") if change.get(key)}
