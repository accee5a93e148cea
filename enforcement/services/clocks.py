"""`rules.clocks` on stored rows: due times counted from what happened, and a whistle brought in line with its dispatches.

A due time is stored, and it is always what `count` makes of the moments, the extensions and the pauses: nothing is ever
added to a stored one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from enforcement.models import Dispatch, Extension, Return, Suspension, Whistle
from enforcement.rules.clocks import Part, next_clock, whistle_next_due, whistle_state
from enforcement.rules.deadlines import Step, assembled, rework_step
from enforcement.rules.escalation import REMIND_AT
from enforcement.services.limit import WhistleClocks, whistle_clocks
from townships.worktime import Due, Pause, to_local

Clocks = dict[str, Due]
LEAD_ONLY = ("report_due", "finish_due")


def part_of(dispatch: Dispatch) -> Part:
    """What the clock rules need to know of a dispatch."""
    return Part(
        state=dispatch.state,
        is_lead=dispatch.is_lead,
        sign_due=dispatch.sign_due,
        arrive_due=dispatch.arrive_due,
        report_due=dispatch.report_due,
        finish_due=dispatch.finish_due,
        rework_due=dispatch.rework_due,
        return_due=dispatch.return_due,
        has_interim=dispatch.interim_at is not None,
    )


def running(part: Part, since: datetime) -> dict[str, Any]:
    """The fields that say which clock of a dispatch, counted from `since`, runs: `next_due` and `alarm_at`."""
    clock = next_clock(part)
    due: datetime | None = getattr(part, clock) if clock else None
    return {"next_due": due, "alarm_at": alarm(since, due)}


def alarm(since: datetime, due: datetime | None) -> datetime | None:
    """When the one reminder of a clock is due; None where no clock runs."""
    return since + (due - since) * REMIND_AT if due else None


def own_alarm(whistle: Whistle) -> datetime | None:
    """When to look at the clocks of a sent whistle that are its own: its evaluation, once it is reported; a confirmation."""
    alarms = []
    if whistle.state == Whistle.State.REPORTED and whistle.finish_due:
        alarms.append(alarm(whistle.finish_due, whistle.eval_due))
    alarms.append(confirmation_alarm(whistle))
    return min((at for at in alarms if at), default=None)


def confirmation_alarm(whistle: Whistle) -> datetime | None:
    """An emergency may be over, and still wait for its confirmation."""
    is_on = whistle.awaits_confirmation and whistle.state != Whistle.State.SUSPENDED
    return alarm(whistle.submitted_at, whistle.confirm_due) if is_on else None


def begun_at(dispatch: Dispatch) -> datetime:
    """From when the clock that runs now was counted."""
    if dispatch.state == Dispatch.State.REWORK and dispatch.rework_at:
        return dispatch.rework_at
    if dispatch.state == Dispatch.State.ARRIVED and dispatch.lead_at:
        return dispatch.lead_at
    return dispatch.sent_at


def follow(whistle: Whistle) -> None:
    """Bring the stored state and due time of a locked whistle in line with its dispatches, and store them."""
    parts = [part_of(dispatch) for dispatch in whistle.dispatches.all()]
    if whistle.eval_due is None or not parts:
        return
    whistle.state = whistle_state(parts)
    whistle.next_due = whistle_next_due(parts, whistle.eval_due, whistle.resume_due)
    whistle.alarm_at = own_alarm(whistle)
    whistle.save(update_fields=["state", "next_due", "alarm_at", "changed_at"])


# --- counting -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Course:
    """What a whistle's due times are counted with, beside the moments that stand on its rows."""

    rules: WhistleClocks
    paused: Sequence[Pause]  # suspensions that have ended
    granted: Mapping[int, Sequence[Step]]  # dispatch id → its extensions
    given_back: Mapping[int, Pause]  # dispatch id → what the arbitrator took beyond its limit
    assemble_at: datetime | None  # of a joint action

    def pauses_of(self, dispatch: Dispatch) -> list[Pause]:
        own = self.given_back.get(dispatch.pk)
        return [*self.paused, *([own] if own else [])]

    def rules_on(self, moment: datetime) -> WhistleClocks:
        """The limits of that day: those of the whistle's own, unless one has taken another's place later."""
        return self.rules if to_local(moment).date() == self.rules.day else whistle_clocks(self.rules.kind, moment)


