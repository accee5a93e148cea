"""`enforcement.services.suspension` on unsaved rows."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from command_room.demo.book import Book
from command_room.demo.verbs.extension import recount
from command_room.demo.verbs.whistle import going
from enforcement.models import Dispatch, Suspension, Whistle
from enforcement.rules.clocks import whistle_state
from enforcement.services.clocks import part_of
from enforcement.services.labels import day_words, voice
from enforcement.services.suspension import end_of
from notifications import kinds
from notifications.kinds import Kind
from records.models import Stage
from townships.models import User


def ask(book: Book, whistle: Whistle, *, by: User, at: datetime, reason: str, text: str, until: date) -> Suspension:
    made = Suspension(
        whistle=whistle,
        reason=reason,
        text=text,
        resume_due=end_of(until),
        asked_at=at,
        asked_by=by,
        asked_office=by.office,
        request_id=book.request_id(),
    )
    book.suspensions.append(made)
    what = (
        f"申请挂账到 {day_words(made.resume_due)}：{made.get_reason_display()}，等{voice(whistle.by_unit).leaders}批准"
    )
    book.line(whistle, "suspension_asked", by=by, at=at, what=what, stage=Stage.HANDLE)
    to, key = book.cast.side(whistle.by_unit).leaders, str(made.request_id)
    book.tell(kinds.SuspensionAsked, whistle, to=to, at=at, due=whistle.next_due, key=key)
    return made


def approve(book: Book, suspension: Suspension, *, by: User, at: datetime) -> None:
    whistle = suspension.whistle
    _decide(suspension, Suspension.State.RUNNING, by=by, at=at)
    halted = [part for part in book.parts[whistle.request_id] if part.state in Dispatch.IN_HAND]
    for part in halted:
        book.advance(
            part,
            Dispatch.State.SUSPENDED,
            by=by,
            at=at,
            verb="dispatch_suspended",
            what=f"{part.department}暂停计时",
            stage=Stage.HANDLE,
            suspended_from=part.state,
            next_due=None,
            alarm_at=None,
        )
    until = day_words(suspension.resume_due)
    book.advance(
        whistle,
        Whistle.State.SUSPENDED,
        by=by,
        at=at,
        verb="whistle_suspended",
        what=f"批准挂账，暂停计时到 {until}：{suspension.get_reason_display()}",
        stage=Stage.HANDLE,
        data={"resume_due": suspension.resume_due.isoformat()},
        resume_due=suspension.resume_due,
        next_due=suspension.resume_due,
        alarm_at=None,
    )
    _tell_all(book, kinds.WhistleSuspended, suspension, halted, at=at)


def refuse(book: Book, suspension: Suspension, *, by: User, at: datetime, decision: str) -> None:
    whistle = suspension.whistle
    _decide(suspension, Suspension.State.REFUSED, by=by, at=at, decision=decision)
    book.line(whistle, "suspension_refused", by=by, at=at, what="未批准挂账，计时没有停", stage=Stage.HANDLE)
    lead = next(part for part in book.parts[whistle.request_id] if part.is_lead and part.is_open)
    told, key = [*book.cast.side(whistle.by_unit).duty, suspension.asked_by], str(suspension.request_id)
    book.tell(kinds.SuspensionRefused, whistle, to=told, at=at, due=whistle.next_due, key=key)
    book.tell(kinds.SuspensionRefused, lead, to=_others(book, lead, told), at=at, due=lead.next_due, key=key)


def resume(book: Book, suspension: Suspension, *, by: User, at: datetime) -> None:
    whistle = suspension.whistle
    suspension.state, suspension.ended_at, suspension.ended_by = Suspension.State.ENDED, at, by
    parts = book.parts[whistle.request_id]
    halted = [part for part in parts if part.state == Dispatch.State.SUSPENDED]
    for part in halted:
        what = f"{part.department}继续计时"
        more: dict[str, Any] = {"verb": "dispatch_resumed", "what": what, "stage": Stage.HANDLE, "suspended_from": ""}
        book.advance(part, part.suspended_from, by=by, at=at, **more)
    book.advance(
        whistle,
        whistle_state([part_of(part) for part in parts]),
        by=by,
        at=at,
        verb="whistle_resumed",
        what="恢复办理，各期限顺延",
        stage=Stage.HANDLE,
        resume_due=None,
    )
    recount(book, whistle)
    _tell_all(book, kinds.WhistleResumed, suspension, halted, at=at)


# --- inside ---------------------------------------------------------------------------------------------------------
def _decide(suspension: Suspension, state: str, *, by: User, at: datetime, decision: str = "") -> None:
    suspension.state, suspension.decision = state, decision
    suspension.decided_at, suspension.decided_by = at, by


def _tell_all(
    book: Book, kind: type[Kind], suspension: Suspension, halted: Iterable[Dispatch], *, at: datetime
) -> None:
    whistle, key = suspension.whistle, str(suspension.request_id)
    told = book.cast.side(whistle.by_unit).duty
    book.tell(kind, whistle, to=told, at=at, due=whistle.next_due, key=key)
    for part in halted:
        due = part.next_due if kind is kinds.WhistleResumed else whistle.resume_due
        book.tell(kind, part, to=_others(book, part, told), at=at, due=due, key=key)


def _others(book: Book, dispatch: Dispatch, told: Iterable[User]) -> list[User]:
    known = {user.username for user in told}
    return [user for user in going(book, dispatch) if user.username not in known]
