"""挂账: all clocks of a whistle stand still until a day, and go on where they stood: none loses a minute, none gains one.

Asked for by the lead or the whistling unit, approved by that unit's leader, ended by its desk or by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from enforcement.models import Dispatch, Return, Suspension, Whistle
from enforcement.permissions import can_ask_suspension, can_decide_suspension, can_resume
from enforcement.rules.clocks import whistle_state
from enforcement.services.clocks import follow, part_of, recount
from enforcement.services.labels import day_words, voice
from enforcement.services.messages import department_people, dispatch_message, whistle_message
from enforcement.services.whistle import locked_dispatches
from notifications import kinds
from notifications.services.outbox import Notice, notify, notify_many
from records.models import Stage
from records.services import Refused, WrongState, advance, lock, once, record
from townships import people
from townships.rules.worktime import END_OF_DAY
from townships.worktime import to_aware

RETURNING = "有部门在退哨，裁定之后再挂账。"


def ask(whistle: Whistle, *, by: Any, request_id: UUID, reason: str, text: str, until: date) -> Suspension:
    """Ask for it; the leaders are told. Twice is once."""
    resume_due = end_of(until)

    def create() -> Suspension:
        lock(whistle)
        if whistle.state not in Whistle.UNDERWAY:
            raise WrongState(whistle)
        if sentence := refusal(whistle):
            raise Refused(whistle, sentence)
        made = Suspension.objects.create(
            whistle=whistle,
            reason=reason,
            text=text,
            resume_due=resume_due,
            asked_by=by,
            asked_office=by.office,
            request_id=request_id,
        )
        what = (
            f"申请挂账到 {day_words(resume_due)}：{made.get_reason_display()}，等{voice(whistle.by_unit).leaders}批准"
        )
        record(whistle, "suspension_asked", by=by, what=what, stage=Stage.HANDLE)
        message = whistle_message(kinds.SuspensionAsked, whistle, whistle.next_due)
        notify(message, to=people.leaders(whistle.by_unit), key=f"suspension_asked:{made.pk}")
        follow(whistle)  # what waits there has changed
        return made

    same = {"asked_by": by, "whistle_id": whistle.pk, "reason": reason, "text": text, "resume_due": resume_due}
    return once(Suspension, request_id, create, **same)


@transaction.atomic
def approve(suspension: Suspension, *, by: Any, decision: str = "") -> None:
    """The clocks stand still: whatever a department has in hand waits, in the state to which it will come back."""
    whistle = suspension.whistle
    lock(whistle)
    dispatches = locked_dispatches(whistle)
    _lock_asked(suspension)
    now = timezone.now()
    _refuse_late(suspension, dispatches, now)
    _decide(suspension, Suspension.State.RUNNING, by=by, decision=decision, at=now)
    halted = [dispatch for dispatch in dispatches if dispatch.state in Dispatch.IN_HAND]
    for dispatch in halted:
        advance(
            dispatch,
            Dispatch.State.SUSPENDED,
            by=by,
            verb="dispatch_suspended",
            what=f"{dispatch.department}暂停计时",
            stage=Stage.HANDLE,
            suspended_from=dispatch.state,
            next_due=None,
            alarm_at=None,
        )
    until = day_words(suspension.resume_due)
    advance(
        whistle,
        Whistle.State.SUSPENDED,
        by=by,
        verb="whistle_suspended",
        what=f"批准挂账，暂停计时到 {until}：{suspension.get_reason_display()}",
        stage=Stage.HANDLE,
        data={"resume_due": suspension.resume_due.isoformat()},
        resume_due=suspension.resume_due,
        next_due=suspension.resume_due,
        alarm_at=None,
    )
    _tell_all(kinds.WhistleSuspended, suspension, halted)


@transaction.atomic
def refuse(suspension: Suspension, *, by: Any, decision: str) -> None:
    """Not suspended, with a word why: the clocks have run on."""
    whistle = suspension.whistle
    lock(whistle)
    _lock_asked(suspension)
    _decide(suspension, Suspension.State.REFUSED, by=by, decision=decision, at=timezone.now())
    record(whistle, "suspension_refused", by=by, what="未批准挂账，计时没有停", stage=Stage.HANDLE)
    lead = whistle.dispatches.select_related("department").get(is_lead=True, state__in=Dispatch.OPEN)
    told = {user.pk: user for user in (*people.desk(whistle.by_unit), suspension.asked_by)}
    key = f"suspension_refused:{suspension.pk}"
    notify_many(
        [
            (whistle_message(kinds.SuspensionRefused, whistle, whistle.next_due), told.values(), key),
            (dispatch_message(kinds.SuspensionRefused, lead), _others(lead, told), f"{key}:{lead.pk}"),
        ]
    )
    follow(whistle)


@transaction.atomic
def resume(whistle: Whistle, *, by: Any, seen_state: str = Whistle.State.SUSPENDED) -> None:
    """恢复: each dispatch is again where it was, and every due time is counted anew. `by` is None when it ends by itself."""
    lock(whistle, seen_state=seen_state)
    dispatches = locked_dispatches(whistle)
    running = Suspension.objects.select_for_update(no_key=True).filter(whistle=whistle, state=Suspension.State.RUNNING)
    suspension = running.first()
    if suspension is None:
        raise WrongState(whistle)
    suspension.whistle = whistle
    suspension.state, suspension.ended_at, suspension.ended_by = Suspension.State.ENDED, timezone.now(), by
    suspension.save(update_fields=["state", "ended_at", "ended_by"])
    halted = [dispatch for dispatch in dispatches if dispatch.state == Dispatch.State.SUSPENDED]
    for dispatch in halted:
        advance(
            dispatch,
            dispatch.suspended_from,
            by=by,
            verb="dispatch_resumed",
            what=f"{dispatch.department}继续计时",
            stage=Stage.HANDLE,
            suspended_from="",
        )
    advance(
        whistle,
        whistle_state([part_of(dispatch) for dispatch in dispatches]),
        by=by,
        verb="whistle_resumed",
        what="恢复办理，各期限顺延" if by else "挂账到期，自动恢复办理，各期限顺延",
        stage=Stage.HANDLE,
        resume_due=None,
    )
    recount(whistle)
    for dispatch in halted:
        dispatch.refresh_from_db(fields=["next_due"])
    _tell_all(kinds.WhistleResumed, suspension, halted)


def resume_due_ones(now: datetime | None = None) -> int:
    """Resume what has stood still until its day was over. How many; harmless to call again, or twice at once."""
    over = (now or timezone.now()) - timedelta(seconds=1)  # the whole of the day, its last second included
    found = Suspension.objects.filter(state=Suspension.State.RUNNING, resume_due__lte=over)
    resumed = 0
    for suspension in found.select_related("whistle").order_by("resume_due", "id"):
        try:
            resume(suspension.whistle, by=None)
        except Refused:  # the desk, or another worker, was faster
            continue
        resumed += 1
    return resumed


def refusal(whistle: Whistle) -> str:
    """Why it may not be asked for now, in a sentence; empty where it may."""
    if Suspension.objects.filter(whistle=whistle, state__in=Suspension.OPEN).exists():
        return "已经申请挂账，等批准。"
    return _refusal_for_returns(whistle)


def _refusal_for_returns(whistle: Whistle) -> str:
    is_returning = Return.objects.filter(dispatch__whistle=whistle, state__in=Return.OPEN).exists()
    return RETURNING if is_returning else ""


def end_of(day: date) -> datetime:
    return to_aware(datetime.combine(day, END_OF_DAY))


# --- inside ---------------------------------------------------------------------------------------------------------
def _lock_asked(suspension: Suspension) -> None:
    lock(suspension)
    if suspension.state != Suspension.State.ASKED:
        raise WrongState(suspension.whistle, ["suspension_refused"])


def _refuse_late(suspension: Suspension, dispatches: Sequence[Dispatch], now: datetime) -> None:
    """What was true when it was asked for may not be so when it is approved."""
    whistle = suspension.whistle
    if whistle.state not in Whistle.UNDERWAY:
        raise Refused(whistle, f"哨单现在是“{whistle.get_state_display()}”，不用再挂账；请选“不批准”。")
    if any(dispatch.state in ("returning", "arbitration") for dispatch in dispatches):
        raise Refused(whistle, RETURNING)
    if suspension.resume_due <= now:
        raise Refused(whistle, "申请的恢复期限已过，没有挂账；请选“不批准”，需要的再申请一次。")


def _decide(suspension: Suspension, state: str, *, by: Any, decision: str, at: datetime) -> None:
    suspension.state, suspension.decided_at, suspension.decided_by = state, at, by
    suspension.decision = decision
    suspension.save(update_fields=["state", "decided_at", "decided_by", "decision"])


def _tell_all(kind: type[kinds.Kind], suspension: Suspension, dispatches: Sequence[Dispatch]) -> None:
    """The whistling unit's desk, whoever asked, and each department on its own dispatch; nobody twice."""
    whistle = suspension.whistle
    told = {user.pk: user for user in people.desk(whistle.by_unit)}
    key = f"{kind.code()}:{suspension.pk}"
    notices: list[Notice] = [(whistle_message(kind, whistle, whistle.next_due), list(told.values()), key)]
    for dispatch in dispatches:
        dispatch.whistle, dispatch.by_unit = whistle, whistle.by_unit
        notices.append((dispatch_message(kind, dispatch), _others(dispatch, told), f"{key}:{dispatch.pk}"))
    notify_many(notices)


