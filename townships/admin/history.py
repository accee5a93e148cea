"""A row's history as its page tells it: the timeline's entries with old and new values, and the rows before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from records.models import Entry
from townships.models import User
from townships.services.changes import people_in, spoken, with_names


@dataclass(frozen=True)
class Told:
    """One entry."""

    at: datetime
    by: str
    office: str
    what: str
    lines: list[tuple[str, str, str]]  # (field, old, new)


@dataclass(frozen=True)
class Version:
    """One of several rows for the same thing, each with its days."""

    row: Any
    is_this: bool
    since: str
    lines: list[tuple[str, str, str]]  # what differs from the one before
    by: str
    at: datetime | None


def told(row: models.Model, *, same: Sequence[str] | None) -> dict[str, Any]:
    """What the page shows; three queries, five for a dated row."""
    entries = list(Entry.objects.about(row).select_related("by").reverse())
    names = _names({pk for entry in entries for pk in people_in(entry.data.get("changes", []))})
    return {
        "entries": [_told(entry, names) for entry in entries],
        "versions": [] if same is None else _versions(row, same),
    }


def _told(entry: Entry, names: dict[int, str]) -> Told:
    lines = with_names(entry.data.get("changes", []), names)
    return Told(entry.at, str(entry.by or ""), entry.by_office, entry.what, lines)


def _names(ids: set[int]) -> dict[int, str]:
    return {user.pk: f"{user}（{user.username}）" for user in User.objects.filter(pk__in=ids)} if ids else {}


def _versions(row: models.Model, same: Sequence[str]) -> list[Version]:
    """The rows for the same thing, the newest first, each with what it changed and who wrote it."""
    wanted = {name: getattr(row, name) for name in same}
    rows = list(type(row)._default_manager.filter(**wanted).order_by("valid_from"))
    entries = Entry.objects.about(*rows).filter(verb__in=["admin_add", "import"]).select_related("by")
    written = {entry.target_id: entry for entry in entries}
    found = []
    for before, after in zip([None, *rows[:-1]], rows, strict=True):
        entry = written.get(after.pk)
        lines = _differences(before, after, same)
        by = (str(entry.by) if entry.by else entry.by_office) if entry else "随系统装入"
        found.append(Version(after, after.pk == row.pk, _since(after), lines, by, entry.at if entry else None))
    return found[::-1]


def _since(row: Any) -> str:
    at = row.valid_from
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if isinstance(at, datetime) else str(at)


def _differences(before: Any, after: Any, same: Sequence[str]) -> list[tuple[str, str, str]]:
    found = []
    for field in after._meta.concrete_fields:
        if field.primary_key or field.attname in same or field.name in ("valid_from", "valid_to", *same):
            continue
        old, new = spoken(field, before), spoken(field, after)
        if old != new:
            found.append((str(field.verbose_name), old, new))
    return found
