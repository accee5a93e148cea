"""The demo's verbs say and do what the services say and do: the same cases, walked both ways, compared row by row."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import models, transaction

from command_room.demo import messages
from command_room.demo.book import Book
from command_room.demo.cast import Department, Town
from command_room.demo.clocks import Clocks
from command_room.demo.verbs import action as book_action
from command_room.demo.verbs import appeal as book_appeals
from command_room.demo.verbs import check as book_checks
from command_room.demo.verbs import dispatch as book_dispatches
from command_room.demo.verbs import event as book_events
from command_room.demo.verbs import extension as book_extensions
from command_room.demo.verbs import handover as book_handovers
from command_room.demo.verbs import merge as book_merges
from command_room.demo.verbs import returns as book_returns
from command_room.demo.verbs import suspension as book_suspensions
from command_room.demo.verbs import whistle as book_whistles
from command_room.demo.verbs import withdrawal as book_withdrawal
from enforcement.models import (
    Appeal,
    Attendance,
    Category,
    Check,
    Dispatch,
    Event,
    Extension,
    Handover,
    Remark,
    Report,
    Return,
    Suspension,
    Whistle,
)
from enforcement.rules.deadlines import Step
from enforcement.services import action, claim, returns, withdrawal
from enforcement.services import appeal as appeals
from enforcement.services import check as checks
from enforcement.services import dispatch as dispatches
from enforcement.services import event as events
from enforcement.services import extension as extensions
from enforcement.services import handover as handovers
from enforcement.services import merge as merges
from enforcement.services import suspension as suspensions
from enforcement.services import whistle as whistles
from enforcement.services.rating import Rating
from notifications import kinds
from notifications.models import Message
from records.models import Entry
from tests.cast import Cast

START = datetime(2026, 11, 24, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
UNTIL = date(2026, 12, 18)
WAITING = {"reason": "works", "text": "等施工。"}
LIMIT = Step("work_minutes", 120)
ASSEMBLY = {
    "kind": "campaign",
    "title": "农贸市场联合检查",
    "facts": "几家一起查。",
    "area": "镇区",
    "assemble_at": START + timedelta(days=9),
    "assemble_place": "西门",
}
NOT_OURS = {"ground": "unclear", "article": "", "text": "没有写是哪几家。"}
WORDS = {"title": "老市场西门熟食摊无证经营", "facts": "三个摊没有登记。"}


class Services:
    """The portal itself, with the clock set by hand."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast

    def at(self, minutes: float, act: Callable[[], Any]) -> Any:
        with time_machine.travel(START + timedelta(minutes=minutes), tick=False):
            return act()

    def report(self, minutes: float, *, is_urgent: bool = False, settled: str = "") -> Event:
        place = events.Place(self.cast.ganlin, "老市场西门", grid=self.cast.ganlin_grid)
        return self.at(
            minutes,
            lambda: events.report(
                by=self.cast.grid,
                request_id=uuid4(),
                category=Category.objects.get(code="0601"),
                place=place,
                is_urgent=is_urgent,
                origin=events.Origin(),
                settled=settled,
                **WORDS,
            ),
        )

    def verify(self, minutes: float, event: Event) -> None:
        self.at(minutes, lambda: events.verify(event, by=self.cast.duty, seen_state=event.state))

    def settle(self, minutes: float, event: Event) -> None:
        act = lambda: events.settle(event, by=self.cast.officer, seen_state=event.state, result="已清理。")  # noqa: E731
        self.at(minutes, act)

    def hand(self, minutes: float, event: Event) -> None:
        act = lambda: events.hand_to_squad(event, by=self.cast.duty, seen_state=event.state, limit=LIMIT)  # noqa: E731
        self.at(minutes, act)

    def dismiss(self, minutes: float, event: Event) -> None:
        reason = {"reason": "untrue", "text": "未见所述情况。"}
        self.at(minutes, lambda: events.dismiss(event, by=self.cast.duty, seen_state=event.state, **reason))

    def submit(self, minutes: float, event: Event, kind: str) -> Whistle:
        return self.at(
            minutes,
            lambda: whistles.submit(
                event,
                by=self.cast.duty,
                request_id=uuid4(),
                seen_state=event.state,
                kind=kind,
                facts="请查处。",
                why="joint",
                why_text="",
                lead=self.cast.scjg,
                helpers=[self.cast.zrzy],
            ),
        )

    def approve(self, minutes: float, whistle: Whistle) -> None:
        self.at(minutes, lambda: whistles.approve(whistle, by=self.cast.leader, seen_state=whistle.state))

    def confirm(self, minutes: float, whistle: Whistle) -> None:
        self.at(minutes, lambda: whistles.confirm_emergency(whistle, by=self.cast.leader))

    def reject(self, minutes: float, whistle: Whistle) -> None:
        act = lambda: whistles.reject(  # noqa: E731
            whistle, by=self.cast.leader, seen_state=whistle.state, reason="先由队伍处置。"
        )
        self.at(minutes, act)

    def extend(self, minutes: float, part: Dispatch) -> Extension:
        said = {"by": self.cast.scjg_liaison, "request_id": uuid4(), "reason": "等检测。"}
        return self.at(minutes, lambda: extensions.ask(part, **said))

    def grant(self, minutes: float, made: Extension, by: Any) -> None:
        self.at(minutes, lambda: extensions.grant(Extension.objects.get(pk=made.pk), by=by))
        made.dispatch.refresh_from_db()

    def refuse_extension(self, minutes: float, made: Extension) -> None:
        self.at(minutes, lambda: extensions.refuse(made, by=self.cast.duty, decision="能办完。"))

    def suspend(self, minutes: float, whistle: Whistle, by: Any) -> Suspension:
        whistle.refresh_from_db()
        said = {"by": by, "request_id": uuid4(), "until": UNTIL, **WAITING}
        return self.at(minutes, lambda: suspensions.ask(whistle, **said))

    def suspended(self, minutes: float, made: Suspension) -> None:
        self.at(minutes, lambda: suspensions.approve(Suspension.objects.get(pk=made.pk), by=self.cast.leader))

    def refuse_suspension(self, minutes: float, made: Suspension) -> None:
        self.at(minutes, lambda: suspensions.refuse(made, by=self.cast.leader, decision="批复已到。"))

    def resume(self, minutes: float, made: Suspension) -> None:
        whistle = Whistle.objects.get(pk=made.whistle_id)
        self.at(minutes, lambda: suspensions.resume(whistle, by=self.cast.duty))

    def withdraw(self, minutes: float, whistle: Whistle) -> None:
        whistle.refresh_from_db()
        said = {"by": self.cast.duty, "seen_state": whistle.state, "reason": "已自行解决。"}
        self.at(minutes, lambda: withdrawal.withdraw(whistle, **said))

    def parts(self, whistle: Whistle) -> list[Dispatch]:
        return list(whistle.dispatches.select_related("whistle", "department", "by_unit").order_by("id"))

    def start(self, minutes: float) -> Whistle:
        asked = {"lead": self.cast.ganlin, "helpers": [self.cast.zrzy], "tasks": self.tasks()}
        start = lambda: action.submit(  # noqa: E731
            self.cast.scjg, by=self.cast.scjg_liaison, request_id=uuid4(), **ASSEMBLY, **asked
        )
        whistle = self.at(minutes, start)
        who = {"by": self.cast.scjg_leader, "seen_state": "submitted"}
        self.at(minutes + 1, lambda: whistles.approve(whistle, **who))
        return whistle

    def tasks(self) -> dict[int, str]:
        return {self.cast.ganlin.pk: "清出通道。", self.cast.zrzy.pk: "核用地。"}

    def take(self, minutes: float, obj: Any, by: Any) -> None:
        self.at(minutes, lambda: claim.take(obj, by=by))

    def sign(self, minutes: float, part: Dispatch, by: Any, *, unit: Any = None, officer: Any = None) -> None:
        goes = {"assigned_unit": unit, "assigned_officer": officer}
        part.refresh_from_db(fields=["sign_due"])  # as a page would read it
        self.at(minutes, lambda: dispatches.sign(part, by=by, seen_state="sent", **goes))

    def arrive(self, minutes: float, part: Dispatch, by: Any, officers: list[Any]) -> None:
        goes = {"officers": officers, "uses_power": False}
        self.at(minutes, lambda: dispatches.arrive(part, by=by, seen_state="signed", **goes))

    def interim(self, minutes: float, part: Dispatch, by: Any) -> None:
        self.at(minutes, lambda: dispatches.report_interim(part, by=by, request_id=uuid4(), measures="在查。"))

    def report_back(self, minutes: float, part: Dispatch, by: Any) -> None:
        words = {"result": "ordered", "measures": "责令改正。", "seen_state": part.state, "request_id": uuid4()}
        self.at(minutes, lambda: dispatches.report_back(part, by=by, **words))

    def remark(self, minutes: float, part: Dispatch, by: Any) -> None:
        self.at(minutes, lambda: dispatches.remark(part, by=by, request_id=uuid4(), text="到后请联系。"))

    def rework(self, minutes: float, part: Dispatch) -> None:
        act = lambda: whistles.rework(part, by=self.cast.duty, seen_state="reported", reason="请补照片。")  # noqa: E731
        self.at(minutes, act)

    def ask(self, minutes: float, part: Dispatch, by: Any) -> Return:
        act = lambda: returns.ask(part, by=by, seen_state="sent", request_id=uuid4(), **NOT_OURS)  # noqa: E731
        return self.at(minutes, act)

    def agree(self, minutes: float, made: Return) -> None:
        self.at(minutes, lambda: returns.agree(made.dispatch, by=self.cast.scjg_leader, seen_state="returning"))

    def decline(self, minutes: float, made: Return) -> None:
        said = {"by": self.cast.scjg_leader, "seen_state": "returning", "text": "归我们管。"}
        self.at(minutes, lambda: returns.decline(made.dispatch, **said))

    def decide(self, minutes: float, made: Return, how: str, **to: Any) -> Any:
        said = {"by": self.cast.zdb_officer, "seen_state": "arbitration", "decision": "职责清楚。", **to}
        return self.at(minutes, lambda: getattr(returns, how)(made.dispatch, **said))

    def close(self, minutes: float, whistle: Whistle, *stars: int) -> None:
        whistle.refresh_from_db()
        ratings = [Rating(star, ("fast",), "辛苦") for star in stars]
        given = dict(zip([part.pk for part in self.parts(whistle)], ratings, strict=False))
        act = lambda: whistles.close(whistle, by=self.cast.duty, seen_state=whistle.state, ratings=given)  # noqa: E731
        self.at(minutes, act)

    def look(self, minutes: float, whistle: Whistle) -> None:
        check = Check.objects.select_related("whistle__by_unit").get(whistle=whistle, state="asked")
        said = {"seen_state": "asked", "answer": "failed", "text": "还在。"}
        self.at(minutes, lambda: checks.answer(check, by=self.cast.grid, **said))

    def appeal(self, minutes: float, part: Dispatch) -> Appeal:
        part = self.parts(part.whistle)[0]
        by = self.cast.scjg_liaison
        return self.at(minutes, lambda: appeals.ask(part, by=by, request_id=uuid4(), text="到得不晚。"))

    def strike(self, minutes: float, appeal: Appeal) -> None:
        said = {"seen_state": "asked", "outcome": "struck", "decision": "不计。"}
        self.at(minutes, lambda: appeals.decide(appeal, by=self.cast.zdb_officer, **said))

    def merge(self, minutes: float, event: Event, into: Event) -> None:
        self.at(minutes, lambda: merges.merge(event, by=self.cast.duty, seen_state="reported", into=into))

    def offer(self, minutes: float, event: Event) -> Handover:
        given = {"request_id": uuid4(), "seen_state": event.state, "to": self.cast.changle, "reason": "在长乐。"}
        return self.at(minutes, lambda: handovers.offer(event, by=self.cast.duty, **given))

    def accept(self, minutes: float, handover: Handover) -> None:
        self.at(minutes, lambda: handovers.accept(handover, by=self.cast.changle_duty, seen_state="asked"))

    def refuse(self, minutes: float, handover: Handover) -> None:
        said = {"seen_state": "asked", "decision": "不是。"}
        self.at(minutes, lambda: handovers.refuse(handover, by=self.cast.changle_duty, **said))

    def take_back(self, minutes: float, handover: Handover) -> None:
        self.at(minutes, lambda: handovers.take_back(handover, by=self.cast.duty, seen_state="asked"))


