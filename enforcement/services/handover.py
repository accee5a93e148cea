"""移交: an event of a neighbouring township is offered to it, and stays with the giver until it is accepted there.

Locks: the event, then the hand-over. Whoever accepts and whoever settles, whistles or takes back wait for each other
at the event.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from enforcement.models import Event, Handover, Limit
from enforcement.services.clocks import alarm
from enforcement.services.labels import late_mark
from enforcement.services.limit import accept_due, steps_on
from enforcement.services.messages import event_message
from notifications import kinds
from notifications.services.outbox import notify, notify_many
from records.models import Stage
from records.services import Refused, WrongState, advance, lock, once, record
from townships import people
from townships.models import Unit
from townships.worktime import Due, due


def lock_held(event: Event, *, seen_state: str | None = None) -> None:
    """The first lock of every act on an event. Refused where a neighbouring township has accepted it meanwhile."""
    township_id = event.township_id
    lock(event)
    if event.township_id != township_id:
        last = Handover.objects.filter(event=event, from_township=township_id).order_by("-id")[0]
        raise Refused(last, f"没有办理：{event.township}已经接收这件事，现在由对方办。")
    if seen_state is not None and event.state != seen_state:
        raise WrongState(event)


def due_of(handover: Handover) -> Due:
    """By when the other township answers, counted from the asking."""
    kind = Limit.Kind.EVENT_URGENT if handover.event.is_urgent else Limit.Kind.EVENT
    step = steps_on(timezone.localdate(handover.asked_at), kind)[(kind, Limit.Step.HANDOVER)]
    return due(handover.asked_at, step.unit, step.amount)


def offer(event: Event, *, by: Any, request_id: UUID, seen_state: str, to: Unit, reason: str) -> Handover:
    """Offer it to another township, whose desk is told and may read it while it decides. Twice is once."""

    def create() -> Handover:
        lock_held(event, seen_state=seen_state)
        if event.state not in Event.TO_TRIAGE:
            raise WrongState(event)
        if open_one := Handover.objects.filter(event=event, state=Handover.State.ASKED).first():
            raise Refused(open_one, f"正在等{open_one.to_township}答复，要移交别处请先收回。")
        handover = Handover(
            event=event, from_township=event.township, to_township=to, reason=reason, asked_by=by, request_id=request_id
        )
        clock = due_of(handover)
        handover.due, handover.is_provisional = clock.at, clock.provisional
        handover.save(force_insert=True)
        what = f"拟移交{to}，等对方答复；答复前仍由{event.township}办理"
        _note(event, "handover_asked", by=by, what=what, offered_to=to)
        _tell(kinds.HandoverAsked, handover, to=to, unit=event.township)
        return handover

    return once(Handover, request_id, create, asked_by=by, event_id=event.pk, to_township_id=to.pk, reason=reason)


@transaction.atomic
def accept(handover: Handover, *, by: Any, seen_state: str) -> None:
    """The event is the new township's: it verifies for itself, and its own clock begins now. The number stays."""
    event = _lock_both(handover, seen_state=seen_state)
    giver, now = handover.from_township, timezone.now()
    event.received_at = now
    clock = accept_due(event)
    _decide(handover, Handover.State.ACCEPTED, by=by)
    advance(
        event,
        Event.State.REPORTED,
        by=by,
        verb="handover_accepted",
        what=f"{handover.to_township}接收{giver}移交的事件{late_mark(now, handover.due)}",
        stage=Stage.FILE,
        township=handover.to_township,
        grid=None,
        offered_to=None,
        received_at=now,
        verified_at=None,
        verified_by=None,
        claimed_at=None,
        claimed_by=None,
        accept_due=clock.at,
        next_due=clock.at,
        alarm_at=alarm(now, clock.at),
        provisional=["accept_due"] if clock.provisional else [],
    )
    _tell(kinds.HandoverAccepted, handover, to=giver, unit=handover.to_township)
    message = event_message(kinds.EventHandedOver, event)
    notify(message, to=[event.reported_by], key=f"event_handed_over:{handover.pk}")


@transaction.atomic
def refuse(handover: Handover, *, by: Any, seen_state: str, decision: str) -> None:
    """Not accepted, with words: the giver goes on, its clock has never stopped."""
    event = _lock_both(handover, seen_state=seen_state)
    _decide(handover, Handover.State.REFUSED, by=by, decision=decision)
    late = late_mark(timezone.now(), handover.due)
    what = f"{handover.to_township}不接收{late}，仍由{handover.from_township}办理"
    _note(event, "handover_refused", by=by, what=what)
    _tell(kinds.HandoverRefused, handover, to=handover.from_township, unit=handover.to_township)


@transaction.atomic
def take_back(handover: Handover, *, by: Any, seen_state: str) -> None:
    """The giver keeps it after all."""
    event = _lock_both(handover, seen_state=seen_state)
    _void(handover)
    _note(event, "handover_taken_back", by=by, what=f"收回移交，仍由{handover.from_township}办理")


def void(event: Event, *, by: Any) -> None:
    """In the caller's transaction, with the event locked: the giver has taken another way, nobody has to answer."""
    if event.offered_to_id is None:
        return
    waiting = Handover.objects.filter(event=event, state=Handover.State.ASKED).select_related("to_township")
    for handover in waiting.select_for_update(of=("self",), no_key=True):
        handover.event, handover.from_township = event, event.township
        _void(handover)
        _note(event, "handover_ended", by=by, what=f"已另行处置，不再移交{handover.to_township}")


# --- inside ---------------------------------------------------------------------------------------------------------
def _lock_both(handover: Handover, *, seen_state: str) -> Event:
    event = handover.event
    lock(event)
    lock(handover, seen_state=seen_state)
    return event


def _decide(handover: Handover, state: str, *, by: Any, decision: str = "") -> None:
    handover.state, handover.decision = state, decision
    handover.decided_at, handover.decided_by = timezone.now(), by
    handover.save(update_fields=["state", "decision", "decided_at", "decided_by"])


def _void(handover: Handover) -> None:
    handover.state = Handover.State.VOID
    handover.save(update_fields=["state"])
    _tell(kinds.HandoverEnded, handover, to=handover.to_township, unit=handover.from_township)


def _note(event: Event, verb: str, *, by: Any, what: str, offered_to: Unit | None = None) -> None:
    """The line in the timeline, and whose answer is awaited from now on."""
    record(event, verb, by=by, what=what, stage=Stage.FILE)
    event.offered_to, event.has_ties = offered_to, True
    event.save(update_fields=["changed_at", "offered_to", "has_ties"])


def _tell(kind: type[kinds.Kind], handover: Handover, *, to: Unit, unit: Unit) -> None:
    """`unit`: the township on the other side. The link is the hand-over's page, which both sides may always read."""
    event = handover.event
    running = {kinds.HandoverAsked: handover.due, kinds.HandoverRefused: event.next_due}.get(kind)
    message = kind(
        number=event.number,
        matter=event.category.name,
        unit=unit.short_name,
        due=running.isoformat() if running else None,
        link=handover.get_absolute_url(),
    )
    notify_many([(message, people.desk(to), f"{kind.code()}:{handover.pk}")])
