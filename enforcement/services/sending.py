"""A whistle on its way: to the leaders who say yes, and with its clocks to each department that is asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from enforcement.models import Dispatch, Event, Whistle
from enforcement.rules.deadlines import assembled
from enforcement.services import handover as handovers
from enforcement.services.clocks import alarm, own_alarm
from enforcement.services.limit import WhistleClocks, whistle_clocks
from enforcement.services.messages import desk_missing, dispatch_message, whistle_message
from notifications import kinds
from notifications.services.outbox import notify, notify_many
from records.models import Entry, Stage
from records.services import advance_locked, entry_for, record
from records.services.number import next_number
from townships import people
from townships.models import Unit


def blow(whistle: Whistle, departments: Sequence[Unit], *, by: Any, seen_state: str = "") -> Whistle:
    """Save an unsaved whistle and send it on its way, in the caller's transaction. `seen_state` is its event's."""
    if whistle.event:
        _mark_event(whistle.event, by=by, seen_state=seen_state)
    whistle.submitted_at = timezone.now()
    whistle.number = next_number("哨", whistle.by_unit.code, timezone.localdate(whistle.submitted_at))
    clocks = whistle_clocks(whistle.kind, whistle.submitted_at)
    if whistle.kind == Whistle.Kind.EMERGENCY:
        _submit_emergency(whistle, departments, clocks, by=by)
    else:
        _submit_to_leaders(whistle, departments, clocks, by=by)
    return whistle


def department_words(departments: Sequence[Unit]) -> str:
    """应急管理局主办，生态环境分局、公安局协办; the lead first."""
    lead, *helpers = [unit.short_name for unit in departments]
    return f"{lead}主办" + (f"，{'、'.join(helpers)}协办" if helpers else "")


def started(whistle: Whistle, clocks: WhistleClocks, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the whistle's own due times, the lead dispatch's), counted from `now`."""
    dues, provisional = assembled(*clocks.dues(now), whistle.assemble_at)
    own = {
        "sent_at": now,
        "finish_due": dues.finish_due,
        "eval_due": dues.eval_due,
        "next_due": dues.sign_due,
        "alarm_at": None,  # from here on it is the dispatches' clocks that run
        "provisional": sorted(provisional & {"finish_due", "eval_due"}),
    }
    lead = {
        "sent_at": now,
        "sign_due": dues.sign_due,
        "arrive_due": dues.arrive_due,
        "report_due": dues.report_due,
        "finish_due": dues.finish_due,
        "next_due": dues.sign_due,
        "alarm_at": alarm(now, dues.sign_due),
        "provisional": sorted(provisional - {"eval_due"}),
    }
    return own, lead


def send(
    whistle: Whistle,
    departments: Sequence[Unit],
    dues: Mapping[str, Any],
    *,
    by: Any,
    told: kinds.Kind,
    role: str,
) -> None:
    """One dispatch a department with its clocks and entry, and everybody's message: a constant number of queries.

    `told` goes to who holds `role` in the unit that whistles, the dispatches to the desks of those asked.
    """
    dispatches = _make_dispatches(whistle, departments, dues, by=by)
    asked = {unit.pk: people.desk_role(unit) for unit in departments}
    to, missing = people.told_and_missing({whistle.by_unit_id: role, **asked})
    own = (told, to[whistle.by_unit_id], f"{told.code()}:{whistle.pk}")
    sent = [(dispatch_message(kinds.DispatchSent, d), to[d.department_id], f"dispatch_sent:{d.pk}") for d in dispatches]
    notify_many([own, *sent, *desk_missing([d for d in dispatches if d.department_id in missing])])


# --- inside ---------------------------------------------------------------------------------------------------------
def _mark_event(event: Event, *, by: Any, seen_state: str) -> None:
    """The event, locked first of all, is whistled for; whoever comes second is refused here."""
    is_new = seen_state == Event.State.REPORTED  # `lock_held` refuses if it is not
    verified = {"verified_at": timezone.now(), "verified_by": by} if is_new else {}
    handovers.lock_held(event, seen_state=seen_state)
    advance_locked(
        event,
        Event.State.WHISTLED,
        by=by,
        verb="event_whistled",
        what="转为吹哨办理",
        stage=Stage.FILE,
        next_due=None,
        alarm_at=None,
        claimed_at=None,
        claimed_by=None,
        **verified,
    )
    handovers.void(event, by=by)


def _submit_to_leaders(whistle: Whistle, departments: Sequence[Unit], clocks: WhistleClocks, *, by: Any) -> None:
    clock = clocks.due(whistle.submitted_at, clocks.approve)
    whistle.approve_due = whistle.next_due = clock.at
    whistle.alarm_at = alarm(whistle.submitted_at, clock.at)
    whistle.provisional = ["approve_due"] if clock.provisional else []
    whistle.save(force_insert=True)
    what = f"提交{whistle.get_kind_display()}，拟请{department_words(departments)}"
    record(whistle, "whistle_submitted", by=by, what=what, stage=Stage.FILE, to_state=whistle.state)
    message = whistle_message(kinds.WhistleSubmitted, whistle, whistle.approve_due)
    notify(message, to=people.leaders(whistle.by_unit), key=f"whistle_submitted:{whistle.pk}")


def _submit_emergency(whistle: Whistle, departments: Sequence[Unit], clocks: WhistleClocks, *, by: Any) -> None:
    now = whistle.submitted_at
    fields, dues = started(whistle, clocks, now)
    confirm = clocks.due(now, clocks.confirm)
    for name, value in fields.items():
        setattr(whistle, name, value)
    whistle.state, whistle.confirm_due = Whistle.State.SIGNING, confirm.at
    whistle.alarm_at = own_alarm(whistle)
    if confirm.provisional:
        whistle.provisional = ["confirm_due", *whistle.provisional]
    whistle.save(force_insert=True)
    what = f"吹应急哨，{department_words(departments)}；先发后核"
    record(whistle, "emergency_blown", by=by, what=what, stage=Stage.DISPATCH, to_state=whistle.state)
    blown = whistle_message(kinds.EmergencyBlown, whistle, whistle.confirm_due)
    send(whistle, departments, dues, by=by, told=blown, role=people.leader_role(whistle.by_unit))


def _make_dispatches(
    whistle: Whistle, departments: Sequence[Unit], dues: Mapping[str, Any], *, by: Any
) -> list[Dispatch]:
    dispatches = [
        Dispatch(
            number=f"{whistle.number}/{index}",
            whistle=whistle,
            event_id=whistle.event_id,
            by_unit=whistle.by_unit,
            department=unit,
            is_lead=index == 1,
            task=whistle.tasks.get(str(unit.pk), ""),
            **(dues if index == 1 else _helper_dues(dues)),
        )
        for index, unit in enumerate(departments, start=1)
    ]
    Dispatch.objects.bulk_create(dispatches)
    Entry.objects.bulk_create(
        entry_for(
            dispatch,
            "dispatch_sent",
            by=by,
            what=f"派单给{dispatch.department}（{dispatch.role_label}）",
            stage=Stage.DISPATCH,
            to_state=dispatch.state,
        )
        for dispatch in dispatches
    )
    return dispatches


def _helper_dues(dues: Mapping[str, Any]) -> dict[str, Any]:
    """协办 is judged on signing and arriving: no interim report, no finish of its own (domain D1)."""
    own = [name for name in dues["provisional"] if name in ("sign_due", "arrive_due")]
    return {**dues, "report_due": None, "finish_due": None, "provisional": own}
