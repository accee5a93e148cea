"""`enforcement.services.whistle` and `sending` on unsaved rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from command_room.demo.book import Book
from command_room.demo.cast import Department, Town
from command_room.demo.verbs import check as checks
from command_room.demo.verbs import event as events
from enforcement.models import Dispatch, Event, Report, Whistle
from enforcement.rules.clocks import whistle_next_due, whistle_state
from enforcement.rules.deadlines import rework_step
from enforcement.services.clocks import alarm, confirmation_alarm, own_alarm, part_of
from enforcement.services.labels import late_mark
from enforcement.services.rating import Rating, is_too_late
from enforcement.services.sending import department_words
from notifications import kinds
from notifications.kinds import Kind
from records.models import Stage
from townships.models import Unit, User


def submit(
    book: Book,
    event: Event,
    *,
    by: User,
    at: datetime,
    town: Town,
    kind: str,
    facts: str,
    why: str,
    why_text: str,
    units: Sequence[Unit],
) -> Whistle:
    """`units`: the lead first."""
    _mark_event(book, event, by=by, at=at)
    whistle = Whistle(
        event=event,
        by_unit=event.township,
        kind=kind,
        title=event.title,
        facts=facts,
        why=why,
        why_text=why_text,
        departments=[unit.pk for unit in units],
        submitted_at=at,
        submitted_by=by,
        request_id=book.request_id(),
    )
    return blow(book, whistle, units, by=by, town=town)


def blow(book: Book, whistle: Whistle, units: Sequence[Unit], *, by: User, town: Town | Department) -> Whistle:
    book.whistles.append(whistle)
    send = _go_at_once if whistle.kind == Whistle.Kind.EMERGENCY else _to_leaders
    send(book, whistle, units, by=by, town=town)
    return whistle


def approve(
    book: Book, whistle: Whistle, *, by: User, at: datetime, town: Town | Department, units: Sequence[Unit]
) -> None:
    fields, lead = _started(book, whistle, at)
    book.advance(
        whistle,
        Whistle.State.SIGNING,
        by=by,
        at=at,
        verb="whistle_approved",
        what=f"批准吹哨，{department_words(units)}",
        stage=Stage.DISPATCH,
        data={name: value.isoformat() for name, value in fields.items() if isinstance(value, datetime)},
        approved_at=at,
        approved_by=by,
        claimed_at=None,
        claimed_by=None,
        **fields,
    )
    _send(book, whistle, units, lead, by=by, at=at)
    book.tell(kinds.WhistleApproved, whistle, to=town.duty, at=at, due=whistle.finish_due)


def confirm_emergency(book: Book, whistle: Whistle, *, by: User, at: datetime) -> None:
    whistle.approved_at, whistle.approved_by = at, by
    whistle.claimed_at = whistle.claimed_by = None
    whistle.alarm_at = own_alarm(whistle)
    late = late_mark(at, whistle.confirm_due)
    book.line(whistle, "emergency_confirmed", by=by, at=at, what=f"事后确认应急哨{late}", stage=Stage.DISPATCH)


def reject(book: Book, whistle: Whistle, *, by: User, at: datetime, town: Town, reason: str) -> None:
    book.advance(
        whistle,
        Whistle.State.REJECTED,
        by=by,
        at=at,
        verb="whistle_rejected",
        what="未批准吹哨，退回指挥室",
        stage=Stage.FILE,
        rejected_at=at,
        rejected_by=by,
        rejection=reason,
        next_due=None,
        alarm_at=None,
    )
    give_back(book, whistle, by=by, at=at, what="吹哨未获批准，回到已核实")
    book.tell(kinds.WhistleRejected, whistle, to=town.duty, at=at, due=None)


def give_back(book: Book, whistle: Whistle, *, by: User, at: datetime, what: str) -> None:
    """The event is the desk's again; a joint action has none."""
    if whistle.event:
        book.advance(
            whistle.event,
            Event.State.VERIFIED,
            by=by,
            at=at,
            verb="event_returned",
            what=what,
            stage=Stage.FILE,
            next_due=whistle.event.accept_due,
            alarm_at=alarm(whistle.event.reported_at, whistle.event.accept_due),
        )


