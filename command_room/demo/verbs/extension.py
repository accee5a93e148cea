"""`enforcement.services.extension` on unsaved rows, and the counting anew that it shares with a resumption."""

from datetime import datetime

from command_room.demo.book import Book
from command_room.demo.verbs.dispatch import run_clock
from command_room.demo.verbs.whistle import follow, going
from enforcement.models import Dispatch, Extension, Suspension, Whistle
from enforcement.rules.deadlines import extension_step
from enforcement.services.clocks import Course, count, count_whistle, put
from enforcement.services.extension import answerer, finish_of, moved, step_in
from notifications import kinds
from records.models import Stage
from townships.models import User


def ask(book: Book, dispatch: Dispatch, *, by: User, at: datetime, reason: str) -> Extension:
    step = extension_step(book.clocks.rules[dispatch.whistle.kind].limits.finish)
    made = Extension(
        dispatch=dispatch,
        turn=sum(1 for one in book.extensions if one.dispatch is dispatch) + 1,
        reason=reason,
        unit=step.unit,
        amount=step.amount,
        asked_at=at,
        asked_by=by,
        request_id=book.request_id(),
    )
    book.extensions.append(made)
    what = f"{dispatch.department}申请延期 {step}，等{answerer(made)}答复"
    book.line(dispatch, "extension_asked", by=by, at=at, what=what, stage=Stage.HANDLE)
    to = book.cast.side(dispatch.by_unit).duty if made.turn == Extension.FIRST else book.cast.guidance
    book.tell(kinds.ExtensionAsked, dispatch, to=to, at=at, due=dispatch.finish_due, key=str(made.turn))
    return made


def grant(book: Book, extension: Extension, *, by: User, at: datetime) -> None:
    """Before the department reports."""
    dispatch, before = extension.dispatch, finish_of(extension.dispatch)
    _decide(extension, Extension.State.GRANTED, by=by, at=at)
    recount(book, dispatch.whistle)
    after = finish_of(dispatch)
    book.line(
        dispatch,
        "extension_granted",
        by=by,
        at=at,
        what=f"同意{dispatch.department}延期 {step_in(extension)}，办结期限 {moved(before, after)}",
        stage=Stage.HANDLE,
        data={"before": before.isoformat(), "after": after.isoformat()},
    )
    key = str(extension.turn)
    book.tell(kinds.ExtensionGranted, dispatch, to=going(book, dispatch), at=at, due=after, key=key)


def refuse(book: Book, extension: Extension, *, by: User, at: datetime, decision: str) -> None:
    dispatch = extension.dispatch
    _decide(extension, Extension.State.REFUSED, by=by, at=at, decision=decision)
    what = f"不同意{dispatch.department}延期，办结期限不变"
    book.line(dispatch, "extension_refused", by=by, at=at, what=what, stage=Stage.HANDLE)
    key, to = str(extension.turn), going(book, dispatch)
    book.tell(kinds.ExtensionRefused, dispatch, to=to, at=at, due=dispatch.finish_due, key=key)


def recount(book: Book, whistle: Whistle) -> None:
    """As `enforcement.services.clocks.recount`. Only a lead has extensions, so that one key does for them all."""
    parts = book.parts[whistle.request_id]
    granted = [step_in(one) for one in book.extensions if one.dispatch in parts and one.state == "granted"]
    ended = [one for one in book.suspensions if one.whistle is whistle and one.state == Suspension.State.ENDED]
    course = Course(
        rules=book.clocks.rules[whistle.kind],
        paused=[(one.decided_at, one.ended_at) for one in ended if one.decided_at and one.ended_at],
        granted={part.pk: granted for part in parts},
        given_back={},
        assemble_at=whistle.assemble_at,
    )
    for part in parts:
        if part.is_open:
            put(part, count(part, course))
            run_clock(part)
    put(whistle, count_whistle(whistle, parts, course))
    follow(book, whistle)


def _decide(extension: Extension, state: str, *, by: User, at: datetime, decision: str = "") -> None:
    extension.state, extension.decision = state, decision
    extension.decided_at, extension.decided_by = at, by
