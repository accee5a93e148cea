"""One line of a work list, and how rows become such lines: for every part of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from enforcement.services.labels import KIND_TONES, WHISTLE_KINDS


@dataclass(frozen=True)
class Act:
    """One line: what to do (`verb`; empty where nothing waits for this person), about what, why, until when.

    `post_to` is set where the act needs no form: it is a POST of `seen_state` to that address.
    """

    verb: str
    title: str
    number: str
    tag: str
    tag_tone: str
    where: str
    why: str
    label: str
    due: datetime | None
    is_provisional: bool
    url: str
    state: str
    claimed_by: str = ""
    is_mine: bool = False
    post_to: str = ""
    tone: str = ""  # idle: the clock is somebody else's
    is_first: bool = False  # before all others, whatever their due times


def first(rows: QuerySet[Any], limit: int, fields: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    return rows.order_by("next_due", "id").values(*fields)[:limit]


def common(row: dict[str, Any], user: Any, clock: str) -> dict[str, Any]:
    return {
        "due": row["next_due"],
        "is_provisional": clock in row["provisional"],
        "claimed_by": row["claimed_by__name"] or "" if row["claimed_by_id"] else "",
        "is_mine": row["claimed_by_id"] == user.pk,
        "state": row["state"],
    }


def kind_tag(kind: str) -> dict[str, Any]:
    """The tag of what is about a whistle: its kind."""
    return {"tag": WHISTLE_KINDS[kind], "tag_tone": KIND_TONES.get(kind, "")}


def event_tag(category: str, *, is_urgent: bool) -> dict[str, Any]:
    """The tag of what is about an event: its class, or that it is urgent."""
    return {"tag": "紧急", "tag_tone": "urgent"} if is_urgent else {"tag": category, "tag_tone": ""}


@lru_cache(maxsize=64)
def _pattern(view: str) -> str:
    return reverse(view, args=[0])


def page(view: str, pk: int) -> str:
    """The address of one row's page; the pattern is looked up once a process, not once a row."""
    return _pattern(view).replace("/0/", f"/{pk}/")
