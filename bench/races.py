"""Two people at the same moment, on real PostgreSQL, over and over: each act has its effect once.

Whistles are walked through their life, and every step is a race: two take the same step, each on a page of their own, or
two steps that exclude each other, or one form that is sent twice. What counts is the timeline: a race leaves one entry,
no more and no less.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Barrier
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from bench import seed
from enforcement.models import Appeal, Category, Dispatch, Event, Extension, Handover, Suspension, Whistle
from enforcement.services import appeal as appeals
from enforcement.services import dispatch as dispatches
from enforcement.services import event as events
from enforcement.services import extension as extensions
from enforcement.services import handover as handovers
from enforcement.services import merge as merges
from enforcement.services import returns, withdrawal
from enforcement.services import suspension as suspensions
from enforcement.services import whistle as whistles
from enforcement.services.rating import Rating
from records.models import Entry
from records.services import Refused
from townships.models import Post, Role, Unit, User

WORDS = "沿街三个摊点占道，劝导两次未果。"
Act = Callable[[], object]


@dataclass(frozen=True)
class Company:
    """Who races: two at each desk, and who reports, leads and decides."""

    township: Unit
    neighbour: Unit
    departments: tuple[Unit, Unit]  # the lead and a helper
    reporter: User
    desk: tuple[User, User]
    neighbour_desk: User
    leader: User
    liaisons: dict[int, tuple[User, User]]  # of each department, by its id
    guidance: User


@dataclass
class Result:
    races: int = 0
    wrong: list[str] = field(default_factory=list)  # races that left no entry, or more than one, or ended in a fault
    won: Counter[str] = field(default_factory=Counter)  # how the races ended


class Track:
    """Where two run at once, each thread with a database connection that it keeps."""

    def __init__(self) -> None:
        self.result = Result()
        self.pool = ThreadPoolExecutor(2)

    def race(self, name: str, one: Act, other: Act, *, left: Callable[[], int], winners: int = 1) -> list[str]:
        """Both at once; `left` counts what they leave behind, `winners` is how many may hear that it is done."""
        before, barrier = left(), Barrier(2)
        jobs = [self.pool.submit(_run, barrier, act) for act in (one, other)]
        outcomes = [job.result(60) for job in jobs]
        made = left() - before
        self.result.races += 1
        self.result.won[f"{name}: {' / '.join(sorted(outcomes))}"] += 1
        if made != 1 or outcomes.count("done") != winners or set(outcomes) - {"done", "Refused", "WrongState"}:
            self.result.wrong.append(f"{name}: {outcomes}, {made} effects")
        return outcomes


@contextmanager
def track() -> Iterator[Track]:
    made = Track()
    try:
        yield made
    finally:
        barrier = Barrier(2)
        for job in [made.pool.submit(_leave, barrier) for _ in range(2)]:
            job.result(10)
        made.pool.shutdown()


def _run(barrier: Barrier, act: Act) -> str:
    barrier.wait(10)
    try:
        act()
    except Refused as refusal:
        return type(refusal).__name__
    except Exception as error:
        return repr(error)
    return "done"


def _leave(barrier: Barrier) -> None:
    barrier.wait(10)
    connection.close()


# --- the courses ------------------------------------------------------------------------------------------------------
def run(company: Company, races: int, rng: random.Random) -> Result:
    """At least so many races, a life and a pair of events at a time."""
    with track() as lane:
        while lane.result.races < races:
            Life(company, rng, lane).walk()
            neighbours(company, lane)
    return lane.result


class Life:
    """One whistle from its form to the appeal."""

    def __init__(self, company: Company, rng: random.Random, lane: Track) -> None:
        self.company, self.rng, self.race = company, rng, lane.race
        self.event = reported(company)

    def walk(self) -> None:
        self.submit()
        if not self.approve():
            return
        lead, helper = (unit.pk for unit in self.company.departments)
        for unit in (lead, helper):
            self.sign(unit)
            self.arrive(unit)
        self.extend(lead)
        self.suspend()
        self.report(helper, same_form=True)
        self.report(lead, same_form=False)
        if self.rework_or_close(lead):
            self.report(lead, same_form=False)
            self.close()
        self.appeal(lead)

    def whistle(self) -> Whistle:
        return Whistle.objects.select_related("by_unit", "event").get(event=self.event)

    def part(self, unit: int) -> Dispatch:
        related = ("whistle__event", "department", "by_unit")
        return Dispatch.objects.select_related(*related).get(whistle__event=self.event, department=unit)

    def entries(self, *verbs: str) -> Callable[[], int]:
        """How many lines of this life's timeline say one of these."""

        def count() -> int:
            about = (*Whistle.objects.filter(event=self.event), *Dispatch.objects.filter(event=self.event))
            return int(Entry.objects.about(self.event, *about).filter(verb__in=verbs).count())

        return count

    def submit(self) -> None:
        form, (lead, helper) = uuid4(), self.company.departments
        said = {"kind": "urgent", "facts": WORDS, "why": "no_power", "why_text": "", "lead": lead, "helpers": [helper]}
        acts = [
            partial(whistles.submit, one, by=self.company.desk[0], request_id=form, seen_state="reported", **said)
            for one in (again(self.event), again(self.event))
        ]
        self.race("submit, one form twice", *acts, left=self.entries("whistle_submitted"), winners=2)

    def approve(self) -> bool:
        seen = {"seen_state": "submitted"}
        others: dict[str, Act] = {
            "approve": partial(whistles.approve, self.whistle(), by=self.company.leader, **seen),
            "reject": partial(whistles.reject, self.whistle(), by=self.company.leader, reason="请补充", **seen),
            "withdraw": partial(withdrawal.withdraw, self.whistle(), by=self.company.desk[0], reason="不用了", **seen),
        }
        other = self.rng.choices(list(others), weights=[6, 1, 1])[0]
        left = self.entries("whistle_approved", "whistle_rejected", "whistle_withdrawn")
        first = partial(whistles.approve, self.whistle(), by=self.company.leader, **seen)
        self.race(f"approve / {other}", first, others[other], left=left)
        return bool(self.whistle().state == "signing")

    def sign(self, unit: int) -> None:
        one, other = self.company.liaisons[unit]
        left = self.entries("dispatch_signed", "return_asked")
        first = partial(dispatches.sign, self.part(unit), by=one, seen_state="sent")
        if self.rng.random() < 0.7:
            second: Act = partial(dispatches.sign, self.part(unit), by=other, seen_state="sent")
            self.race("sign / sign", first, second, left=left)
            return
        words = {"ground": "unclear", "article": "", "text": "没有写是哪一家。"}
        second = partial(returns.ask, self.part(unit), by=other, request_id=uuid4(), seen_state="sent", **words)
        self.race("sign / return", first, second, left=left)
        if self.part(unit).state == "arbitration":
            said = {"by": self.company.guidance, "seen_state": "arbitration", "decision": "职责清楚。"}
            acts = [partial(returns.uphold, self.part(unit), **said) for _ in range(2)]
            self.race("arbitrate / arbitrate", *acts, left=self.entries("return_upheld"))

    def arrive(self, unit: int) -> None:
        acts = [
            partial(dispatches.arrive, self.part(unit), by=by, seen_state="signed", officers=[by], uses_power=False)
            for by in self.company.liaisons[unit]
        ]
        self.race("arrive / arrive", *acts, left=self.entries("dispatch_arrived"))

    def extend(self, unit: int) -> None:
        asks = [
            partial(extensions.ask, self.part(unit), by=by, request_id=uuid4(), reason="等检测")
            for by in self.company.liaisons[unit]
        ]
        self.race("extend / extend", *asks, left=self.entries("extension_asked"))

        def asked() -> Extension:
            return Extension.objects.select_related("dispatch__whistle").get(dispatch=self.part(unit))

        self.race(
            "grant / refuse",
            partial(extensions.grant, asked(), by=self.company.desk[0]),
            partial(extensions.refuse, asked(), by=self.company.desk[1], decision="请按期"),
            left=self.entries("extension_granted", "extension_refused"),
        )

    def suspend(self) -> None:
        words = {"reason": "works", "text": "等施工", "until": timezone.localdate() + timedelta(days=9)}
        asks = [
            partial(suspensions.ask, self.whistle(), by=by, request_id=uuid4(), **words) for by in self.company.desk
        ]
        self.race("suspend / suspend", *asks, left=self.entries("suspension_asked"))

        def asked() -> Suspension:
            return Suspension.objects.select_related("whistle__by_unit").get(whistle=self.whistle())

        self.race(
            "stop / do not",
            partial(suspensions.approve, asked(), by=self.company.leader),
            partial(suspensions.refuse, asked(), by=self.company.leader, decision="请照办"),
            left=self.entries("whistle_suspended", "suspension_refused"),
        )
        if self.whistle().state == "suspended":
            acts = [partial(suspensions.resume, self.whistle(), by=by) for by in self.company.desk]
            self.race("resume / resume", *acts, left=self.entries("whistle_resumed"))

    def report(self, unit: int, *, same_form: bool) -> None:
        forms = [uuid4()] * 2 if same_form else [uuid4(), uuid4()]
        said = {"result": "solved", "measures": "已清理。", "by": self.company.liaisons[unit][0]}
        acts = [
            partial(dispatches.report_back, part, request_id=form, seen_state=part.state, **said)
            for form, part in ((one, self.part(unit)) for one in forms)
        ]
        name = "report, one form twice" if same_form else "report / report"
        self.race(name, *acts, left=self.entries("dispatch_reported"), winners=2 if same_form else 1)

    def rework_or_close(self, unit: int) -> bool:
        """Whether it was sent back."""
        again_please = partial(
            whistles.rework, self.part(unit), by=self.company.desk[0], seen_state="reported", reason="又回来了"
        )
        left = self.entries("dispatch_rework", "whistle_closed")
        self.race("rework / close", again_please, self._closing(1), left=left)
        return bool(self.part(unit).state == "rework")

    def close(self) -> None:
        left = self.entries("whistle_closed")
        self.race("close / close", self._closing(0), self._closing(1), left=left)

    def _closing(self, who: int) -> Act:
        lead = self.part(self.company.departments[0].pk)
        said = {"seen_state": "reported", "ratings": {lead.pk: Rating(1)}}
        return partial(whistles.close, self.whistle(), by=self.company.desk[who], **said)

    def appeal(self, unit: int) -> None:
        asks = [
            partial(appeals.ask, self.part(unit), by=by, request_id=uuid4(), text="当天就去了。")
            for by in self.company.liaisons[unit]
        ]
        self.race("appeal / appeal", *asks, left=self.entries("appeal_asked"))
        related = "dispatch__whistle__by_unit", "dispatch__department", "dispatch__by_unit"
        said = {"by": self.company.guidance, "seen_state": "asked", "decision": "有记录。"}
        acts = [
            partial(
                appeals.decide,
                Appeal.objects.select_related(*related).get(dispatch=self.part(unit)),
                outcome=way,
                **said,
            )
            for way in ("upheld", "struck")
        ]
        self.race("uphold / strike", *acts, left=self.entries("appeal_decided"))