def _others(dispatch: Dispatch, told: dict[int, Any]) -> list[Any]:
    """The department's people, save those who hear of it already."""
    return [user for user in department_people(dispatch) if user.pk not in told]


# --- what a page says of it -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Outlook:
    """Of one whistle, for one reader."""

    running: Suspension | None
    pending: Suspension | None
    past: list[Suspension]
    can_decide: bool
    can_resume: bool
    can_ask: bool
    refusal: str  # why it may not be asked for, for whoever could


def outlook(user: Any, whistle: Whistle) -> Outlook:
    """Two queries, one more for the desk of a department."""
    rows = list(Suspension.objects.filter(whistle=whistle).order_by("id"))
    for row in rows:
        row.whistle = whistle
    found = {row.state: row for row in rows if row.state in Suspension.OPEN}
    pending = found.get(Suspension.State.ASKED)
    may_ask = pending is None and can_ask_suspension(user, whistle)
    why_not = _refusal_for_returns(whistle) if may_ask else ""  # that none is open, the rows say
    return Outlook(
        running=found.get(Suspension.State.RUNNING),
        pending=pending,
        past=[row for row in rows if row.state not in Suspension.OPEN],
        can_decide=pending is not None and can_decide_suspension(user, pending),
        can_resume=can_resume(user, whistle),
        can_ask=may_ask and not why_not,
        refusal=why_not,
    )
