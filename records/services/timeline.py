"""The timeline and the one function that walks a state's arrow."""

from collections.abc import Collection
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from records.models import Entry


class Refused(Exception):  # noqa: N818 - it is a sentence to a person, not a fault
    """An act that may not be done now. `str()` is the sentence that the page shows; `obj` is where the page goes."""

    def __init__(self, obj: models.Model, sentence: str) -> None:
        super().__init__(sentence)
        self.obj = obj


class WrongState(Refused):
    """The object is no longer in the state the person saw, or the arrow does not exist.

    `verbs`: what may have been done instead, where that leaves the object's state as it was.
    """

    def __init__(self, obj: models.Model, verbs: Collection[str] = ()) -> None:
        super().__init__(obj, f"没有重复办理：{_last_change(obj, verbs)}。请按现在的情况继续。")


def _last_change(obj: models.Model, verbs: Collection[str]) -> str:
    """The last change of state: what was said or reminded of since is not what a stale form collides with."""
    entries = Entry.objects.about(obj)
    entry = entries.filter(~Q(to_state="") | Q(verb__in=verbs)).last() or entries.last()
    if entry is None:
        return "情况已经变化"
    return f"{entry.by_office}已于 {timezone.localtime(entry.at):%m-%d %H:%M} {entry.what}"


def entry_for(
    target: models.Model,
    verb: str,
    *,
    by: Any,
    what: str,
    stage: str,
    from_state: str = "",
    to_state: str = "",
    data: dict[str, Any] | None = None,
) -> Entry:
    """An unsaved entry, for `bulk_create` where one act writes many. `by` is a User, or None for the system."""
    return Entry(
        target_type=ContentType.objects.get_for_model(target),
        target_id=target.pk,
        verb=verb,
        what=what,
        stage=stage,
        from_state=from_state,
        to_state=to_state,
        by=by,
        by_office=by.office if by is not None else "系统",
        data=data or {},
    )


def record(target: models.Model, verb: str, *, by: Any, what: str, stage: str, **more: Any) -> Entry:
    """Write one timeline entry in the caller's transaction; `more` as in `entry_for`."""
    entry = entry_for(target, verb, by=by, what=what, stage=stage, **more)
    entry.save()
    return entry


def lock(obj: models.Model, *, seen_state: str | None = None) -> None:
    """Lock the row, bring `obj` up to date, and refuse if it is not in the state that the person saw."""
    # no_key: rows that refer to this one may be written meanwhile; a plain lock deadlocks with their foreign key checks
    known = dict(obj._state.fields_cache)
    obj.refresh_from_db(from_queryset=type(obj)._default_manager.select_for_update(of=("self",), no_key=True))
    for name, related in known.items():  # refreshing forgets them all; those still referred to need not be read again
        if related is not None and getattr(obj, f"{name}_id", None) == related.pk:  # a reverse one has no such column
            setattr(obj, name, related)
    if seen_state is not None and obj.state != seen_state:  # type: ignore[attr-defined]
        raise WrongState(obj)


@transaction.atomic(savepoint=False)
def advance(
    obj: Any,
    to: str,
    *,
    by: Any,
    verb: str,
    what: str,
    stage: str,
    seen_state: str | None = None,
    data: dict[str, Any] | None = None,
    **fields: Any,
) -> None:
    """Walk one arrow: lock the row, refuse an arrow that is not in NEXT, set `fields`, save, write the entry.

    Raises WrongState. `obj` is up to date afterwards.
    """
    lock(obj, seen_state=seen_state)
    advance_locked(obj, to, by=by, verb=verb, what=what, stage=stage, data=data, **fields)


def advance_locked(
    obj: Any,
    to: str,
    *,
    by: Any,
    verb: str,
    what: str,
    stage: str,
    data: dict[str, Any] | None = None,
    **fields: Any,
) -> None:
    """`advance` on a row that the caller has just locked, in the same transaction: it is not read a second time."""
    if to not in obj.NEXT.get(obj.state, frozenset()):
        raise WrongState(obj)
    before, obj.state = obj.state, to
    for name, value in fields.items():
        setattr(obj, name, value)
    obj.save(update_fields=["state", "changed_at", *fields])
    record(obj, verb, by=by, what=what, stage=stage, from_state=before, to_state=to, data=data)
