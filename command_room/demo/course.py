"""How a case goes: drawn from a seed, stopped where the present is, so that what is open now is open for a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from command_room.demo import judged as judgement
from command_room.demo import matters as words
from command_room.demo.book import Book
from command_room.demo.cast import Town
from command_room.demo.matters import Matter
from command_room.demo.verbs import dispatch as dispatches
from command_room.demo.verbs import event as events
from command_room.demo.verbs import merge as merges
from command_room.demo.verbs import whistle as whistles
from enforcement.models import Category, Dispatch, Event, Report, Whistle
from enforcement.rules.deadlines import Step
from townships.models import Unit, User

WORK, CLOCK = "work_minutes", "continuous_minutes"
Span = tuple[int, int]


@dataclass(frozen=True)
class Pace:
    """Minutes to an act, usually and when it is late; of the working day or of the clock."""

    unit: str
    usual: Span
    late: Span


# by kind: signing from the sending, arriving from the signing, interim and final report from the sending
PACES: dict[str, dict[str, Pace]] = {
    "emergency": {
        "sign": Pace(CLOCK, (2, 13), (16, 45)),
        "arrive": Pace(CLOCK, (4, 15), (32, 60)),
        "interim": Pace(CLOCK, (50, 110), (125, 200)),
        "report": Pace(CLOCK, (180, 1300), (1450, 2200)),
    },
    "urgent": {
        "sign": Pace(CLOCK, (4, 50), (62, 150)),
        "arrive": Pace(CLOCK, (10, 60), (125, 200)),
        "interim": Pace(WORK, (120, 380), (850, 1000)),
        "report": Pace(WORK, (400, 1200), (1700, 2100)),
    },
    "routine": {
        "sign": Pace(WORK, (8, 110), (245, 600)),
        "arrive": Pace(WORK, (30, 160), (900, 1300)),
        "report": Pace(WORK, (700, 2700), (3400, 4600)),
    },
    "campaign": {
        "sign": Pace(WORK, (20, 380), (850, 1000)),
        "arrive": Pace(WORK, (100, 600), (1700, 2000)),
        "interim": Pace(WORK, (1100, 1900), (2600, 3000)),
        "report": Pace(WORK, (2500, 5800), (6800, 8000)),
    },
}
ACCEPT = Pace(WORK, (6, 100), (130, 400))
ACCEPT_URGENT = Pace(CLOCK, (3, 25), (35, 90))
APPROVE = Pace(WORK, (8, 100), (130, 300))
APPROVE_URGENT = Pace(CLOCK, (3, 45), (65, 120))
CONFIRM = Pace(CLOCK, (8, 100), (130, 300))
CLOSE = Pace(WORK, (60, 700), (2800, 3400))
SQUAD_LIMITS = (Step(WORK, 120), Step(WORK, 240), Step("work_days", 1), Step("work_days", 2))
SQUAD = {Step(WORK, 120): Pace(WORK, (20, 110), (130, 300)), Step(WORK, 240): Pace(WORK, (30, 220), (260, 500))}
SQUAD_DAYS = Pace(WORK, (60, 400), (1300, 1700))
SOURCES = (
    ("grid", 56),
    ("patrol", 12),
    ("12345", 17),
    ("call", 8),
    ("superior", 2),
    ("platform", 4),
    ("inspection", 1),
)
LATE, LATE_REPORT = 0.04, 0.06


class Course:
    def __init__(self, book: Book, matters: Sequence[Matter], now: datetime, rng: Random) -> None:
        self.book, self.now, self.rng = book, now, rng
        self.matters = {matter.code: matter for matter in matters}
        self._weighted = [matter for matter in matters for _ in range(matter.weight)]
        codes = Category.objects.in_bulk([matter.code for matter in matters], field_name="code")
        self.categories: dict[str, Category] = codes
        self.finals: dict[object, Report] = {}  # the lead's last final report, by the whistle's request_id

    # --- draws ------------------------------------------------------------------------------------------------------
    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def after(self, start: datetime, pace: Pace, late: float = LATE) -> datetime:
        return self.book.clocks.later(start, self._minutes(pace, is_late=self.chance(late)), pace.unit)

    def _minutes(self, pace: Pace, *, is_late: bool) -> int:
        """Most of what is late is so by a little."""
        if not is_late:
            return self.rng.randint(*pace.usual)
        first, last = pace.late
        return first + int((last - first) * self.rng.random() ** 3)

    def phrase(self, text: str, place: str = "") -> str:
        return text.format(p=place, n=self.rng.randint(2, 6))

    def units_of(self, matter: Matter) -> list[Unit]:
        return [self.book.cast.departments[code].unit for code in (matter.lead, *matter.helpers)]

    # --- one case, from the report on -------------------------------------------------------------------------------
    def live(self, town: Town, at: datetime) -> None:
        matter = self.rng.choice(self._weighted)
        on_the_spot = not matter.whistled and self.chance(0.25)
        event = self.report(town, matter, at, settled=self.phrase(matter.settled) if on_the_spot else "")
        if event.state == Event.State.REPORTED:
            self._take_up(town, matter, event)

    def report(
        self, town: Town, matter: Matter, at: datetime, *, source: str = "", grid: int | None = None, settled: str = ""
    ) -> Event:
        """`grid` names whose report it is; without it anybody's."""
        names, weights = zip(*SOURCES, strict=True)
        is_urgent = not source and self.chance(0.05)  # a case with a source of its own is told as its matter says
        source = source or self.rng.choices(names, weights)[0]
        busiest_first = min(self.rng.randrange(len(town.grids)), self.rng.randrange(len(town.grids)))
        unit, member = town.grids[busiest_first if grid is None else grid]
        reporter = {"grid": member, "patrol": self.rng.choice(town.officers)}.get(source) or self.rng.choice(town.duty)
        place = self.rng.choice(words.PLACES[matter.where])
        outside = f"演示{at:%m%d}{self.rng.randint(1, 9999):04d}" if source in ("12345", "superior", "platform") else ""
        caller = (f"来电群众{self.rng.choice('甲乙丙丁')}", f"1380001{self.rng.randint(0, 9999):04d}")
        event = Event(
            township=town.unit,
            grid=unit,
            category=self.categories[matter.code],
            title=self.phrase(matter.title, place),
            facts=self.phrase(matter.facts, place),
            place=place,
            is_urgent=matter.is_urgent or is_urgent,
            source=source,
            outside_number=outside,
            reported_at=at,
            reported_by=reporter,
        )
        return events.report(self.book, event, town=town, caller=caller if source == "call" else None, settled=settled)

    def _take_up(self, town: Town, matter: Matter, event: Event) -> None:
        at = self.after(event.reported_at, ACCEPT_URGENT if event.is_urgent else ACCEPT)
        by = self.rng.choice(town.duty)
        if self.chance(0.03):
            self._twin(town, event, by, until=at)
        if at > self.now:
            self._claim(event, by, event.reported_at)
        elif self.chance(0.06):
            reason = self.rng.choice(list(words.DISMISS))
            events.dismiss(self.book, event, by=by, at=at, reason=reason, text=words.DISMISS[reason])
        elif self.rng.randrange(10) < matter.whistled:
            if self.chance(0.4):
                events.verify(self.book, event, by=by, at=at)
                at = self.after(at, Pace(WORK, (5, 60), (60, 200)))
            if at <= self.now:
                self._whistle(town, matter, event, by, at)
        elif self.chance(0.15):
            events.settle(self.book, event, by=by, at=at, result=self.phrase(matter.settled))
        else:
            self._squad(town, matter, event, by, at)

    def _twin(self, town: Town, event: Event, by: User, until: datetime) -> None:
        """Somebody else reports the same while it waits; the desk sees that, if it has the time."""
        seen = event.reported_at + timedelta(minutes=self.rng.randint(2, 20))
        merged = seen + timedelta(minutes=self.rng.randint(2, 15))
        if seen >= min(until, self.now):
            return
        same = {"township": event.township, "grid": event.grid, "category": event.category, "place": event.place}
        twin = Event(
            **same,
            title=event.title,
            facts=event.facts,
            is_urgent=event.is_urgent,
            source=Event.Source.PATROL,
            reported_at=seen,
            reported_by=self.rng.choice(town.officers),
        )
        events.report(self.book, twin, town=town)
        if merged < min(until, self.now):
            merges.merge(self.book, twin, by=by, at=merged, into=event)
        elif until <= self.now:  # too late for that: it is answered like any other
            events.settle(self.book, twin, by=by, at=until, result="与前一件一起处置完毕。")

    def _squad(self, town: Town, matter: Matter, event: Event, by: User, at: datetime) -> None:
        limit = self.rng.choice(SQUAD_LIMITS)
        events.hand_to_squad(self.book, event, by=by, at=at, town=town, limit=limit)
        officer = self.rng.choice(town.officers)
        done = self.after(at, SQUAD.get(limit, SQUAD_DAYS))
        if done > self.now:
            self._claim(event, officer, at)
        elif matter.lead and self.chance(0.3):
            self._whistle(town, matter, event, by, done)
        else:
            events.settle(self.book, event, by=officer, at=done, result=self.phrase(matter.settled))

    def _claim(self, obj: Event | Whistle | Dispatch, by: User, since: datetime, until: datetime | None = None) -> None:
        """Somebody is on it, if they have had a few minutes."""
        at = since + timedelta(minutes=self.rng.randint(2, 12))
        if at < (until or self.now) and self.chance(0.4):
            dispatches.take(self.book, obj, by=by, at=at)

    # --- the whistle ------------------------------------------------------------------------------------------------
    def _whistle(self, town: Town, matter: Matter, event: Event, by: User, at: datetime) -> None:
        kind = "urgent" if matter.kind == "routine" and event.is_urgent else matter.kind
        whistle = self.submit(town, matter, event, kind, by=by, at=at)
        leader = self.rng.choice(town.leaders)
        if kind == Whistle.Kind.EMERGENCY:
            confirmed = self.after(at, CONFIRM)
            if confirmed <= self.now:
                whistles.confirm_emergency(self.book, whistle, by=leader, at=confirmed)
        else:
            approved = self.after(at, APPROVE_URGENT if kind == Whistle.Kind.URGENT else APPROVE)
            if approved > self.now:
                self._claim(whistle, leader, at)
                return
            if self.chance(0.04):
                reason = self.rng.choice(words.REJECT)
                whistles.reject(self.book, whistle, by=leader, at=approved, town=town, reason=reason)
                again = self.after(approved, ACCEPT, late=0)
                if again <= self.now:
                    self._squad(town, matter, event, by, again)
                return
            whistles.approve(self.book, whistle, by=leader, at=approved, town=town, units=self.units_of(matter))
        self._follow(town, matter, whistle)

    def submit(self, town: Town, matter: Matter, event: Event, kind: str, *, by: User, at: datetime) -> Whistle:
        return whistles.submit(
            self.book,
            event,
            by=by,
            at=at,
            town=town,
            kind=kind,
            facts=f"{event.facts}{matter.ask}",
            why=matter.why,
            why_text=self.rng.choice(words.WHY_TEXT),
            units=self.units_of(matter),
        )

    def _follow(self, town: Town, matter: Matter, whistle: Whistle) -> None:
        """Let the departments act until now, or until the township has closed it."""
        lead, *helpers = self.book.parts[whistle.request_id]
        reported = self._part(town, matter, lead, until=self.now)
        closed = self._rework(town, matter, lead, reported) if reported else None
        for helper in helpers:
            self._part(town, matter, helper, until=min(closed or self.now, self.now))
        if closed and closed <= self.now:
            self.close(town, whistle, closed)

    def _part(self, town: Town, matter: Matter, dispatch: Dispatch, *, until: datetime) -> datetime | None:
        """One department's acts up to `until`; when it reported back, if it did."""
        department = self.book.cast.departments[dispatch.department.code]
        paces, by = PACES[dispatch.whistle.kind], self.rng.choice(department.liaisons)
        signed = self.after(dispatch.sent_at, paces["sign"])
        if signed > until:
            self._claim(dispatch, by, dispatch.sent_at, until)
            return None
        going = self.sign(dispatch, by, signed)
        if self.chance(0.12):
            self._remark(town, dispatch, by, signed, until)
        arrived = self.after(signed, paces["arrive"])
        if arrived > until:
            self._claim(dispatch, going[0], signed, until)
            return None
        dispatches.arrive(self.book, dispatch, by=going[0], at=arrived, officers=going)
        interim = self.after(dispatch.sent_at, paces["interim"]) if dispatch.is_lead and "interim" in paces else None
        if interim and arrived < interim <= until:
            text = self.rng.choice(words.INTERIM)
            dispatches.report_interim(self.book, dispatch, by=going[0], at=interim, measures=text)
        reported = max(self.after(dispatch.sent_at, paces["report"], late=LATE_REPORT), arrived + timedelta(minutes=20))
        if reported > until or (not dispatch.is_lead and self.chance(0.2)):
            return None
        self.report_back(matter, dispatch, going[0], reported)
        return reported

    def sign(self, dispatch: Dispatch, by: User, at: datetime) -> list[User]:
        """Sign, often naming who goes; the people who will go."""
        department = self.book.cast.departments[dispatch.department.code]
        station, people = department.stations.get(dispatch.by_unit.pk, (None, department.officers))
        named = self.rng.choices(("unit", "officer", "nobody"), (6, 2, 2))[0]
        unit = station if named == "unit" else None
        officer = people[0] if named == "officer" else None
        dispatches.sign(self.book, dispatch, by=by, at=at, unit=unit, officer=officer)
        return people if self.chance(0.5) else people[:1]

    def report_back(self, matter: Matter, dispatch: Dispatch, by: User, at: datetime) -> None:
        text = self.rng.choice(matter.done if dispatch.is_lead else words.HELPED)
        result = self.rng.choice(matter.results) if dispatch.is_lead else "solved"
        report = dispatches.report_back(self.book, dispatch, by=by, at=at, result=result, measures=self.phrase(text))
        if dispatch.is_lead:
            self.finals[dispatch.whistle.request_id] = report

    def _remark(self, town: Town, dispatch: Dispatch, liaison: User, since: datetime, until: datetime) -> None:
        at = since + timedelta(minutes=self.rng.randint(1, 8))
        if at < until:
            by, text = self.rng.choice([(town.duty[0], words.TOWN_REMARKS), (liaison, words.DEPT_REMARKS)])
            dispatches.remark(self.book, dispatch, by=by, at=at, text=self.rng.choice(text))

    def _rework(self, town: Town, matter: Matter, lead: Dispatch, reported: datetime) -> datetime | None:
        """Perhaps sent back once; when the township closes it, or None while the department is at it again."""
        judged = self.after(reported, CLOSE, late=0.03)
        found = judgement.look(self.book, lead.whistle, reported, min(judged, self.now))
        if judged > self.now or not (found == "failed" or self.chance(0.06)):
            return judged
        by = self.rng.choice(town.duty)
        whistles.rework(self.book, lead, by=by, at=judged, reason=self.rng.choice(words.REWORK))
        again = self.after(judged, Pace(WORK, (100, 900), (1900, 2400)))
        if again > self.now:
            return None
        self.report_back(matter, lead, lead.arrived_by or by, again)
        return self.after(again, CLOSE, late=0)

    def close(self, town: Town, whistle: Whistle, at: datetime) -> None:
        parts = self.book.parts[whistle.request_id]
        ratings = judgement.ratings(self.rng, parts)
        last = self.finals[whistle.request_id]
        by = self.rng.choice(town.duty)
        whistles.close(self.book, whistle, by=by, at=at, ratings=ratings, last_report=last)
        judgement.appeal(self.book, parts, self.now)
