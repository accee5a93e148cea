"""What 督办 would have written meanwhile: every level that a clock of the demo reached while it ran, at its moment.

So the first sweep after loading finds all of it said, and tells nobody anything.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from command_room.demo.book import Book
from enforcement.models import Dispatch, Escalation, Event, Whistle
from enforcement.rules.deadlines import Step, rework_step
from enforcement.rules.escalation import REMIND_AT, Level
from enforcement.services import escalation as sweeps
from enforcement.services.running import Running
from records.models import Serial, Stage
from townships.models import Unit, User
from townships.rules.worktime import Calendar
from townships.worktime import calendar

Target = Event | Whistle | Dispatch
KEPT = {Dispatch: timedelta(days=40), Whistle: timedelta(days=3), Event: timedelta(days=3)}  # of what has been stopped


@dataclass(frozen=True)
class Ran:
    """A clock that ran from `on` until `off`, or still runs; `unit` was late if it was over."""

    target: Target
    clock: Running
    unit: Unit
    on: datetime
    off: datetime | None

    def levels(self, now: datetime, cal: Calendar) -> Iterator[tuple[datetime, Level]]:
        """Those it reached before it was stopped, each when a sweep would have seen it."""
        until, since, due = self.off or now, self.clock.since, self.clock.due
        if until < since + (due - since) * REMIND_AT:
            return  # mostly, and cheaply
        for level, moment in self.clock.moments(cal).items():
            at = max(moment, self.on)
            if at < until:
                yield at, level


def write(book: Book, now: datetime) -> None:
    """Rows, timeline and messages, in the order in which they came; before the book is saved."""
    cal = calendar()
    recent = (ran for ran in _ran(book) if ran.off is None or ran.off > now - KEPT[type(ran.target)])
    found = [(at, level, ran) for ran in recent for at, level in ran.levels(now, cal)]
    found.sort(key=lambda one: (one[0], one[1]))
    last: dict[tuple[str, Any], int] = defaultdict(int)
    for at, level, ran in found:
        number = ""
        if level == Level.RED:
            day = timezone.localdate(at)
            last[(ran.unit.code, day)] += 1
            number = f"督{ran.unit.code}-{day:%Y%m%d}-{last[(ran.unit.code, day)]:04d}"
        row = Escalation(
            **{str(ran.target._meta.model_name): ran.target},
            clock=ran.clock.name,
            since=ran.clock.since,
            limit=ran.clock.limit,
            due=ran.clock.due,
            level=level,
            unit=ran.unit,
            by_unit=ran.target.by_unit,
            number=number,
            at=at,
        )
        book.escalations.append(row)
        _say(book, ran, row)
    book.serials += [Serial(kind="督", unit_code=code, day=day, last=n) for (code, day), n in last.items()]


def settle(now: datetime) -> None:
    """After the book is saved: whatever else has been reached is written without a word, and when to look next."""
    for model in (Dispatch, Whistle, Event):
        for pk in model._default_manager.filter(alarm_at__lte=now).values_list("pk", flat=True):
            sweeps.look(model, pk, now, is_told=False)


# --- which clocks ran -------------------------------------------------------------------------------------------------
def _ran(book: Book) -> Iterator[Ran]:
    whistled = {id(one.event): one.submitted_at for one in reversed(book.whistles)}
    for event in book.events:
        yield from _of_event(book, event, event.closed_at or whistled.get(id(event)))
    for whistle in book.whistles:
        yield from _of_whistle(book, whistle)
        for dispatch in book.parts.get(whistle.request_id, ()):
            yield from _of_dispatch(book, dispatch)


def _of_event(book: Book, event: Event, off: datetime | None) -> Iterator[Ran]:
    step = book.clocks.accept_step("event_urgent" if event.is_urgent else "event")
    since = event.waits_since
    yield Ran(event, Running("accept_due", since, event.accept_due, step), event.township, since, event.squad_at or off)
    if event.squad_at and event.squad_due and event.squad_amount:
        clock = Running("squad_due", event.squad_at, event.squad_due, Step(event.squad_unit, event.squad_amount))
        yield Ran(event, clock, event.township, event.squad_at, off)


def _of_whistle(book: Book, whistle: Whistle) -> Iterator[Ran]:
    rules = book.clocks.rules[whistle.kind]
    since, over = whistle.submitted_at, whistle.rejected_at or whistle.withdrawn_at
    if whistle.approve_due:
        clock = Running("approve_due", since, whistle.approve_due, rules.approve, whistle.kind)
        yield Ran(whistle, clock, whistle.by_unit, since, whistle.sent_at or over)
    if whistle.confirm_due:
        clock = Running("confirm_due", since, whistle.confirm_due, rules.confirm, whistle.kind)
        yield Ran(whistle, clock, whistle.by_unit, since, whistle.approved_at or over)
    lead = next(iter(book.parts.get(whistle.request_id, ())), None)
    if lead and lead.reported_at and lead.state != "rework" and whistle.finish_due and whistle.eval_due:
        clock = Running("eval_due", whistle.finish_due, whistle.eval_due, rules.eval_step, whistle.kind)
        yield Ran(whistle, clock, whistle.by_unit, lead.reported_at, whistle.closed_at or over)


def _of_dispatch(book: Book, dispatch: Dispatch) -> Iterator[Ran]:
    """What was returned, suspended or withdrawn has stopped in ways of its own, and is left to `settle`."""
    if dispatch.state not in (*Dispatch.IN_HAND, "reported", "closed"):
        return
    limits, kind = book.clocks.rules[dispatch.whistle.kind].limits, dispatch.whistle.kind
    begun, over = dispatch.sent_at, dispatch.closed_at
    first = dispatch.first_reported_at or over
    ways = (
        ("sign_due", begun, begun, dispatch.signed_at or over, limits.sign),
        ("arrive_due", begun, dispatch.signed_at, dispatch.arrived_at or over, limits.arrive),
        ("report_due", begun, dispatch.arrived_at, dispatch.interim_at or first, limits.report),
        ("finish_due", begun, dispatch.interim_at or dispatch.arrived_at, first, limits.finish),
        ("rework_due", dispatch.rework_at, dispatch.rework_at, _again(dispatch), rework_step(limits.finish)),
    )
    for name, since, on, off, step in ways:
        due = getattr(dispatch, name)
        if due and since and on and step:
            yield Ran(dispatch, Running(name, since, due, step, kind), dispatch.department, on, off)


def _again(dispatch: Dispatch) -> datetime | None:
    return None if dispatch.state == Dispatch.State.REWORK else dispatch.reported_at


# --- what was said ----------------------------------------------------------------------------------------------------
def _say(book: Book, ran: Ran, row: Escalation) -> None:
    book.line(
        ran.target, sweeps.VERBS[Level(row.level)], by=None, at=row.at, what=sweeps.words(row), stage=Stage.HANDLE
    )
    page = row if row.level == Level.RED else None
    kind, to = sweeps.KINDS[Level(row.level)], _told(book, ran, row)
    key = f"{row.clock}:{row.due:%y%m%d%H%M}"
    book.tell(kind, ran.target, to=to, at=row.at, due=row.due, key=key, page=page)


def _told(book: Book, ran: Ran, row: Escalation) -> Iterable[User]:
    leaders, desk = _leaders(book, ran.unit), _desk(book, ran.unit)
    if row.level == Level.RED:
        office = [user for name, user in book.cast.people.items() if name.startswith("zdb-officer")]
        return [*leaders, *_desk(book, row.by_unit), *office]
    waits_for_leaders = row.clock in ("approve_due", "confirm_due")
    officer = getattr(ran.target, "assigned_officer", None)
    handlers = leaders if waits_for_leaders else [officer] if officer else desk
    return [*handlers, *leaders] if row.level == Level.YELLOW else handlers


def _desk(book: Book, unit: Unit) -> list[User]:
    return book.cast.towns[unit.code].duty if unit.is_township else book.cast.departments[unit.code].liaisons


def _leaders(book: Book, unit: Unit) -> list[User]:
    return book.cast.towns[unit.code].leaders if unit.is_township else book.cast.departments[unit.code].leaders
