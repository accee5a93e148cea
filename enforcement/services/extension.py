"""延期: the lead asks for more time before its own is over; the command room answers, a second time the guidance office."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from enforcement.models import Dispatch, Extension, Report
from enforcement.permissions import can_answer_extension, can_ask_extension
from enforcement.rules import extension as rules
from enforcement.rules.deadlines import Step, extension_step
from enforcement.services.clocks import Course, course_of, finish_after, follow, recount
from enforcement.services.labels import desk_word, minute_words
from enforcement.services.messages import department_people, dispatch_message
from notifications import kinds
from notifications.services.outbox import notify
from records.models import Stage
from records.services import Refused, WrongState, lock, once, record
from townships import people
from townships.worktime import Due

ASKABLE = ("signed", "arrived")
ANSWERS = ("extension_granted", "extension_refused")


def ask(dispatch: Dispatch, *, by: Any, request_id: UUID, reason: str) -> Extension:
    """Ask once more for half the kind's finish limit; whoever answers is told. Twice is once."""

    def create() -> Extension:
        lock(dispatch.whistle)
        lock(dispatch)
        now = timezone.now()
        if dispatch.state not in ASKABLE:
            raise WrongState(dispatch)
        if sentence := refusal(dispatch, now):
            raise Refused(dispatch, sentence)
        step = step_of(dispatch, course_of(dispatch.whistle))
        made = Extension.objects.create(
            dispatch=dispatch,
            turn=dispatch.extensions.count() + 1,
            reason=reason,
            unit=step.unit,
            amount=step.amount,
            asked_at=now,
            asked_by=by,
            request_id=request_id,
        )
        what = f"{dispatch.department}申请延期 {step}，等{answerer(made)}答复"
        record(dispatch, "extension_asked", by=by, what=what, stage=Stage.HANDLE)
        to = people.desk(dispatch.by_unit) if made.turn == Extension.FIRST else people.guidance_office()
        message = dispatch_message(kinds.ExtensionAsked, dispatch)
        notify(message, to=to, key=f"extension_asked:{made.pk}")
        follow(dispatch.whistle)  # what waits there has changed
        return made

    return once(Extension, request_id, create, asked_by=by, dispatch_id=dispatch.pk, reason=reason)


@transaction.atomic
def grant(extension: Extension, *, by: Any, decision: str = "") -> None:
    """More time: everything is counted anew, from where the finish stood, however late the answer comes."""
    dispatch = _locked(extension)
    before = finish_of(dispatch)
    _decide(extension, Extension.State.GRANTED, by=by, decision=decision)
    recount(dispatch.whistle)
    dispatch.refresh_from_db(fields=["finish_due", "next_due", "alarm_at", "provisional"])
    _forgive(dispatch)
    after = finish_of(dispatch)
    record(
        dispatch,
        "extension_granted",
        by=by,
        what=f"同意{dispatch.department}延期 {step_in(extension)}，办结期限 {moved(before, after)}",
        stage=Stage.HANDLE,
        data={"before": before.isoformat(), "after": after.isoformat()},
    )
    message = dispatch_message(kinds.ExtensionGranted, dispatch)
    notify(message, to=department_people(dispatch), key=f"extension_granted:{extension.pk}")


@transaction.atomic
def refuse(extension: Extension, *, by: Any, decision: str) -> None:
    """No more time, with a word why: the clock has run on."""
    dispatch = _locked(extension)
    _decide(extension, Extension.State.REFUSED, by=by, decision=decision)
    what = f"不同意{dispatch.department}延期，办结期限不变"
    record(dispatch, "extension_refused", by=by, what=what, stage=Stage.HANDLE)
    message = dispatch_message(kinds.ExtensionRefused, dispatch)
    notify(message, to=department_people(dispatch), key=f"extension_refused:{extension.pk}")
    follow(dispatch.whistle)


def refusal(dispatch: Dispatch, now: datetime) -> str:
    """Why this lead may not ask now, in a sentence; empty where it may."""
    return _refusal(dispatch, list(dispatch.extensions.values_list("state", flat=True)), now)


def _refusal(dispatch: Dispatch, states: Sequence[str], now: datetime) -> str:
    standing = rules.Standing(
        kind=dispatch.whistle.kind,
        finish_due=finish_of(dispatch),
        asked=len(states),
        is_open=Extension.State.ASKED in states,
        is_reworked=dispatch.rework_at is not None,
    )
    return rules.refusal(standing, now)