def neighbours(company: Company, lane: Track) -> None:
    """One event offered to the neighbour, two that are merged, each into the other."""

    def entries(verbs: list[str], *about: Event) -> Callable[[], int]:
        return lambda: int(Entry.objects.about(*about).filter(verb__in=verbs).count())

    one, other, given = (reported(company) for _ in range(3))
    lane.race(
        "merge each into the other",
        partial(merges.merge, again(one), by=company.desk[0], seen_state="reported", into=again(other)),
        partial(merges.merge, again(other), by=company.desk[1], seen_state="reported", into=again(one)),
        left=entries(["event_merged"], one, other),
    )
    offers = [
        partial(handovers.offer, again(given), by=by, request_id=uuid4(), seen_state="reported", **said)
        for by, said in ((by, {"to": company.neighbour, "reason": "在你们那边"}) for by in company.desk)
    ]
    lane.race("offer / offer", *offers, left=entries(["handover_asked"], given))

    def asked() -> Handover:
        related = ("event__township", "event__category", "from_township", "to_township")
        return Handover.objects.select_related(*related).get(event=given)

    lane.race(
        "accept / take back",
        partial(handovers.accept, asked(), by=company.neighbour_desk, seen_state="asked"),
        partial(handovers.take_back, asked(), by=company.desk[0], seen_state="asked"),
        left=entries(["handover_accepted", "handover_taken_back"], given),
    )