def rework(book: Book, dispatch: Dispatch, *, by: User, at: datetime, reason: str) -> None:
    whistle = dispatch.whistle
    rules = book.clocks.rules[whistle.kind]
    step = rework_step(rules.limits.finish)
    clock = book.clocks.due(at, step)
    book.advance(
        dispatch,
        Dispatch.State.REWORK,
        by=by,
        at=at,
        verb="dispatch_rework",
        what=f"退回{dispatch.department}返工，时限 {step}",
        stage=Stage.CLOSE,
        rework_at=at,
        rework_by=by,
        rework_reason=reason,
        rework_due=clock.at,
        next_due=clock.at,
        alarm_at=alarm(at, clock.at),
        provisional=[*dispatch.provisional, *(["rework_due"] if clock.provisional else [])],
    )
    after = book.clocks.due(clock.at, rules.eval_step)
    if whistle.eval_due is not None and after.at > whistle.eval_due:
        whistle.eval_due = after.at
        if clock.provisional or after.provisional:
            whistle.provisional = sorted({*whistle.provisional, "eval_due"})
    follow(book, whistle)
    if dispatch.is_lead:
        checks.end(book, whistle)
    tell_department(book, kinds.ReworkAsked, dispatch, at=at)


def close(
    book: Book, whistle: Whistle, *, by: User, at: datetime, ratings: Mapping[int, Rating], last_report: Report
) -> None:
    """`ratings`: the position of a dispatch → what is said of it; `last_report` is the lead's."""
    late = late_mark(at, whistle.eval_due)
    book.advance(
        whistle,
        Whistle.State.CLOSED,
        by=by,
        at=at,
        verb="whistle_closed",
        what=f"确认办结{late}",
        stage=Stage.CLOSE,
        closed_at=at,
        closed_by=by,
        next_due=None,
        alarm_at=confirmation_alarm(whistle),
    )
    given = {} if is_too_late(whistle, at) else ratings
    parts = book.parts[whistle.request_id]
    for index, dispatch in enumerate(parts):
        _close_dispatch(book, dispatch, by=by, at=at, rating=given.get(index))
    checks.end(book, whistle)
    lead = parts[0].department
    result = f"{lead}：{last_report.get_result_display()}"
    if whistle.event:
        events.close(book, whistle.event, by=by, at=at, result=result, what="部门处置，镇街确认办结")


def follow(book: Book, whistle: Whistle) -> None:
    parts = [part_of(dispatch) for dispatch in book.parts[whistle.request_id]]
    if whistle.eval_due is None:
        raise ValueError("a whistle that was sent has its clocks")
    whistle.state = whistle_state(parts)
    whistle.next_due = whistle_next_due(parts, whistle.eval_due, whistle.resume_due)
    whistle.alarm_at = own_alarm(whistle)


def tell_department(book: Book, kind: type[Kind], dispatch: Dispatch, *, at: datetime, key: str = "") -> None:
    """`going`, of the clock that runs next."""
    book.tell(kind, dispatch, to=going(book, dispatch), at=at, due=dispatch.next_due, key=key)


def going(book: Book, dispatch: Dispatch) -> list[User]:
    """The liaisons, and whoever goes."""
    department = book.cast.side(dispatch.department)
    told = list(department.duty)
    if dispatch.assigned_unit and isinstance(department, Department):
        told += department.stations[dispatch.by_unit.pk][1]
    if dispatch.assigned_officer:
        told.append(dispatch.assigned_officer)
    return told


# --- inside ---------------------------------------------------------------------------------------------------------
def _mark_event(book: Book, event: Event, *, by: User, at: datetime) -> None:
    events.mark_verified(event, by=by, at=at)
    book.advance(
        event,
        Event.State.WHISTLED,
        by=by,
        at=at,
        verb="event_whistled",
        what="转为吹哨办理",
        stage=Stage.FILE,
        next_due=None,
        alarm_at=None,
        claimed_at=None,
        claimed_by=None,
    )


