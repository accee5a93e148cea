"""Whistles: submitted, approved (the clocks start here), confirmed afterwards, sent back once, closed.

Locks are taken parent first: event, whistle, dispatches.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from enforcement.models import Dispatch, Event, Whistle
from enforcement.rules.deadlines import rework_step
from enforcement.services import check as checks
from enforcement.services import event as events
from enforcement.services.clocks import alarm, confirmation_alarm, own_alarm, recount
from enforcement.services.labels import desk_word, late_mark, minute_words
from enforcement.services.limit import whistle_clocks
from enforcement.services.messages import department_people, dispatch_message, whistle_message
from enforcement.services.pending import end_pending
from enforcement.services.rating import Rating, is_too_late
from enforcement.services.sending import blow, department_words, send, started
from notifications import kinds
from notifications.services.outbox import notify, notify_many
from records.models import Stage
from records.services import Refused, advance, advance_locked, lock, once, record
from townships import people
from townships.models import Unit


def submit(
    event: Event,
    *,
    by: Any,
    request_id: UUID,
    seen_state: str,
    kind: str,
    facts: str,
    why: str,
    why_text: str,
    lead: Unit,
    helpers: Sequence[Unit] = (),
) -> Whistle:
    """Submit to the township's leaders; an emergency goes at once and is confirmed afterwards. Twice is once."""
    departments = [lead, *(unit for unit in helpers if unit.pk != lead.pk)]
    whistle = Whistle(
        event=event,
        by_unit=event.township,
        kind=kind,
        title=event.title,
        facts=facts,
        why=why,
        why_text=why_text,
        departments=[unit.pk for unit in departments],
        submitted_by=by,
        request_id=request_id,
    )
    create = partial(blow, whistle, departments, by=by, seen_state=seen_state)
    same = {"submitted_by": by, "event_id": event.pk, "kind": kind, "facts": facts, "departments": whistle.departments}
    return once(Whistle, request_id, create, **same)


@transaction.atomic
def approve(whistle: Whistle, *, by: Any, seen_state: str) -> None:
    """The leader approves: the clocks start, each department gets its dispatch, the liaisons are told."""
    now = timezone.now()
    lock(whistle, seen_state=seen_state)
    clocks = whistle_clocks(whistle.kind, now)
    departments = asked_departments(whistle)
    _refuse_closed(whistle, departments, timezone.localdate(now))
    _refuse_missed(whistle, now)
    fields, dues = started(whistle, clocks, now)
    advance_locked(
        whistle,
        Whistle.State.SIGNING,
        by=by,
        verb="whistle_approved",
        what=f"批准吹哨，{department_words(departments)}",
        stage=Stage.DISPATCH,
        data={name: value.isoformat() for name, value in fields.items() if isinstance(value, datetime)},
        approved_at=now,
        approved_by=by,
        claimed_at=None,
        claimed_by=None,
        **fields,
    )
    approved = whistle_message(kinds.WhistleApproved, whistle, whistle.finish_due)
    send(whistle, departments, dues, by=by, told=approved, role=people.desk_role(whistle.by_unit))


@transaction.atomic
def confirm_emergency(whistle: Whistle, *, by: Any) -> None:
    """The leader confirms, afterwards, an emergency that went at once."""
    lock(whistle)
    if not whistle.awaits_confirmation:
        raise Refused(whistle, "这张应急哨已经事后确认过，不用再确认。")
    whistle.approved_at, whistle.approved_by = timezone.now(), by
    whistle.claimed_at = whistle.claimed_by = None
    whistle.alarm_at = own_alarm(whistle)
    whistle.save(update_fields=["approved_at", "approved_by", "claimed_at", "claimed_by", "alarm_at", "changed_at"])
    late = late_mark(whistle.approved_at, whistle.confirm_due)
    record(whistle, "emergency_confirmed", by=by, what=f"事后确认应急哨{late}", stage=Stage.DISPATCH)


