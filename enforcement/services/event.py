"""Events: reported, verified, and settled, handed to the squad, or dismissed. Whistles are in `whistle`."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from enforcement.models import Caller, Category, Event
from enforcement.rules.deadlines import Step
from enforcement.services import handover as handovers
from enforcement.services.clocks import alarm
from enforcement.services.limit import accept_due
from enforcement.services.messages import event_message, reporters_of_one_matter
from notifications import kinds
from notifications.services.outbox import notify, notify_many
from records.models import Attachment, Stage
from records.services import access, advance, advance_locked, once, record
from records.services.attachment import Upload, attach
from records.services.number import next_number
from townships import people
from townships.models import Unit
from townships.worktime import due


@dataclass(frozen=True)
class Place:
    """Where: the township, the grid if known, words, and the position if the reporter gave it (WGS84 degrees)."""

    township: Unit
    text: str
    grid: Unit | None = None
    longitude: Decimal | None = None
    latitude: Decimal | None = None


@dataclass(frozen=True)
class Origin:
    """How the township heard of it. Caller's name and phone stay with the township."""

    source: str = Event.Source.GRID
    outside_number: str = ""
    caller_name: str = ""
    caller_phone: str = ""


def report(
    *,
    by: Any,
    request_id: UUID,
    category: Category,
    title: str,
    facts: str,
    place: Place,
    is_urgent: bool,
    origin: Origin,
    photos: Iterable[Upload] = (),
    settled: str = "",
) -> Event:
    """Register an event; with `settled` (what was done) it is closed on the spot (D7). Twice is once. Raises BadFile, UsedForm."""
    event = Event(
        township=place.township,
        grid=place.grid,
        category=category,
        title=title,
        place=place.text,
        longitude=place.longitude,
        latitude=place.latitude,
        facts=facts,
        is_urgent=is_urgent,
        source=origin.source,
        outside_number=origin.outside_number,
        reported_by=by,
        request_id=request_id,
    )
    create = partial(_register, event, origin, photos, settled, by=by)
    return once(Event, request_id, create, reported_by=by, category=category, place=place.text, facts=facts)


def _register(event: Event, origin: Origin, photos: Iterable[Upload], settled: str, *, by: Any) -> Event:
    event.reported_at = timezone.now()
    clock = accept_due(event)
    event.number = next_number("事", event.township.code, timezone.localdate(event.reported_at))
    event.accept_due = event.next_due = clock.at
    event.alarm_at = alarm(event.reported_at, clock.at)
    event.provisional = ["accept_due"] if clock.provisional else []
    event.save(force_insert=True)
    if origin.caller_name or origin.caller_phone:
        Caller.objects.create(event=event, name=origin.caller_name, phone=origin.caller_phone)
    phase = Attachment.Phase.AFTER if settled else Attachment.Phase.BEFORE
    for photo in photos:
        attach(event, photo, by=by, phase=phase)
    what = f"上报{'紧急' if event.is_urgent else ''}事件（{event.get_source_display()}）"
    record(event, "event_reported", by=by, what=what, stage=Stage.COLLECT, to_state=event.state)
    if settled:
        _close(event, by=by, result=settled, what="现场处置完毕")
    else:
        to = [user for user in people.desk(event.township) if user.pk != by.pk]
        notify(event_message(kinds.EventReported, event), to=to, key=f"event_reported:{event.pk}")
    return event


@transaction.atomic
def verify(event: Event, *, by: Any, seen_state: str) -> None:
    """核实: the event is real; which way it goes is still to be said."""
    handovers.lock_held(event, seen_state=seen_state)
    advance_locked(
        event,
        Event.State.VERIFIED,
        by=by,
        verb="event_verified",
        what="核实属实",
        stage=Stage.FILE,
        verified_at=timezone.now(),
        verified_by=by,
    )


@transaction.atomic
def settle(event: Event, *, by: Any, seen_state: str, result: str, photos: Iterable[Upload] = ()) -> None:
    """Settled by the township itself: on the spot, by the desk, or by the squad."""
    handovers.lock_held(event, seen_state=seen_state)
    what = "队伍处置完毕" if event.state == Event.State.SQUAD else "镇街自行处置完毕"
    for photo in photos:
        attach(event, photo, by=by, phase=Attachment.Phase.AFTER)
    _close(event, by=by, result=result, what=what)


@transaction.atomic
def hand_to_squad(event: Event, *, by: Any, seen_state: str, limit: Step) -> None:
    """Hand to the township's own squad with a limit; the squad's officers are told."""
    handovers.lock_held(event, seen_state=seen_state)
    now = timezone.now()
    clock = due(now, limit.unit, limit.amount)
    advance_locked(
        event,
        Event.State.SQUAD,
        by=by,
        verb="event_handed_to_squad",
        what=f"交镇街执法队处置，时限 {limit}",
        stage=Stage.DISPATCH,
        **_verified(event, by),
        squad_at=now,
        squad_unit=limit.unit,
        squad_amount=limit.amount,
        squad_due=clock.at,
        next_due=clock.at,
        alarm_at=alarm(now, clock.at),
        provisional=["squad_due"] if clock.provisional else [],
        claimed_at=None,
        claimed_by=None,
    )
    handovers.void(event, by=by)
    to = people.squad_officers(event.township)
    notify(event_message(kinds.EventHandedToSquad, event), to=to, key=f"event_handed_to_squad:{event.pk}")


@transaction.atomic
def dismiss(event: Event, *, by: Any, seen_state: str, reason: str, text: str) -> None:
    """不予受理, with a reason from the closed list and words for the reporter."""
    handovers.lock_held(event, seen_state=seen_state)
    label = Event.Dismissal(reason).label
    advance_locked(
        event,
        Event.State.DISMISSED,
        by=by,
        verb="event_dismissed",
        what=f"不予受理：{label}",
        stage=Stage.FILE,
        dismissal=reason,
        result=text,
        closed_at=timezone.now(),
        closed_by=by,
        next_due=None,
        alarm_at=None,
    )
    handovers.void(event, by=by)
    _tell_reporters(kinds.EventDismissed, event, by=None)


@transaction.atomic
def view_caller(event: Event, *, by: Any) -> Caller | None:
    """Show who called. The look itself is on record."""
    record(event, "caller_viewed", by=by, what="查看来电人信息", stage=Stage.HANDLE)
    access.note(by, "caller_viewed", event)
    return Caller.objects.filter(event=event).first()


def close_after_whistle(event: Event, *, by: Any, result: str) -> None:
    """The whistle is closed: so is its event. In the caller's transaction."""
    _close(event, by=by, result=result, what="部门处置，镇街确认办结")


def _close(event: Event, *, by: Any, result: str, what: str) -> None:
    advance(
        event,
        Event.State.SETTLED,
        by=by,
        verb="event_settled",
        what=what,
        stage=Stage.CLOSE,
        **_verified(event, by),
        result=result,
        closed_at=timezone.now(),
        closed_by=by,
        next_due=None,
        alarm_at=None,
    )
    handovers.void(event, by=by)
    _tell_reporters(kinds.EventClosed, event, by=by)


def _tell_reporters(kind: type[kinds.Kind], event: Event, *, by: Any) -> None:
    """How it ended: whoever reported it, or what has been merged into it."""
    merged = event.merged.select_related("reported_by", "category", "township").order_by("id")
    notify_many(reporters_of_one_matter(kind, [event, *merged], by=by))


def _verified(event: Event, by: Any) -> dict[str, Any]:
    if event.verified_at:
        return {}
    return {"verified_at": timezone.now(), "verified_by": by}
