"""`enforcement.services.withdrawal` on unsaved rows."""

from datetime import datetime

from command_room.demo.book import Book
from command_room.demo.verbs.whistle import give_back, going
from enforcement.models import Dispatch, Suspension, Whistle
from notifications import kinds
from records.models import Stage
from townships.models import User


def withdraw(book: Book, whistle: Whistle, *, by: User, at: datetime, reason: str) -> None:
    parts = [part for part in book.parts.get(whistle.request_id, ()) if part.is_open]
    for part in parts:
        book.advance(
            part,
            Dispatch.State.WITHDRAWN,
            by=by,
            at=at,
            verb="dispatch_withdrawn",
            what=f"撤哨，{part.department}不用再办",
            stage=Stage.CLOSE,
            suspended_from="",
            next_due=None,
            return_due=None,
            alarm_at=None,
        )
    book.advance(
        whistle,
        Whistle.State.WITHDRAWN,
        by=by,
        at=at,
        verb="whistle_withdrawn",
        what="撤哨，各部门不用再办" if parts else "撤哨，没有发出",
        stage=Stage.CLOSE,
        withdrawn_at=at,
        withdrawn_by=by,
        withdrawal=reason,
        resume_due=None,
        next_due=None,
        alarm_at=None,
    )
    _end_pending(book, whistle, at=at)
    give_back(book, whistle, by=by, at=at, what="已撤哨，回到已核实")
    if whistle.approved_at is None:
        leaders = book.cast.side(whistle.by_unit).leaders
        book.tell(kinds.WhistleWithdrawn, whistle, to=leaders, at=at, due=None)
    for part in parts:
        book.tell(kinds.WhistleWithdrawn, part, to=going(book, part), at=at, due=None)


def _end_pending(book: Book, whistle: Whistle, *, at: datetime) -> None:
    """The demo withdraws nothing that waits for an answer; what stands still has stood still until now."""
    for suspension in book.suspensions:
        if suspension.whistle is whistle and suspension.state == Suspension.State.RUNNING:
            suspension.state, suspension.ended_at = Suspension.State.ENDED, at
