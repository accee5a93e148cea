"""值班交接: the desk goes from one person to the next, both by name, with what is open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from notifications import kinds
from notifications.services.outbox import notify
from records.models import Stage
from records.services import Refused, lock, once, record
from records.services.number import next_number
from townships import people
from townships.models import COMMAND_ROOM, Shift, ShiftNote, Unit, User

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Desk:
    """`open`: the note that nobody has taken over yet; `held`: the last one that somebody has: since then it is theirs."""

    open: ShiftNote | None
    held: ShiftNote | None


def desk_of(township: Unit) -> Desk:
    """Who has the desk. One query."""
    rows = ShiftNote.objects.filter(township=township).select_related("written_by", "taken_over_by")
    last, *earlier = [*rows.order_by("-id")[:2], None]
    if last is None or last.taken_over_at:
        return Desk(None, last)
    return Desk(last, earlier[0])


def leave(
    township: Unit,
    *,
    by: Any,
    request_id: UUID,
    text: str,
    items: Sequence[Mapping[str, Any]],
    counts: Mapping[str, int],
) -> ShiftNote:
    """Hand over; whoever is next on the rota is told. One note waits at a time. Twice is once."""

    def create() -> ShiftNote:
        lock(township)
        if waiting := ShiftNote.objects.filter(township=township, taken_over_at=None).first():
            raise Refused(waiting, "上一份交接单还没有人接班。请先接班，再写新的。")
        now = timezone.now()
        note = ShiftNote.objects.create(
            number=next_number("班", township.code, timezone.localdate(now)),
            township=township,
            at=now,
            written_by=by,
            text=text,
            items=list(items),
            counts=dict(counts),
            request_id=request_id,
        )
        record(note, "shift_note_left", by=by, what=f"{by}交班", stage=Stage.HANDLE, to_state=note.state)
        to, starts = next_on_rota(township, now, besides=by)
        message = kinds.ShiftNoteLeft(
            number=note.number,
            matter="值班交接",
            unit=township.short_name,
            due=max(starts, now).isoformat(),
            link=note.get_absolute_url(),
        )
        notify(message, to=to, key=f"shift_note_left:{note.pk}")
        return note

    return once(ShiftNote, request_id, create, written_by=by, text=text)


@transaction.atomic
def take_over(note: ShiftNote, *, by: Any, seen_state: str) -> None:
    """我来接班: from now on the desk is theirs. Pressed twice is once."""
    lock(note)
    if note.taken_over_by_id == by.pk:
        return
    lock(note, seen_state=seen_state)
    note.taken_over_by, note.taken_over_at = by, timezone.now()
    note.save(update_fields=["taken_over_by", "taken_over_at"])
    record(
        note, "shift_note_taken", by=by, what=f"{by}接班", stage=Stage.HANDLE, from_state="left", to_state=note.state
    )


def next_on_rota(township: Unit, now: datetime, *, besides: User) -> tuple[list[User], datetime]:
    """Who takes the desk next, and from when: the next of the rota that runs a desk; without a rota, the duty officers.

    Who hands over late is relieved by whoever is on already.
    """
    today = timezone.localdate(now)
    shifts = Shift.objects.filter(township=township, day__range=(today - DAY, today + DAY)).exclude(user=besides)
    holders = people.holders([township.pk], COMMAND_ROOM).get(township.pk, [])
    mine = shifts.filter(user__in=holders, is_on_call=False).select_related("user")
    coming = sorted(((_start(shift), shift.user) for shift in mine), key=lambda pair: pair[0])
    if not Shift.objects.covering(now).filter(township=township, user=besides).exists():
        on_now = Shift.objects.covering(now).filter(pk__in=mine).select_related("user")
        if found := [shift.user for shift in on_now]:
            return _distinct(found), now
    starts = next((start for start, _ in coming if start > now), None)
    if starts is None:
        return [user for user in people.desk(township) if user.pk != besides.pk], now
    return _distinct(user for start, user in coming if start == starts), starts


def _start(shift: Shift) -> datetime:
    return timezone.make_aware(datetime.combine(shift.day, shift.starts_at))


def _distinct(users: Iterable[User]) -> list[User]:
    return list({user.pk: user for user in users}.values())
