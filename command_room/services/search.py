"""One search over everything a person may see: the first few of each kind, and where the rest is listed.

Each kind starts from `visible_to`, and asks for one row more than it shows: nothing else is counted, found or hinted at.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse

from command_room.services import contact as contacts
from enforcement.models import Dispatch, Event, Whistle
from enforcement.services import search as files
from enforcement.services.labels import DISPATCH_STATES, DISPATCH_TONES, WHISTLE_STATES, WHISTLE_TONES
from records.services.search import Wanted
from townships.models import Role, mobile_sight
from townships.services import search as names
from townships.services.search import words_of

SHOWN = 5
NOT_RETURNED = [state for state in Dispatch.State.values if state != Dispatch.State.RETURNED]
EVENT_STATES = dict(Event.State.choices)
EVENT_TONES = {"reported": "blue", "verified": "blue", "settled": "ok"}


@dataclass(frozen=True)
class Hit:
    """`url` is empty for what has no page of its own; `text`: free text in which the match may be; `tel`: a number."""

    title: str
    line: str
    url: str = ""
    state: str = ""
    tone: str = ""
    text: str = ""
    tel: str = ""


@dataclass(frozen=True)
class Group:
    title: str
    hits: Sequence[Hit]
    more: Sequence[tuple[str, str]]  # (words, address) of the lists that show all


def groups(user: Any, query: str, boxes: Iterable[tuple[str, str]]) -> list[Group]:
    """Those that have something. `boxes`: (name, query) of the two lists of a unit that has both, and is asked for each
    by its own index."""
    post = user.acting
    if post is None or not words_of(query):
        return []
    wanted = Wanted(query)
    kinds: list[Callable[[], Group]] = [lambda: people(user, query), lambda: units(user, query)]
    if post.role != Role.ADMIN and not wanted.is_too_short:
        sides = list(boxes)
        rest = (
            []
            if post.role == Role.GRID
            else [lambda: whistles(user, wanted, sides), lambda: dispatches(user, wanted, sides)]
        )
        kinds = [lambda: events(user, wanted), *rest, *kinds]
    return [group for group in (find() for find in kinds) if group.hits]


def first(lists: Sequence[QuerySet[Any]], *fields: str) -> tuple[list[dict[str, Any]], bool]:
    """(the newest few of all lists, whether there are more)."""
    found = {one["pk"]: one for rows in lists for one in rows.values("pk", *fields)[: SHOWN + 1]}
    newest = sorted(found.values(), key=lambda one: -one["pk"])
    return newest[:SHOWN], len(newest) > SHOWN


def sent_and_got(unit_id: int) -> tuple[Q, Q]:
    """Which whistles a unit has blown, and of which it has a dispatch."""
    return Q(by_unit_id=unit_id), Q(pk__in=Dispatch.objects.filter(department_id=unit_id).values("whistle_id"))


def all_of(view: str, query: str, sides: Sequence[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """Where all of them are listed; for who has two lists, both."""
    said = urlencode({"q": query.strip()})
    if not sides:
        return [("全部", f"{reverse(view)}?{said}")]
    return [(name, f"{reverse(view)}?{'&'.join(filter(None, (box, said)))}") for name, box in sides]


def events(user: Any, wanted: Wanted) -> Group:
    rows, post = Event.objects.visible_to(user).order_by("-id"), user.acting
    if post.unit.is_township:  # what a neighbour offers it is not its event yet, here as in its list
        rows = rows.filter(township_id=post.unit_id)
    fields = ("number", "title", "place", "state", "facts", "outside_number", "township__short_name")
    found, has_more = first([files.events(rows, wanted)], *fields)
    hits = [
        Hit(
            one["title"],
            " · ".join(filter(None, (one["number"], one["outside_number"], one["township__short_name"], one["place"]))),
            reverse("enforcement:event-detail", args=[one["pk"]]),
            EVENT_STATES[one["state"]],
            EVENT_TONES.get(one["state"], ""),
            one["facts"],
        )
        for one in found
    ]
    return Group("事件", hits, all_of("enforcement:event-list", wanted.typed) if has_more else [])


def whistles(user: Any, wanted: Wanted, sides: Sequence[tuple[str, str]]) -> Group:
    rows, unit_id = Whistle.objects.visible_to(user).order_by("-id"), user.acting.unit_id
    lists = [files.whistles(rows, wanted)]
    if sides:
        own, to_us = sent_and_got(unit_id)
        asked = rows.filter(dispatches__department_id=unit_id, dispatches__state__in=NOT_RETURNED)
        lists = [
            files.whistles(rows.filter(own), wanted, within=own),
            files.whistles(asked.order_by("-dispatches__id"), wanted, within=to_us),
        ]
    fields = ("number", "title", "state", "facts", "area", "assemble_place", "by_unit__short_name")
    found, has_more = first(lists, *fields)
    hits = [
        Hit(
            one["title"],
            " · ".join(filter(None, (one["number"], one["by_unit__short_name"], one["area"], one["assemble_place"]))),
            reverse("enforcement:whistle-detail", args=[one["pk"]]),
            WHISTLE_STATES[one["state"]],
            WHISTLE_TONES.get(one["state"], ""),
            one["facts"],
        )
        for one in found
    ]
    return Group("哨单", hits, all_of("enforcement:whistle-list", wanted.typed, sides) if has_more else [])


def dispatches(user: Any, wanted: Wanted, sides: Sequence[tuple[str, str]]) -> Group:
    rows, unit_id = Dispatch.objects.visible_to(user).order_by("-id"), user.acting.unit_id
    lists = [files.dispatches(rows, wanted)]
    if sides:
        own, to_us = sent_and_got(unit_id)
        lists = [
            files.dispatches(rows.filter(by_unit_id=unit_id), wanted, within=own),
            files.dispatches(rows.filter(department_id=unit_id), wanted, within=to_us),
        ]
    fields = ("number", "whistle__title", "whistle__facts", "state", "by_unit__short_name", "department__short_name")
    found, has_more = first(lists, *fields)
    hits = [
        Hit(
            one["whistle__title"],
            f"{one['number']} · {one['by_unit__short_name']} → {one['department__short_name']}",
            reverse("enforcement:dispatch-detail", args=[one["pk"]]),
            DISPATCH_STATES[one["state"]],
            DISPATCH_TONES[one["state"]],
            one["whistle__facts"],
        )
        for one in found
    ]
    return Group("派单", hits, all_of("enforcement:dispatch-list", wanted.typed, sides) if has_more else [])


def people(user: Any, query: str) -> Group:
    found = list(names.people(contacts.people(user), query, mobile_sight(user))[: SHOWN + 1])
    hits = [
        Hit(
            one["name"],
            "、".join(label for label, *_ in one["posts"]),
            tel=one["mobile"] or next(iter(one["phones"]), ""),
        )
        for one in contacts.person_rows(found[:SHOWN], user)
    ]
    return Group("人员", hits, all_of("command_room:person-list", query) if len(found) > SHOWN else [])


def units(user: Any, query: str) -> Group:
    found = list(names.units(contacts.units(user), query)[: SHOWN + 1])
    hits = [
        Hit(one["name"], " · ".join(filter(None, (one["full"], one["kind"], one["parent"]))), tel=one["phone"])
        for one in contacts.unit_rows(found[:SHOWN], user)
    ]
    return Group("机构", hits, all_of("command_room:unit-list", query) if len(found) > SHOWN else [])
