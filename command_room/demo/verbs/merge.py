"""`enforcement.services.merge` on unsaved rows: into an event that is open, and nothing had been merged before."""

from datetime import datetime

from command_room.demo.book import Book
from enforcement.models import Event
from notifications import kinds
from records.models import Stage
from townships.models import User


def merge(book: Book, event: Event, *, by: User, at: datetime, into: Event) -> None:
    book.merged[into.request_id].append(event)
    into.has_ties = True
    book.advance(
        event,
        Event.State.MERGED,
        by=by,
        at=at,
        verb="event_merged",
        what="与 {} 是同一件事，并案办理",
        about=into,
        stage=Stage.FILE,
        merged_into=into,
        closed_at=at,
        closed_by=by,
        next_due=None,
        alarm_at=None,
        claimed_at=None,
        claimed_by=None,
    )
    what = "{} 是同一件事，并入办理"
    book.line(into, "event_taken_in", by=by, at=at, what=what, about=event, stage=Stage.FILE)
    if event.reported_by is not by:
        book.tell(kinds.EventMerged, event, to=[event.reported_by], at=at, due=None)
