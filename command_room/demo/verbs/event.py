"""`enforcement.services.event` on unsaved rows."""

from datetime import datetime

from command_room.demo.book import Book
from command_room.demo.cast import Town
from enforcement.models import Caller, Event
from enforcement.rules.deadlines import Step
from enforcement.services.clocks import alarm
from notifications import kinds
from records.models import Stage
from townships.models import User


def report(book: Book, event: Event, *, town: Town, caller: tuple[str, str] | None = None, settled: str = "") -> Event:
    """`event` says what was reported, by whom and when; `caller` is a name and a phone."""
    by, at = event.reported_by, event.reported_at
    clock = book.clocks.accept(at, "event_urgent" if event.is_urgent else "event")
    event.accept_due = event.next_due = clock.at
    event.alarm_at = alarm(event.reported_at, clock.at)
    event.provisional = ["accept_due"] if clock.provisional else []
    event.request_id = book.request_id()
    book.events.append(event)
    if caller:
        book.callers.append(Caller(event=event, name=caller[0], phone=caller[1]))
    what = f"上报{'紧急' if event.is_urgent else ''}事件（{event.get_source_display()}）"
    book.line(event, "event_reported", by=by, at=at, what=what, stage=Stage.COLLECT, to_state=event.state)
    if settled:
        close(book, event, by=by, at=at, result=settled, what="现场处置完毕")
    else:
        book.tell(kinds.EventReported, event, to=town.duty, at=at, due=event.next_due)
    return event


def verify(book: Book, event: Event, *, by: User, at: datetime) -> None:
    book.advance(
        event,
        Event.State.VERIFIED,
        by=by,
        at=at,
        verb="event_verified",
        what="核实属实",
        stage=Stage.FILE,
        verified_at=at,
        verified_by=by,
    )


def settle(book: Book, event: Event, *, by: User, at: datetime, result: str) -> None:
    what = "队伍处置完毕" if event.state == Event.State.SQUAD else "镇街自行处置完毕"
    close(book, event, by=by, at=at, result=result, what=what)


def hand_to_squad(book: Book, event: Event, *, by: User, at: datetime, town: Town, limit: Step) -> None:
    clock = book.clocks.due(at, limit)
    mark_verified(event, by=by, at=at)
    book.advance(
        event,
        Event.State.SQUAD,
        by=by,
        at=at,
        verb="event_handed_to_squad",
        what=f"交镇街执法队处置，时限 {limit}",
        stage=Stage.DISPATCH,
        squad_at=at,
        squad_unit=str(limit.unit),
        squad_amount=limit.amount,
        squad_due=clock.at,
        next_due=clock.at,
        alarm_at=alarm(at, clock.at),
        provisional=["squad_due"] if clock.provisional else [],
        claimed_at=None,
        claimed_by=None,
    )
    book.tell(kinds.EventHandedToSquad, event, to=town.officers, at=at, due=event.next_due)


def dismiss(book: Book, event: Event, *, by: User, at: datetime, reason: str, text: str) -> None:
    book.advance(
        event,
        Event.State.DISMISSED,
        by=by,
        at=at,
        verb="event_dismissed",
        what=f"不予受理：{Event.Dismissal(reason).label}",
        stage=Stage.FILE,
        dismissal=reason,
        result=text,
        closed_at=at,
        closed_by=by,
        next_due=None,
        alarm_at=None,
    )
    for one in (event, *book.merged[event.request_id]):
        book.tell(kinds.EventDismissed, one, to=[one.reported_by], at=at, due=None)


def close(book: Book, event: Event, *, by: User, at: datetime, result: str, what: str) -> None:
    mark_verified(event, by=by, at=at)
    book.advance(
        event,
        Event.State.SETTLED,
        by=by,
        at=at,
        verb="event_settled",
        what=what,
        stage=Stage.CLOSE,
        result=result,
        closed_at=at,
        closed_by=by,
        next_due=None,
        alarm_at=None,
    )
    for one in (event, *book.merged[event.request_id]):
        if one.reported_by is not by:
            book.tell(kinds.EventClosed, one, to=[one.reported_by], at=at, due=None)


def mark_verified(event: Event, *, by: User, at: datetime) -> None:
    if event.verified_at is None:
        event.verified_at, event.verified_by = at, by