def course_of(whistle: Whistle) -> Course:
    """Five queries at most, the calendar's included."""
    extensions = Extension.objects.filter(dispatch__whistle=whistle, state=Extension.State.GRANTED).order_by("turn")
    granted: dict[int, list[Step]] = defaultdict(list)
    for pk, unit, amount in extensions.values_list("dispatch_id", "unit", "amount"):
        granted[pk].append(Step(unit, amount))
    upheld = Return.objects.filter(dispatch__whistle=whistle, state=Return.State.UPHELD)
    decided = upheld.values_list("dispatch_id", "arb_due", "decided_at")
    return Course(
        rules=whistle_clocks(whistle.kind, whistle.sent_at or whistle.submitted_at),
        paused=list(ended_suspensions(whistle)),
        granted=granted,
        given_back={pk: (due, at) for pk, due, at in decided if due and at and at > due},
        assemble_at=whistle.assemble_at,
    )


def ended_suspensions(whistle: Whistle) -> Any:
    """The spans in which its clocks have stood still."""
    ended = Suspension.objects.filter(whistle=whistle, state=Suspension.State.ENDED).order_by("decided_at")
    return ended.values_list("decided_at", "ended_at")


def count(dispatch: Dispatch, course: Course) -> Clocks:
    """All due times of a dispatch that has them, by their field names, by the limits of the day it was sent on.

    A helper that has taken the lead over reports and finishes by those of the day on which it did.
    """
    leads = LEAD_ONLY if dispatch.is_lead else ()
    clocks = _counted(dispatch, dispatch.sent_at, ("sign_due", "arrive_due", *leads), course)
    if dispatch.lead_at:
        clocks |= _counted(dispatch, dispatch.lead_at, leads, course)
    if dispatch.rework_at:
        rules = course.rules_on(dispatch.sent_at)
        clocks["rework_due"] = rules.due(
            dispatch.rework_at, rework_step(rules.limits.finish), course.pauses_of(dispatch)
        )
    return clocks


def _counted(dispatch: Dispatch, since: datetime, names: Sequence[str], course: Course) -> Clocks:
    """These of a dispatch's due times, counted from `since`."""
    granted = course.granted.get(dispatch.pk, ())
    counted = course.rules_on(since).dues(since, granted, course.pauses_of(dispatch))
    dues, guessed = assembled(*counted, course.assemble_at)
    return {name: Due(at, name in guessed) for name in names if (at := getattr(dues, name))}


def count_whistle(whistle: Whistle, dispatches: Sequence[Dispatch], course: Course) -> Clocks:
    """The whole's own due times. Its evaluation comes after the last of what it has to judge. Sent whistles only."""
    granted = [step for steps in course.granted.values() for step in steps]
    dues, guessed = course.rules.dues(whistle.sent_at, granted, course.paused)  # type: ignore[arg-type]
    ends = [Due(dues.finish_due, "finish_due" in guessed)]
    for dispatch in dispatches:
        for name in ("finish_due", "rework_due"):
            at = getattr(dispatch, name)
            if at and dispatch.state not in Dispatch.GONE:
                ends.append(Due(at, name in dispatch.provisional))
    last = max(ends, key=lambda end: end.at)
    judged = course.rules.due(last.at, course.rules.eval_step, course.paused)
    return {"finish_due": ends[0], "eval_due": Due(judged.at, judged.provisional or last.provisional)}


def put(obj: Any, clocks: Clocks) -> list[str]:
    """Set these due times on `obj`, provisional ones marked; returns the names of all fields to save."""
    for name, clock in clocks.items():
        setattr(obj, name, clock.at)
    others = [name for name in obj.provisional if name not in clocks]
    obj.provisional = sorted({*others, *(name for name, clock in clocks.items() if clock.provisional)})
    return [*clocks, "provisional"]


def finish_after(dispatch: Dispatch, course: Course, step: Step) -> Due:
    """When the finish of a lead would be due with one extension more."""
    granted = [*course.granted.get(dispatch.pk, ()), step]
    return count(dispatch, replace(course, granted={**course.granted, dispatch.pk: granted}))["finish_due"]


def recount(whistle: Whistle) -> None:
    """Count all due times of a sent and locked whistle and its open dispatches anew, and store them.

    After whatever moves them: an extension, a pause that has ended, a department in another's place, a rework.
    """
    course = course_of(whistle)
    dispatches = list(whistle.dispatches.select_for_update(of=("self",), no_key=True).order_by("id"))
    for dispatch in dispatches:
        if dispatch.is_open:
            before = vars(dispatch).copy()
            names = put(dispatch, count(dispatch, course))
            if dispatch.return_due is None:
                for name, value in running(part_of(dispatch), begun_at(dispatch)).items():
                    setattr(dispatch, name, value)
            if vars(dispatch) != before:  # nobody is told that a row has changed which has not
                dispatch.save(update_fields=[*names, "next_due", "alarm_at", "changed_at"])
    whistle.save(update_fields=put(whistle, count_whistle(whistle, dispatches, course)))
    follow(whistle)