@transaction.atomic
def reject(whistle: Whistle, *, by: Any, seen_state: str, reason: str) -> None:
    """Not approved: the event goes back to the desk, which may settle it or submit again."""
    lock_event(whistle)
    now = timezone.now()
    advance(
        whistle,
        Whistle.State.REJECTED,
        by=by,
        verb="whistle_rejected",
        what=f"未批准吹哨，退回{desk_word(whistle.by_unit)}",
        stage=Stage.FILE,
        seen_state=seen_state,
        rejected_at=now,
        rejected_by=by,
        rejection=reason,
        next_due=None,
        alarm_at=None,
    )
    give_back_event(whistle, by=by, what="吹哨未获批准，回到已核实")
    to = people.desk(whistle.by_unit)
    notify(whistle_message(kinds.WhistleRejected, whistle, None), to=to, key=f"whistle_rejected:{whistle.pk}")


@transaction.atomic
def close(whistle: Whistle, *, by: Any, seen_state: str, ratings: Mapping[int, Rating] | None = None) -> None:
    """The whistling unit confirms: whistle, dispatches and event are closed.

    `ratings`: dispatch id → what is said of it, given or not; after `eval_due` none is taken any more.
    """
    lock_event(whistle)
    lock(whistle, seen_state=seen_state)
    _refuse_while_reworking(whistle)
    now = timezone.now()
    late = late_mark(now, whistle.eval_due)
    given = {} if is_too_late(whistle, now) else ratings or {}
    advance_locked(
        whistle,
        Whistle.State.CLOSED,
        by=by,
        verb="whistle_closed",
        what=f"确认办结{late}",
        stage=Stage.CLOSE,
        closed_at=now,
        closed_by=by,
        next_due=None,
        alarm_at=confirmation_alarm(whistle),
    )
    dispatches = locked_dispatches(whistle)
    result = _result(dispatches)
    for dispatch in dispatches:
        _close_dispatch(dispatch, by=by, rating=given.get(dispatch.pk), at=now)
    end_pending(whistle)
    if whistle.event:
        events.close_after_whistle(whistle.event, by=by, result=result)
    _tell_departments(whistle, dispatches)


@transaction.atomic
def rework(dispatch: Dispatch, *, by: Any, seen_state: str, reason: str) -> None:
    """Send a department's report back, once, with a reason: half the kind's finish limit, rounded up (domain D1)."""
    whistle = dispatch.whistle
    lock(whistle)
    if whistle.state != Whistle.State.REPORTED:
        raise Refused(dispatch, "主办部门反馈之后、确认办结之前才能退回返工。")
    lock(dispatch, seen_state=seen_state)
    if dispatch.rework_at is not None:
        raise Refused(dispatch, "这个部门已经返工过一次，不能再退回；请确认办结或留言说明。")
    now = timezone.now()
    clocks = whistle_clocks(whistle.kind, dispatch.sent_at)
    step = rework_step(clocks.limits.finish)
    clock = clocks.due(now, step)
    advance_locked(
        dispatch,
        Dispatch.State.REWORK,
        by=by,
        verb="dispatch_rework",
        what=f"退回{dispatch.department}返工，时限 {step}",
        stage=Stage.CLOSE,
        rework_at=now,
        rework_by=by,
        rework_reason=reason,
        rework_due=clock.at,
        next_due=clock.at,
        alarm_at=alarm(now, clock.at),
        claimed_at=None,
        claimed_by=None,
    )
    if dispatch.is_lead:
        checks.end(whistle)
    recount(whistle)
    dispatch.refresh_from_db(fields=["rework_due", "next_due", "provisional"])
    message = dispatch_message(kinds.ReworkAsked, dispatch)
    notify(message, to=department_people(dispatch), key=f"rework_asked:{dispatch.pk}")


def lock_event(whistle: Whistle) -> None:
    """The first lock of every verb that touches the event too; a joint action has none."""
    if whistle.event:
        lock(whistle.event)


def locked_dispatches(whistle: Whistle) -> list[Dispatch]:
    """Those still open, in the order of their ids, locked."""
    rows = whistle.dispatches.filter(state__in=Dispatch.OPEN).select_related("department", "assigned_officer")
    return list(rows.select_for_update(of=("self",), no_key=True).order_by("id"))


