"""Fingerprints: one plain query each, by an index and bounded, that tell whether anything has changed.

They look at `changed_at` of the newest rows, not only of the newest one: a transaction that began earlier and commits
later leaves the newest as it is.
"""

from datetime import date, datetime, timedelta
from hashlib import md5
from typing import Any

from django.db import connection
from django.utils import timezone

from enforcement.models import Appeal, Dispatch, Escalation, Event, Extension, Handover, Return, Whistle
from townships.models import OVERSIGHT, Post, Role, Shift, SquadMember, Unit, User

_NEWEST = (
    "(SELECT string_agg(concat_ws(' ', id, state, changed_at), ',') FROM"
    " (SELECT id, state, changed_at FROM {} WHERE {} ORDER BY {} DESC LIMIT {}) AS newest)"
)
_ALL = "(SELECT string_agg(concat_ws(' ', id, state, changed_at), ',' ORDER BY id) FROM {} WHERE {})"
_ROWS = "(SELECT string_agg(row::text, ',' ORDER BY id) FROM {} AS row WHERE {})"
_LAST = "(SELECT max(id) FROM {} WHERE {})"
_TURNED = _LAST.format(Escalation._meta.db_table, "{} = %s")  # yellow and red marks
_OF_TOWNSHIP = [
    _TURNED.format("by_unit_id"),
    *(
        _NEWEST.format(model._meta.db_table, f"{owner} = %s", "changed_at", 12)
        for model, owner in ((Whistle, "by_unit_id"), (Event, "township_id"))
    ),
]
_OF_REPORTER = _NEWEST.format(Event._meta.db_table, "reported_by_id = %s", "id", 200)
_OF_DEPARTMENT = _ALL.format(Dispatch._meta.db_table, "department_id = %s AND state = ANY(%s)")
_ASKED = "(SELECT string_agg(id::text, ',' ORDER BY id) FROM {} WHERE state = 'asked' AND {})"
_HANDOVERS = _ASKED.format(Handover._meta.db_table, "(to_township_id = %s OR from_township_id = %s)")
_RETURNS = _ALL.format(
    Dispatch._meta.db_table,
    f"id IN (SELECT dispatch_id FROM {Return._meta.db_table} WHERE state = 'arbitration')",  # noqa: S608 - as above
)
_APPEALS = _ASKED.format(Appeal._meta.db_table, "TRUE")
_EXTENSIONS = _ASKED.format(Extension._meta.db_table, "turn = 2")
_OF_WHISTLER = _OF_TOWNSHIP[1]
_ORGANS = f"ARRAY(SELECT id FROM {Unit._meta.db_table} WHERE kind = ANY(%s::text[]))"  # noqa: S608 - a table's own name
_LATE = _ALL.format(Whistle._meta.db_table, f"by_unit_id = ANY({_ORGANS}) AND state = ANY(%s) AND next_due < %s")
_SQUAD = _ROWS.format(SquadMember._meta.db_table, "township_id = %s")
_SHIFTS = _ROWS.format(Shift._meta.db_table, "township_id = %s AND day BETWEEN %s AND %s")
_NEWEST_OF_EACH = (
    "(SELECT string_agg(concat_ws(' ', newest.id, state, changed_at), ',') FROM {unit} AS unit, LATERAL"
    " (SELECT id, state, changed_at FROM {row} WHERE {owner} = unit.id ORDER BY changed_at DESC LIMIT 12) AS newest"
    " WHERE unit.kind = ANY(%s::text[]))"
)
_OF_CITY = [
    *(
        _NEWEST_OF_EACH.format(unit=Unit._meta.db_table, row=model._meta.db_table, owner=owner)
        for model, owner in ((Whistle, "by_unit_id"), (Event, "township_id"))
    ),
    _LAST.format(Escalation._meta.db_table, "TRUE"),
    "%s::date",
]


def of_township(township_id: int) -> str:
    """Whistles and events, and what has turned yellow or red. Every verb of a dispatch writes its whistle too."""
    return _ask(_OF_TOWNSHIP, [township_id] * len(_OF_TOWNSHIP))


def of_board(township_id: int, today: date) -> tuple[str, str]:
    """Of the columns and of the panel beside them: the squad and the shifts of these days may change within a day."""
    squad = [township_id, township_id, today - timedelta(days=1), today]
    columns, side = _ask_each([_OF_TOWNSHIP, [_SQUAD, _SHIFTS]], [*[township_id] * len(_OF_TOWNSHIP), *squad])
    return columns, side


def of_wall(township_id: int, now: datetime) -> str:
    """Of everything on the wall, as one. Hashed: it goes out as an ETag to a screen without a log-in."""
    told = " ".join(of_board(township_id, timezone.localdate(now)))
    return md5(told.encode(), usedforsecurity=False).hexdigest()


def of_city_wall(now: datetime) -> str:
    """Of the fifteen townships, by an index scan each, and of the marks of all; another one after midnight."""
    return _ask(_OF_CITY, [list(Unit.TOWNSHIP_KINDS)] * 2 + [timezone.localdate(now)])


def of_work(user: User, post: Post, now: datetime) -> str:
    """What the work list of this post is made of."""
    if post.role == Role.GRID:  # how far a department is shows in the whistle alone, which is the township's
        return _ask([_OF_REPORTER, *_OF_TOWNSHIP], [user.pk, *[post.organ_id] * len(_OF_TOWNSHIP)])
    states = [*Dispatch.IN_HAND, Dispatch.State.RETURNING]
    if post.unit.is_township:
        parts = [*_OF_TOWNSHIP, _HANDOVERS]
        return _ask([*parts, _OF_DEPARTMENT], [*[post.unit_id] * (len(parts) + 2), states])
    if post.role in OVERSIGHT:
        return _ask(
            [_LATE, _RETURNS, _APPEALS, _EXTENSIONS, _LAST.format(Escalation._meta.db_table, "TRUE")],
            [[*Unit.TOWNSHIP_KINDS, *Unit.DEPARTMENT_KINDS], list(Whistle.OPEN), now],
        )
    parts = [_OF_DEPARTMENT, _TURNED.format("unit_id"), _OF_WHISTLER]
    return _ask(parts, [post.organ_id, states, post.organ_id, post.organ_id])


def _ask(parts: list[str], params: list[Any]) -> str:
    return _ask_each([parts], params)[0]


def _ask_each(groups: list[list[str]], params: list[Any]) -> list[str]:
    """A fingerprint of each group of parts, all of them in one query."""
    prints = ", ".join(f"md5(concat_ws(';', {', '.join(parts)}))" for parts in groups)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {prints}", params)
        return list(map(str, cursor.fetchone() or ()))