def reported(company: Company) -> Event:
    return events.report(
        by=company.reporter,
        request_id=uuid4(),
        category=Category.objects.exclude(parent=None).order_by("code")[0],
        title="沿街摊点占道",
        facts=WORDS,
        place=events.Place(company.township, "东街 8 号", grid=None),
        is_urgent=False,
        origin=events.Origin(),
    )


def again(event: Event) -> Event:
    """As another browser's request reads it for itself."""
    return Event.objects.select_related("township", "category", "reported_by").get(pk=event.pk)


def company_of_bench() -> Company:
    """The staff of the bench's townships and departments, and somebody at the guidance office."""
    seed.base()
    township, neighbour = Unit.objects.townships().order_by("code")[:2]
    departments = tuple(Unit.objects.departments().order_by("code")[:2])
    office = Unit.objects.get(kind=Unit.Kind.GUIDANCE)
    guidance = User.objects.create(username="guidance", name="指导办", email="guidance@demo.invalid")
    Post.objects.create(user=guidance, unit=office, role=Role.GUIDANCE)
    people = {user.username: user for user in User.objects.all()}
    code = township.code
    return Company(
        township=township,
        neighbour=neighbour,
        departments=(departments[0], departments[1]),
        reporter=people[f"{code}-grid-0"],
        desk=(people[f"{code}-duty-0"], people[f"{code}-leader-0"]),
        neighbour_desk=people[f"{neighbour.code}-duty-0"],
        leader=people[f"{code}-leader-0"],
        liaisons={unit.pk: (people[f"{unit.code}-0"], people[f"{unit.code}-1"]) for unit in departments},
        guidance=guidance,
    )