def step_of(dispatch: Dispatch, course: Course) -> Step:
    """By how much an extension would put off this finish: by the limits of the day from which it leads."""
    return extension_step(course.rules_on(dispatch.lead_at or dispatch.sent_at).limits.finish)


def step_in(extension: Extension) -> Step:
    return Step(extension.unit, extension.amount)


def finish_of(dispatch: Dispatch) -> datetime:
    """Its stored finish; a lead has one."""
    if dispatch.finish_due is None:
        raise ValueError("a helper has no finish of its own")
    return dispatch.finish_due


def moved(before: datetime, after: datetime) -> str:
    """12 月 3 日 23:59 → 12 月 9 日 23:59."""
    return f"{minute_words(before)} → {minute_words(after)}"


def answerer(extension: Extension) -> str:
    """Who answers, in a word."""
    return desk_word(extension.dispatch.by_unit) if extension.turn == Extension.FIRST else "指导办"


# --- inside ---------------------------------------------------------------------------------------------------------
def _locked(extension: Extension) -> Dispatch:
    """Whistle, dispatch and extension, locked in this order. Refused where it has been answered, or has ended."""
    dispatch = extension.dispatch
    lock(dispatch.whistle)
    lock(dispatch)
    lock(extension)
    if extension.state != Extension.State.ASKED:
        raise WrongState(dispatch, ANSWERS)
    return dispatch


def _decide(extension: Extension, state: str, *, by: Any, decision: str) -> None:
    extension.state, extension.decided_at, extension.decided_by = state, timezone.now(), by
    extension.decision = decision
    extension.save(update_fields=["state", "decided_at", "decided_by", "decision"])


def _forgive(dispatch: Dispatch) -> None:
    """It was asked in time: a first report that came while the answer was awaited is late only after the new limit."""
    reports = dispatch.reports.filter(kind=Report.Kind.FINAL, at__lte=dispatch.finish_due)
    if dispatch.rework_at:
        reports = reports.filter(at__lt=dispatch.rework_at)
    reports.update(is_late=False)


# --- what a page says of it -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Outlook:
    """Of one dispatch, for one reader. `after`: the finish if what waits, or what may be asked for, were granted."""

    rows: list[tuple[Extension, Step]]
    pending: Extension | None
    answerer: str
    can_answer: bool
    can_ask: bool
    refusal: str  # why it may not be asked for, for whoever could
    step: Step | None
    after: Due | None


NOTHING = Outlook([], None, "", can_answer=False, can_ask=False, refusal="", step=None, after=None)


def outlook(user: Any, dispatch: Dispatch, now: datetime) -> Outlook:
    """One query for a lead; those of the forecast where there is something to decide."""
    if not dispatch.is_lead:
        return NOTHING
    rows = list(dispatch.extensions.select_related("asked_by").order_by("turn"))
    for row in rows:
        row.dispatch = dispatch
    pending = next((row for row in rows if row.state == Extension.State.ASKED), None)
    may_ask = can_ask_extension(user, dispatch)
    why_not = _refusal(dispatch, [row.state for row in rows], now) if may_ask else ""
    can_ask = may_ask and not why_not
    course = course_of(dispatch.whistle) if pending or can_ask else None
    step = step_in(pending) if pending else step_of(dispatch, course) if course else None
    return Outlook(
        rows=[(row, step_in(row)) for row in rows],
        pending=pending,
        answerer=answerer(pending) if pending else "",
        can_answer=pending is not None and can_answer_extension(user, pending),
        can_ask=can_ask,
        refusal="" if pending else why_not,
        step=step,
        after=finish_after(dispatch, course, step) if course and step else None,
    )


@dataclass(frozen=True)
class Waiting:
    """One that waits for its answer, on the whistle's page."""

    dispatch: Dispatch
    answered_by: str
    is_mine: bool


def waiting(user: Any, dispatches: Iterable[Dispatch]) -> Waiting | None:
    """That of the lead among one whistle's dispatches, if it has asked. One query."""
    by_id = {one.pk: one for one in dispatches}
    found = Extension.objects.filter(dispatch__in=by_id, state=Extension.State.ASKED).first()
    if found is None:
        return None
    found.dispatch = by_id[found.dispatch_id]
    return Waiting(found.dispatch, answerer(found), can_answer_extension(user, found))
