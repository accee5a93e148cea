"""`enforcement.services.handover` on unsaved rows."""

from datetime import datetime

from command_room.demo.book import Book
from enforcement.models import Event, Handover
from enforcement.services.clocks import alarm
from enforcement.services.labels import late_mark
from notifications import kinds
from notifications.kinds import Kind
from records.models import Stage
from townships.models import Unit, User


def offer(book: Book, event: Event, *, by: User, at: datetime, to: Unit, reason: str) -> Handover:
    clock = book.clocks.handover(at, is_urgent=event.is_urgent)
    made = Handover(
        event=event,
        from_township=event.township,
        to_township=to,
        reason=reason,
        due=clock.at,
        is_provisional=clock.provisional,
        asked_at=at,
        asked_by=by,
        request_id=book.request_id(),
    )
    book.handovers.append(made)
    event.offered_to, event.has_ties = to, True
    what = f"拟移交{to}，等对方答复；答复前仍由{event.township}办理"
    book.line(event, "handover_asked", by=by, at=at, what=what, stage=Stage.FILE)
    _tell(book, kinds.HandoverAsked, made, to=to, unit=event.township, at=at, due=made.due)
    return made


def accept(book: Book, handover: Handover, *, by: User, at: datetime) -> None:
    event, giver = handover.event, handover.from_township
    book.givers.setdefault(event.request_id, giver)
    clock = book.clocks.accept(at, "event_urgent" if event.is_urgent else "event")
    _decide(handover, Handover.State.ACCEPTED, by=by, at=at)
    book.advance(
        event,
        Event.State.REPORTED,
        by=by,
        at=at,
        verb="handover_accepted",
        what=f"{handover.to_township}接收{giver}移交的事件{late_mark(at, handover.due)}",
        stage=Stage.FILE,
        township=handover.to_township,
        grid=None,
        offered_to=None,
        received_at=at,
        verified_at=None,
        verified_by=None,
        claimed_at=None,
        claimed_by=None,
        accept_due=clock.at,
        next_due=clock.at,
        alarm_at=alarm(at, clock.at),
        provisional=["accept_due"] if clock.provisional else [],
    )
    _tell(book, kinds.HandoverAccepted, handover, to=giver, unit=handover.to_township, at=at, due=None)
    book.tell(kinds.EventHandedOver, event, to=[event.reported_by], at=at, due=event.next_due)


def refuse(book: Book, handover: Handover, *, by: User, at: datetime, decision: str) -> None:
    event = handover.event
    event.offered_to = None
    _decide(handover, Handover.State.REFUSED, by=by, at=at, decision=decision)
    what = f"{handover.to_township}不接收{late_mark(at, handover.due)}，仍由{handover.from_township}办理"
    book.line(event, "handover_refused", by=by, at=at, what=what, stage=Stage.FILE)
    giver, unit = handover.from_township, handover.to_township
    _tell(book, kinds.HandoverRefused, handover, to=giver, unit=unit, at=at, due=event.next_due)


def take_back(book: Book, handover: Handover, *, by: User, at: datetime) -> None:
    handover.state = Handover.State.VOID
    handover.event.offered_to = None
    what = f"收回移交，仍由{handover.from_township}办理"
    book.line(handover.event, "handover_taken_back", by=by, at=at, what=what, stage=Stage.FILE)
    _tell(book, kinds.HandoverEnded, handover, to=handover.to_township, unit=handover.from_township, at=at, due=None)


def _decide(handover: Handover, state: str, *, by: User, at: datetime, decision: str = "") -> None:
    handover.state, handover.decision = state, decision
    handover.decided_at, handover.decided_by = at, by


def _tell(
    book: Book, kind: type[Kind], handover: Handover, *, to: Unit, unit: Unit, at: datetime, due: datetime | None
) -> None:
    desk, key = book.cast.side(to).duty, str(handover.request_id)
    book.tell(kind, handover.event, to=desk, at=at, due=due, key=key, page=handover, unit=unit)