def give_back_event(whistle: Whistle, *, by: Any, what: str) -> None:
    """Nobody else is on it any more: the event is the desk's again."""
    if whistle.event:
        advance(
            whistle.event,
            Event.State.VERIFIED,
            by=by,
            verb="event_returned",
            what=what,
            stage=Stage.FILE,
            next_due=whistle.event.accept_due,
            alarm_at=alarm(whistle.event.waits_since, whistle.event.accept_due),
        )


def asked_departments(whistle: Whistle) -> list[Unit]:
    """Who is asked for, whether or not it has been sent yet: the lead first. One query."""
    units = Unit.objects.in_bulk(whistle.departments)
    return [units[pk] for pk in whistle.departments]


# --- inside ---------------------------------------------------------------------------------------------------------
def _refuse_closed(whistle: Whistle, departments: Sequence[Unit], today: date) -> None:
    """A department may be closed between the asking and the approval; nobody there would take the dispatch up."""
    for unit in departments:
        if unit.valid_to is not None and unit.valid_to < today:
            heir = f"，由{unit.successor}承接" if unit.successor else ""
            back = f"请选“不批准”退回{desk_word(whistle.by_unit)}，改请现在的单位后重新提交。"
            raise Refused(whistle, f"{unit}已停用{heir}，没有发出。{back}")


def _refuse_missed(whistle: Whistle, now: datetime) -> None:
    """Nobody is called to an assembly that is over."""
    if whistle.assemble_at and whistle.assemble_at <= now:
        back = f"请选“不批准”退回{desk_word(whistle.by_unit)}，改好集合时间后重新提交。"
        raise Refused(whistle, f"集合时间 {minute_words(whistle.assemble_at)} 已过，没有发出。{back}")


def _refuse_while_reworking(whistle: Whistle) -> None:
    """The lead's rework takes the whistle out of 待评价; a helper's does not, and is waited for all the same."""
    reworking = whistle.dispatches.filter(state=Dispatch.State.REWORK).select_related("department")
    if names := "、".join(str(dispatch.department) for dispatch in reworking):
        raise Refused(whistle, f"{names}正在返工，反馈后再确认办结。")


def _result(dispatches: Sequence[Dispatch]) -> str:
    """How it ended, for the reporter: the closed word of the lead's last report, never its text."""
    lead = next(dispatch for dispatch in dispatches if dispatch.is_lead)
    last = lead.reports.filter(kind="final").order_by("-id").first()
    return f"{lead.department}：{last.get_result_display()}" if last else f"{lead.department}已处置"


def _close_dispatch(dispatch: Dispatch, *, by: Any, rating: Rating | None, at: datetime) -> None:
    rated = rating.fields(by) if rating and dispatch.arrived_at else {}
    is_reported = dispatch.state == Dispatch.State.REPORTED
    what = f"确认{dispatch.department}办结" if is_reported else f"哨单办结，{dispatch.department}未反馈"
    advance(
        dispatch,
        Dispatch.State.CLOSED,
        by=by,
        verb="dispatch_closed",
        what=what,
        stage=Stage.EVALUATE if rated else Stage.CLOSE,
        closed_at=at,
        next_due=None,
        return_due=None,
        alarm_at=None,
        **rated,
    )


def _tell_departments(whistle: Whistle, dispatches: Sequence[Dispatch]) -> None:
    desks = people.told({dispatch.department_id: people.desk_role(dispatch.department) for dispatch in dispatches})
    told = []
    for dispatch in dispatches:
        to = {user.pk: user for user in desks[dispatch.department_id]}
        if dispatch.assigned_officer:
            to[dispatch.assigned_officer.pk] = dispatch.assigned_officer
        dispatch.whistle, dispatch.by_unit = whistle, whistle.by_unit
        told.append((dispatch_message(kinds.DispatchClosed, dispatch), to.values(), f"dispatch_closed:{dispatch.pk}"))
    notify_many(told)