class OnPaper:
    """The demo's way: unsaved rows in a book."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        grids = [(cast.ganlin_grid, cast.grid)]
        changle = Town(cast.changle, duty=[cast.changle_duty])
        self.town = Town(cast.ganlin, grids=grids, duty=[cast.duty], leaders=[cast.leader], officers=[cast.officer])
        scjg = Department(cast.scjg, liaisons=[cast.scjg_liaison])
        scjg.leaders = [cast.scjg_leader]
        zrzy = Department(cast.zrzy, liaisons=[cast.zrzy_liaison])
        zfj = Department(cast.zfj, liaisons=[cast.zfj_liaison])
        zrzy.stations = {cast.ganlin.pk: (cast.zrzy_station, [cast.zrzy_officer])}
        holders = (cast.scjg_officer, cast.zrzy_officer, cast.officer)
        sides = {
            cast.ganlin.pk: self.town,
            cast.changle.pk: changle,
            cast.scjg.pk: scjg,
            cast.zrzy.pk: zrzy,
            cast.zfj.pk: zfj,
        }
        people = SimpleNamespace(
            towns={cast.ganlin.code: self.town},
            departments={"scjg": scjg, "zrzy": zrzy, "zfj": zfj},
            guidance=[cast.zdb_officer],
            side=lambda unit: sides[unit.pk],
            certificates={user.username: user.certificates.get() for user in holders},
        )
        self.book = Book(people, Clocks(START), Random(1))  # type: ignore[arg-type]
        self.finals: dict[UUID, Report] = {}

    def time(self, minutes: float) -> datetime:
        return START + timedelta(minutes=minutes)

    def report(self, minutes: float, *, is_urgent: bool = False, settled: str = "") -> Event:
        event = Event(
            township=self.town.unit,
            grid=self.cast.ganlin_grid,
            category=Category.objects.get(code="0601"),
            place="老市场西门",
            is_urgent=is_urgent,
            reported_at=self.time(minutes),
            reported_by=self.cast.grid,
            **WORDS,
        )
        return book_events.report(self.book, event, town=self.town, settled=settled)

    def verify(self, minutes: float, event: Event) -> None:
        book_events.verify(self.book, event, by=self.cast.duty, at=self.time(minutes))

    def settle(self, minutes: float, event: Event) -> None:
        book_events.settle(self.book, event, by=self.cast.officer, at=self.time(minutes), result="已清理。")

    def hand(self, minutes: float, event: Event) -> None:
        who = {"by": self.cast.duty, "town": self.town}
        book_events.hand_to_squad(self.book, event, at=self.time(minutes), limit=LIMIT, **who)

    def dismiss(self, minutes: float, event: Event) -> None:
        reason = {"reason": "untrue", "text": "未见所述情况。"}
        book_events.dismiss(self.book, event, by=self.cast.duty, at=self.time(minutes), **reason)

    def submit(self, minutes: float, event: Event, kind: str) -> Whistle:
        return book_whistles.submit(
            self.book,
            event,
            by=self.cast.duty,
            at=self.time(minutes),
            town=self.town,
            kind=kind,
            facts="请查处。",
            why="joint",
            why_text="",
            units=[self.cast.scjg, self.cast.zrzy],
        )

    def approve(self, minutes: float, whistle: Whistle) -> None:
        units = [self.cast.scjg, self.cast.zrzy]
        who = {"by": self.cast.leader, "town": self.town}
        book_whistles.approve(self.book, whistle, at=self.time(minutes), units=units, **who)

    def confirm(self, minutes: float, whistle: Whistle) -> None:
        book_whistles.confirm_emergency(self.book, whistle, by=self.cast.leader, at=self.time(minutes))

    def reject(self, minutes: float, whistle: Whistle) -> None:
        who = {"by": self.cast.leader, "town": self.town}
        book_whistles.reject(self.book, whistle, at=self.time(minutes), reason="先由队伍处置。", **who)

    def extend(self, minutes: float, part: Dispatch) -> Extension:
        said = {"by": self.cast.scjg_liaison, "at": self.time(minutes), "reason": "等检测。"}
        return book_extensions.ask(self.book, part, **said)

    def grant(self, minutes: float, made: Extension, by: Any) -> None:
        book_extensions.grant(self.book, made, by=by, at=self.time(minutes))

    def refuse_extension(self, minutes: float, made: Extension) -> None:
        said = {"by": self.cast.duty, "at": self.time(minutes), "decision": "能办完。"}
        book_extensions.refuse(self.book, made, **said)

    def suspend(self, minutes: float, whistle: Whistle, by: Any) -> Suspension:
        said = {"by": by, "at": self.time(minutes), "until": UNTIL, **WAITING}
        return book_suspensions.ask(self.book, whistle, **said)

    def suspended(self, minutes: float, made: Suspension) -> None:
        book_suspensions.approve(self.book, made, by=self.cast.leader, at=self.time(minutes))

    def refuse_suspension(self, minutes: float, made: Suspension) -> None:
        said = {"by": self.cast.leader, "at": self.time(minutes), "decision": "批复已到。"}
        book_suspensions.refuse(self.book, made, **said)

    def resume(self, minutes: float, made: Suspension) -> None:
        book_suspensions.resume(self.book, made, by=self.cast.duty, at=self.time(minutes))

    def withdraw(self, minutes: float, whistle: Whistle) -> None:
        said = {"by": self.cast.duty, "at": self.time(minutes), "reason": "已自行解决。"}
        book_withdrawal.withdraw(self.book, whistle, **said)

    def parts(self, whistle: Whistle) -> list[Dispatch]:
        return self.book.parts[whistle.request_id]

    def start(self, minutes: float) -> Whistle:
        asked = [(self.cast.ganlin, "清出通道。"), (self.cast.zrzy, "核用地。")]
        said = {"by": self.cast.scjg_liaison, "at": self.time(minutes), "asked": asked}
        whistle = book_action.submit(self.book, self.cast.scjg, **said, **ASSEMBLY)
        who = {"by": self.cast.scjg_leader, "town": self.book.cast.side(self.cast.scjg)}
        units = [unit for unit, _ in asked]
        book_whistles.approve(self.book, whistle, at=self.time(minutes + 1), units=units, **who)
        return whistle

    def take(self, minutes: float, obj: Any, by: Any) -> None:
        book_dispatches.take(self.book, obj, by=by, at=self.time(minutes))

    def sign(self, minutes: float, part: Dispatch, by: Any, *, unit: Any = None, officer: Any = None) -> None:
        book_dispatches.sign(self.book, part, by=by, at=self.time(minutes), unit=unit, officer=officer)

    def arrive(self, minutes: float, part: Dispatch, by: Any, officers: list[Any]) -> None:
        book_dispatches.arrive(self.book, part, by=by, at=self.time(minutes), officers=officers)

    def interim(self, minutes: float, part: Dispatch, by: Any) -> None:
        book_dispatches.report_interim(self.book, part, by=by, at=self.time(minutes), measures="在查。")

    def report_back(self, minutes: float, part: Dispatch, by: Any) -> None:
        words = {"result": "ordered", "measures": "责令改正。"}
        made = book_dispatches.report_back(self.book, part, by=by, at=self.time(minutes), **words)
        if part.is_lead:
            self.finals[part.whistle.request_id] = made

    def remark(self, minutes: float, part: Dispatch, by: Any) -> None:
        book_dispatches.remark(self.book, part, by=by, at=self.time(minutes), text="到后请联系。")

    def rework(self, minutes: float, part: Dispatch) -> None:
        who = {"by": self.cast.duty, "at": self.time(minutes)}
        book_whistles.rework(self.book, part, reason="请补照片。", **who)

    def ask(self, minutes: float, part: Dispatch, by: Any) -> Return:
        return book_returns.ask(self.book, part, by=by, at=self.time(minutes), **NOT_OURS)

    def agree(self, minutes: float, made: Return) -> None:
        book_returns.agree(self.book, made, by=self.cast.scjg_leader, at=self.time(minutes))

    def decline(self, minutes: float, made: Return) -> None:
        book_returns.decline(self.book, made, by=self.cast.scjg_leader, at=self.time(minutes), text="归我们管。")

    def decide(self, minutes: float, made: Return, how: str, **to: Any) -> Any:
        said = {"by": self.cast.zdb_officer, "at": self.time(minutes), "decision": "职责清楚。", **to}
        return getattr(book_returns, how)(self.book, made, **said)

    def close(self, minutes: float, whistle: Whistle, *stars: int) -> None:
        ratings = {index: Rating(star, ("fast",), "辛苦") for index, star in enumerate(stars)}
        who = {"by": self.cast.duty, "at": self.time(minutes), "ratings": ratings}
        book_whistles.close(self.book, whistle, last_report=self.finals[whistle.request_id], **who)

    def look(self, minutes: float, whistle: Whistle) -> None:
        check = book_checks.open_check(self.book, whistle)
        assert check is not None
        said = {"answer": "failed", "text": "还在。"}
        book_checks.answer(self.book, check, by=self.cast.grid, at=self.time(minutes), **said)

    def appeal(self, minutes: float, part: Dispatch) -> Appeal:
        return book_appeals.ask(self.book, part, by=self.cast.scjg_liaison, at=self.time(minutes), text="到得不晚。")

    def strike(self, minutes: float, appeal: Appeal) -> None:
        said = {"outcome": "struck", "decision": "不计。"}
        book_appeals.decide(self.book, appeal, by=self.cast.zdb_officer, at=self.time(minutes), **said)

    def merge(self, minutes: float, event: Event, into: Event) -> None:
        book_merges.merge(self.book, event, by=self.cast.duty, at=self.time(minutes), into=into)

    def offer(self, minutes: float, event: Event) -> Handover:
        given = {"to": self.cast.changle, "reason": "在长乐。"}
        return book_handovers.offer(self.book, event, by=self.cast.duty, at=self.time(minutes), **given)

    def accept(self, minutes: float, handover: Handover) -> None:
        book_handovers.accept(self.book, handover, by=self.cast.changle_duty, at=self.time(minutes))

    def refuse(self, minutes: float, handover: Handover) -> None:
        said = {"decision": "不是。"}
        book_handovers.refuse(self.book, handover, by=self.cast.changle_duty, at=self.time(minutes), **said)

    def take_back(self, minutes: float, handover: Handover) -> None:
        book_handovers.take_back(self.book, handover, by=self.cast.duty, at=self.time(minutes))


DAY = 1440


def live(hand: Services | OnPaper, cast: Cast) -> None:
    """Every verb once at least, in time and late."""
    hand.report(0, settled="当场劝离。")
    hand.dismiss(12, hand.report(1))
    squad = hand.report(2, is_urgent=True)
    hand.hand(9, squad)
    hand.take(11, squad, cast.officer)
    hand.settle(300, squad)
    whole(hand, cast)
    rejected = hand.report(5)
    hand.verify(20, rejected)
    hand.reject(30, hand.submit(22, rejected, "routine"))
    emergency(hand, cast)
    hand.take(44, hand.submit(43, hand.report(40), "urgent"), cast.leader)
    returned(hand, cast)
    together(hand, cast)
    paused(hand, cast)
    judged(hand, cast)
    neighbours(hand)


def judged(hand: Services | OnPaper, cast: Cast) -> None:
    """Confirmed with two stars, which the department does not accept."""
    whistle = hand.submit(101, hand.report(100), "urgent")
    hand.approve(102, whistle)
    lead, _ = hand.parts(whistle)
    hand.sign(103, lead, cast.scjg_liaison)
    hand.arrive(104, lead, cast.scjg_liaison, [cast.scjg_officer])
    hand.report_back(105, lead, cast.scjg_liaison)
    hand.close(110, whistle, 2)
    hand.strike(240, hand.appeal(120, lead))


def neighbours(hand: Services | OnPaper) -> None:
    """Two reports of one matter; one to each end of a hand-over."""
    main = hand.report(130)
    hand.merge(132, hand.report(131), main)
    hand.settle(135, main)
    for minutes, answer in ((140, hand.refuse), (150, hand.take_back), (160, hand.accept)):
        given = hand.report(minutes)
        hand.verify(minutes + 1, given)
        answer(minutes + 200, hand.offer(minutes + 2, given))
    hand.offer(181, hand.report(180, is_urgent=True))


def together(hand: Services | OnPaper, cast: Cast) -> None:
    """A department's joint action: a township leads, and comes to an assembly that is later than its kind's limit."""
    lead, helper = hand.parts(hand.start(63))
    hand.sign(70, lead, cast.duty, officer=cast.officer)
    hand.sign(71, helper, cast.zrzy_liaison)
    hand.remark(72, lead, cast.scjg_liaison)
    hand.remark(73, lead, cast.duty)
    hand.arrive(9 * DAY, lead, cast.officer, [cast.officer])
    hand.report_back(10 * DAY, lead, cast.officer)


def whole(hand: Services | OnPaper, cast: Cast) -> None:
    """A campaign whistle to its end: both sign, one late; remarks, interim report, rework, confirmed with stars."""
    event = hand.report(3)
    hand.verify(15, event)
    whistle = hand.submit(17, event, "campaign")
    hand.approve(25, whistle)
    lead, helper = hand.parts(whistle)
    hand.sign(60, lead, cast.scjg_liaison, officer=cast.scjg_officer)
    hand.sign(2 * DAY, helper, cast.zrzy_liaison, unit=cast.zrzy_station)
    hand.remark(2 * DAY + 1, helper, cast.duty)
    hand.remark(2 * DAY + 2, helper, cast.zrzy_officer)
    hand.arrive(2 * DAY + 5, lead, cast.scjg_officer, [cast.scjg_officer, cast.scjg_liaison])
    hand.take(2 * DAY + 6, lead, cast.scjg_liaison)
    hand.interim(9 * DAY, lead, cast.scjg_officer)
    hand.report_back(10 * DAY, lead, cast.scjg_officer)
    hand.look(12 * DAY, whistle)
    hand.rework(14 * DAY, lead)
    hand.report_back(15 * DAY, lead, cast.scjg_officer)
    hand.close(16 * DAY, whistle, 5, 3)


def emergency(hand: Services | OnPaper, cast: Cast) -> None:
    whistle = hand.submit(31, hand.report(30, is_urgent=True), "emergency")
    lead, helper = hand.parts(whistle)
    hand.sign(40, lead, cast.scjg_liaison)
    hand.arrive(50, lead, cast.scjg_liaison, [cast.scjg_officer])
    hand.sign(55, helper, cast.zrzy_officer)
    hand.confirm(31 + 130, whistle)


def returned(hand: Services | OnPaper, cast: Cast) -> None:
    """退哨 with every answer there is; the other department signs afterwards."""

    def sent(kind: str) -> list[Dispatch]:
        whistle = hand.submit(61, hand.report(60), kind)
        hand.approve(62, whistle)
        return hand.parts(whistle)

    lead, helper = sent("routine")
    hand.decline(75, hand.ask(70, lead, cast.scjg_liaison))
    hand.sign(80, helper, cast.zrzy_liaison)
    hand.sign(81, lead, cast.scjg_liaison)
    lead, helper = sent("urgent")
    made = hand.ask(70, lead, cast.scjg_liaison)
    hand.agree(75, made)
    hand.decide(DAY, made, "uphold")
    hand.sign(DAY + 5, helper, cast.zrzy_liaison)
    lead, helper = sent("routine")
    heir = hand.decide(DAY, hand.ask(70, lead, cast.scjg_leader), "reassign", to_unit=cast.zfj)
    hand.sign(DAY + 5, helper, cast.zrzy_liaison)
    hand.sign(DAY + 6, heir, cast.zfj_liaison)
    lead, helper = sent("campaign")
    hand.decide(DAY, hand.ask(70, helper, cast.zrzy_liaison), "release")
    hand.sign(DAY + 5, lead, cast.scjg_liaison)


def paused(hand: Services | OnPaper, cast: Cast) -> None:
    """延期 with every answer, 挂账 refused, approved and resumed, 撤哨 before and after the approval."""

    def sent(kind: str) -> Whistle:
        whistle = hand.submit(81, hand.report(80), kind)
        hand.approve(82, whistle)
        return whistle

    campaign = sent("campaign")
    lead, helper = hand.parts(campaign)
    hand.sign(90, lead, cast.scjg_liaison, officer=cast.scjg_officer)
    hand.grant(95, hand.extend(91, lead), cast.duty)
    hand.refuse_suspension(97, hand.suspend(96, campaign, cast.scjg_leader))
    made = hand.suspend(98, campaign, cast.duty)
    hand.suspended(99, made)
    hand.resume(5 * DAY, made)
    hand.sign(5 * DAY + 20, helper, cast.zrzy_liaison)
    hand.grant(6 * DAY, hand.extend(5 * DAY + 30, lead), cast.zdb_officer)
    routine = sent("routine")
    lead, helper = hand.parts(routine)
    hand.sign(90, lead, cast.scjg_liaison)
    hand.refuse_extension(92, hand.extend(91, lead))
    hand.suspended(DAY, hand.suspend(93, routine, cast.scjg_liaison))
    hand.withdraw(2 * DAY, routine)
    hand.withdraw(83, hand.submit(81, hand.report(80), "urgent"))


FACTS = (Check, Appeal, Handover, Extension, Suspension, Return, Event, Whistle, Dispatch, Attendance, Report, Remark)
MESSAGE_FIELDS = ("number", "matter", "unit")
NOT_COMPARED = {"id", "request_id", "changed_at", "event", "whistle", "dispatch", "merged_into"}


def rows_of(model: type[models.Model]) -> list[dict[str, Any]]:
    fields = [field for field in model._meta.concrete_fields if field.name not in NOT_COMPARED]
    return [{f.attname: getattr(row, f.attname) for f in fields} for row in model._default_manager.order_by("id")]


def written() -> dict[str, Any]:
    """All that has been written, without keys: rows, timeline, messages, and when each row last changed."""
    things = {(type(row), row.pk): row for model in (Event, Whistle, Dispatch) for row in model.objects.all()}
    entries = []
    for entry in Entry.objects.select_related("target_type").order_by("at", "id"):
        target = things.get((entry.target_type.model_class(), entry.target_id))
        if target is not None:  # and not the import of a calendar
            said = [getattr(entry, name) for name in ("verb", "what", "stage", "from_state", "to_state", "by_id", "at")]
            entries.append((target.number, entry.by_office, *said, sorted(entry.data)))
    told = [
        (
            row.kind,
            row.recipient_id,
            *(row.data[name] for name in MESSAGE_FIELDS),
            kinds.restore(row.kind, row.data).due_at,
        )
        for row in Message.objects.all()
    ]
    return {
        **{model.__name__: rows_of(model) for model in FACTS},
        "entries": sorted(entries, key=repr),
        "messages": sorted(told, key=lambda line: (line[:-1], str(line[-1]))),
        "changed": sorted((row.number, row.changed_at) for row in things.values()),
    }


@pytest.mark.usefixtures("rules")
def test_verbs_write_what_the_services_write(cast: Cast) -> None:
    cast.scjg.return_needs_leader = True
    cast.scjg.save()
    with transaction.atomic():
        live(Services(cast), cast)
        by_services = written()
        transaction.set_rollback(True)
    paper = OnPaper(cast)
    live(paper, cast)
    paper.book.save()
    messages.save(paper.book.notices, START, Random(1))
    on_paper = written()
    for part, rows in by_services.items():
        missing = [row for row in rows if row not in on_paper[part]]
        invented = [row for row in on_paper[part] if row not in rows]
        assert (missing, invented) == ([], []), part
        assert len(on_paper[part]) == len(rows), part