def _to_leaders(book: Book, whistle: Whistle, units: Sequence[Unit], *, by: User, town: Town | Department) -> None:
    at = whistle.submitted_at
    clock = book.clocks.due(at, book.clocks.rules[whistle.kind].approve)
    whistle.approve_due = whistle.next_due = clock.at
    whistle.alarm_at = alarm(at, clock.at)
    whistle.provisional = ["approve_due"] if clock.provisional else []
    what = f"提交{whistle.get_kind_display()}，拟请{department_words(units)}"
    book.line(whistle, "whistle_submitted", by=by, at=at, what=what, stage=Stage.FILE, to_state=whistle.state)
    book.tell(kinds.WhistleSubmitted, whistle, to=town.leaders, at=at, due=whistle.approve_due)


def _go_at_once(book: Book, whistle: Whistle, units: Sequence[Unit], *, by: User, town: Town | Department) -> None:
    at = whistle.submitted_at
    fields, lead = _started(book, whistle, at)
    for name, value in fields.items():
        setattr(whistle, name, value)
    whistle.state = Whistle.State.SIGNING
    whistle.confirm_due = book.clocks.due(at, book.clocks.rules[whistle.kind].confirm).at
    whistle.alarm_at = own_alarm(whistle)
    what = f"吹应急哨，{department_words(units)}；先发后核"
    book.line(whistle, "emergency_blown", by=by, at=at, what=what, stage=Stage.DISPATCH, to_state=whistle.state)
    _send(book, whistle, units, lead, by=by, at=at)
    book.tell(kinds.EmergencyBlown, whistle, to=town.leaders, at=at, due=whistle.confirm_due)


def _started(book: Book, whistle: Whistle, at: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the whistle's own due times, the lead dispatch's)."""
    dues, provisional = book.clocks.whistle(whistle.kind, at, whistle.assemble_at)
    own = {
        "sent_at": at,
        "finish_due": dues["finish_due"],
        "eval_due": dues["eval_due"],
        "next_due": dues["sign_due"],
        "alarm_at": None,
        "provisional": sorted(provisional & {"finish_due", "eval_due"}),
    }
    names = ("sign_due", "arrive_due", "report_due", "finish_due")
    lead = {"sent_at": at, **{name: dues[name] for name in names}, "provisional": sorted(provisional - {"eval_due"})}
    return own, {**lead, "next_due": dues["sign_due"], "alarm_at": alarm(at, dues["sign_due"])}


def _send(
    book: Book, whistle: Whistle, units: Sequence[Unit], lead: Mapping[str, Any], *, by: User, at: datetime
) -> None:
    own = [name for name in lead["provisional"] if name in ("sign_due", "arrive_due")]
    helper = {**lead, "report_due": None, "finish_due": None, "provisional": own}
    parts = [
        Dispatch(
            number=str(index),  # its place; the whistle's number comes before it when that is known
            whistle=whistle,
            event=whistle.event,
            by_unit=whistle.by_unit,
            department=unit,
            is_lead=index == 1,
            task=whistle.tasks.get(str(unit.pk), ""),
            **(lead if index == 1 else helper),
        )
        for index, unit in enumerate(units, start=1)
    ]
    book.parts[whistle.request_id] = parts
    for part in parts:
        what = f"派单给{part.department}（{part.role_label}）"
        book.line(part, "dispatch_sent", by=by, at=at, what=what, stage=Stage.DISPATCH, to_state=part.state)
        tell_department(book, kinds.DispatchSent, part, at=at)


def _close_dispatch(book: Book, dispatch: Dispatch, *, by: User, at: datetime, rating: Rating | None) -> None:
    rated = rating.fields(by) if rating and dispatch.arrived_at else {}
    is_reported = dispatch.state == Dispatch.State.REPORTED
    what = f"确认{dispatch.department}办结" if is_reported else f"哨单办结，{dispatch.department}未反馈"
    book.advance(
        dispatch,
        Dispatch.State.CLOSED,
        by=by,
        at=at,
        verb="dispatch_closed",
        what=what,
        stage=Stage.EVALUATE if rated else Stage.CLOSE,
        closed_at=at,
        next_due=None,
        alarm_at=None,
        **rated,
    )
    told = [*book.cast.side(dispatch.department).duty, dispatch.assigned_officer]
    book.tell(kinds.DispatchClosed, dispatch, to=[user for user in told if user], at=at, due=None)
