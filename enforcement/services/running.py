"""Which clocks of an event, whistle or dispatch run now: from when, by which limit, whose they are and who has them in hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enforcement.models import Dispatch, Event, Limit, Return, Whistle
from enforcement.rules import escalation
from enforcement.rules.clocks import Hands, hands, next_clock
from enforcement.rules.deadlines import Step, rework_step
from enforcement.rules.escalation import Level
from enforcement.services.clocks import Course, begun_at, course_of, part_of
from enforcement.services.limit import steps_on
from townships import people
from townships.models import Unit
from townships.rules.worktime import Calendar, MissingYear
from townships.worktime import Pause, calendar, local_spans, to_aware, to_local

Target = Event | Whistle | Dispatch


@dataclass(frozen=True)
class Running:
    """`name`: the field that holds the due time; `kind`: the whistle's, empty for an event; `limit`: as people say it."""

    name: str
    since: datetime
    due: datetime
    step: Step
    kind: str = ""
    paused: Sequence[Pause] = ()
    assembles: bool = False  # a joint action arrives when it assembles, whatever the limit

    @property
    def limit(self) -> str:
        return "集合时间" if self.assembles else str(self.step)

    def moments(self, cal: Calendar | None = None) -> dict[Level, datetime]:
        """When each level is reached, aware; a year that is not loaded is counted on plain weekdays, as its due time is.

        `cal`: the calendar, where the caller has it already.
        """
        cal, paused = cal or calendar(), local_spans(self.paused)
        clock = escalation.Clock(to_local(self.since), to_local(self.due), self.step, self.kind)
        try:
            levels = escalation.moments(clock, cal, paused)
        except MissingYear:
            levels = escalation.moments(clock, cal.provisional(), paused)
        return {level: to_aware(at) for level, at in levels.items()}


def clocks_of(target: Target) -> list[Running]:
    """None of what is suspended or has ended; two at most, as an emergency may wait for its confirmation besides."""
    if isinstance(target, Dispatch):
        return list(_of_dispatch(target))
    return list(_of_whistle(target) if isinstance(target, Whistle) else _of_event(target))


def unit_of(target: Target) -> Unit:
    """Who is late when the clock that runs now is over."""
    if isinstance(target, Dispatch):
        holder = hands(target.state)
        if holder == Hands.ARBITRATOR:
            return people.guidance_unit() or target.department
        return target.by_unit if holder == Hands.SENDER else target.department
    return target.by_unit


def handlers(target: Target, name: str) -> list[Any]:
    """Who has it in hand: whoever took it up or was named, else the office that it waits for."""
    if target.claimed_by:
        return [target.claimed_by]
    if isinstance(target, Dispatch):
        return _of_department(target)
    if isinstance(target, Event):
        return people.squad_officers(target.township) if name == "squad_due" else people.desk(target.township)
    return people.desk(target.by_unit) if name == "eval_due" else people.leaders(target.by_unit)


def _of_department(dispatch: Dispatch) -> list[Any]:
    holder = hands(dispatch.state)
    if holder == Hands.ARBITRATOR:
        return people.guidance_office()
    if holder == Hands.LEADER:
        return people.leaders(dispatch.department)
    if dispatch.assigned_officer:
        return [dispatch.assigned_officer]
    if dispatch.assigned_unit and (there := people.subunit_people(dispatch.assigned_unit)):
        return there
    return people.desk(dispatch.department)


# --- inside ---------------------------------------------------------------------------------------------------------
def _of_dispatch(dispatch: Dispatch) -> Iterable[Running]:
    name = next_clock(part_of(dispatch))
    due: datetime | None = getattr(dispatch, name) if name else None
    if name is None or due is None:
        return
    course = course_of(dispatch.whistle)
    step = _dispatch_step(dispatch, name, course)
    yield Running(
        name,
        _begun(dispatch),
        due,
        step,
        dispatch.whistle.kind,
        course.pauses_of(dispatch),
        assembles=name == "arrive_due" and course.assemble_at is not None,
    )


def _begun(dispatch: Dispatch) -> datetime:
    """From the asking where an answer is waited for."""
    returning: Return | None = getattr(dispatch, "returning", None) if dispatch.return_due else None
    if returning is None:
        return begun_at(dispatch)
    return returning.arb_at or returning.asked_at


def _dispatch_step(dispatch: Dispatch, name: str, course: Course) -> Step:
    rules = course.rules_on(_begun(dispatch) if name == "return_due" else dispatch.sent_at)
    limits = rules.limits
    if name == "return_due":
        return rules.arbitrate if hands(dispatch.state) == Hands.ARBITRATOR else limits.sign
    steps = {"sign_due": limits.sign, "arrive_due": limits.arrive, "report_due": limits.report}
    return steps.get(name) or (rework_step(limits.finish) if name == "rework_due" else limits.finish)


def _of_whistle(whistle: Whistle) -> Iterable[Running]:
    if whistle.state == Whistle.State.SUSPENDED:
        return
    waits = whistle.state == Whistle.State.SUBMITTED
    judges = whistle.state == Whistle.State.REPORTED
    if not (waits or judges or whistle.awaits_confirmation):
        return
    course = course_of(whistle)
    rules = course.rules
    for name, since, is_on, step in (
        ("approve_due", whistle.submitted_at, waits, rules.approve),
        ("confirm_due", whistle.submitted_at, whistle.awaits_confirmation, rules.confirm),
        ("eval_due", whistle.finish_due, judges, rules.eval_step),
    ):
        due: datetime | None = getattr(whistle, name)
        if is_on and due is not None and since is not None:
            yield Running(name, min(since, due), due, step, whistle.kind, course.paused)


def _of_event(event: Event) -> Iterable[Running]:
    if event.next_due is None:
        return
    if event.state == Event.State.SQUAD and event.squad_at and event.squad_amount and event.squad_due:
        yield Running("squad_due", event.squad_at, event.squad_due, Step(event.squad_unit, event.squad_amount))
    elif event.state in Event.TO_TRIAGE:
        kind = Limit.Kind.EVENT_URGENT if event.is_urgent else Limit.Kind.EVENT
        step = steps_on(to_local(event.waits_since).date(), kind)[(kind, Limit.Step.ACCEPT)]
        yield Running("accept_due", event.waits_since, event.accept_due, step)
