"""`enforcement.services.appeal` on unsaved rows. Whoever appeals, appeals in time."""

from datetime import datetime

from command_room.demo.book import Book
from enforcement.models import Appeal, Dispatch
from enforcement.services.labels import bureau_note
from notifications import kinds
from records.models import Stage
from townships.models import User


def ask(book: Book, dispatch: Dispatch, *, by: User, at: datetime, text: str) -> Appeal:
    made = Appeal(dispatch=dispatch, text=text, asked_at=at, asked_by=by, request_id=book.request_id())
    book.appeals.append(made)
    what = f"{dispatch.department}对评价提出申诉"
    book.line(dispatch, "appeal_asked", by=by, at=at, what=what, stage=Stage.EVALUATE)
    book.tell(kinds.AppealAsked, dispatch, to=book.cast.guidance, at=at, due=None)
    return made


def decide(book: Book, appeal: Appeal, *, by: User, at: datetime, outcome: str, decision: str) -> None:
    dispatch = appeal.dispatch
    appeal.state, appeal.decision = outcome, decision
    appeal.decided_at, appeal.decided_by = at, by
    what = f"指导办裁定：{appeal.get_state_display()}{bureau_note(by, dispatch.department, dispatch.by_unit)}"
    book.line(dispatch, "appeal_decided", by=by, at=at, what=what, stage=Stage.EVALUATE)
    to = [user for unit in (dispatch.department, dispatch.by_unit) for user in book.cast.side(unit).duty]
    book.tell(kinds.AppealDecided, dispatch, to=to, at=at, due=None)
