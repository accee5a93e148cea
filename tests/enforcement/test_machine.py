"""A whistle and all that may become of it, walked at random through what the pages offer, with time going by.

After every act: where it stands equals what its dispatches say, every due time equals what is counted anew from the facts,
the custody of each dispatch adds up without a gap, the timeline is complete, and whoever takes a matter over is told.
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from enforcement import permissions as may
from enforcement.models import Appeal, Check, Dispatch, Escalation, Event, Extension, Return, Suspension, Whistle
from enforcement.rules.clocks import hands, next_due, stints, whistle_next_due, whistle_state
from enforcement.services import action, appeal, check, escalation, extension, returns, suspension, withdrawal
from enforcement.services import dispatch as dispatches
from enforcement.services import whistle as whistles
from enforcement.services.clocks import count, count_whistle, course_of, part_of
from enforcement.services.rating import Rating
from notifications.models import Message
from records.models import Entry
from records.services import Refused
from tests.cast import Cast, PostFactory
from tests.enforcement import walk
from townships.models import Role, Unit, User

pytestmark = pytest.mark.usefixtures("calendar_2026")
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "12"))
BEFORE_THE_END = 8  # acts before somebody may withdraw it all: most walks would be over at once
START = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # 09:00 of a Tuesday in Shanghai
WAITS = (timedelta(minutes=3), timedelta(minutes=25), timedelta(hours=2), timedelta(hours=9), timedelta(days=2))
Act = tuple[str, Callable[[], object]]


class Machine(RuleBasedStateMachine):
    """One whistle. `cast` is set by the test, which also rolls the database back."""

    cast: Cast
    desks: dict[int, User]

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.clock = time_machine.travel(START, tick=False)
        self.now = self.clock.start()
        self.whistle: Whistle | None = None
        self.acted = 0

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    # --- what happens -----------------------------------------------------------------------------------------------
    @initialize(
        kind=st.sampled_from(Whistle.Kind.values),
        helpers=st.integers(0, 2),
        is_action=st.booleans(),
        needs_leader=st.booleans(),
    )
    def blow(self, kind: str, helpers: int, is_action: bool, needs_leader: bool) -> None:
        cast = self.cast
        Unit.objects.filter(pk=cast.scjg.pk).update(return_needs_leader=needs_leader)
        others = [cast.zrzy, cast.zfj][:helpers]
        if is_action:
            self.whistle = joint_action(cast, kind, others)
        else:
            self.whistle = walk.submitted(cast, kind, helpers=others)

    @rule(wait=st.sampled_from(WAITS))
    def wait(self, wait: timedelta) -> None:
        """Time goes by, and what the clock does by itself is done."""
        self.now.shift(wait)
        suspension.resume_due_ones()
        escalation.sweep()
        before = Escalation.objects.count()
        escalation.sweep()
        assert Escalation.objects.count() == before, "a second sweep does nothing"

    @precondition(lambda self: self.whistle is not None)
    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        acts = list(self.permitted())
        if not acts:
            return
        name, act = data.draw(st.sampled_from(acts), label="act")
        self.acted += 1
        before = Message.objects.count()
        held = self.holders()
        try:
            with transaction.atomic():
                act()
        except Refused as refused:
            assert str(refused), name
            return
        if self.holders() != held:
            assert Message.objects.count() > before, f"{name}: nobody was told that it is theirs now"

    # --- what holds -------------------------------------------------------------------------------------------------
    @invariant()
    def stands_where_its_dispatches_say(self) -> None:
        if self.whistle is None:
            return
        whistle, parts = self.fresh()
        asked = [part for part in parts if part.state not in Dispatch.GONE]
        assert sum(part.is_lead for part in asked) <= 1
        for part in parts:
            assert part.next_due == next_due(part_of(part)), part.state
            assert (part.alarm_at is None) or part.next_due
        if whistle.sent_at and whistle.is_open:
            assert whistle.eval_due
            every = [part_of(part) for part in parts]
            assert whistle.state == whistle_state(every)
            assert whistle.next_due == whistle_next_due(every, whistle.eval_due, whistle.resume_due)
        if not whistle.is_open:
            assert not any(part.is_open for part in parts)
            assert whistle.next_due is None
            assert not pending(whistle)
            assert whistle.event is None or whistle.event.state in ("settled", "verified", "whistled")

    @invariant()
    def due_times_are_what_the_facts_say(self) -> None:
        if self.whistle is None:
            return
        whistle, parts = self.fresh()
        if whistle.sent_at is None or not whistle.is_open or whistle.state == Whistle.State.SUSPENDED:
            return
        course = course_of(whistle)
        for part in parts:
            if part.is_open:
                for name, due in count(part, course).items():
                    assert getattr(part, name) == due.at, name
        for name, due in count_whistle(whistle, parts, course).items():
            assert getattr(whistle, name) == due.at, name

    @invariant()
    def custody_adds_up(self) -> None:
        if self.whistle is None:
            return
        _, parts = self.fresh()
        for part in parts:
            walked = [(entry.at, entry.to_state) for entry in Entry.objects.about(part) if entry.to_state]
            found, end = stints(walked), walked[-1][0]
            assert [one.until for one in found].count(None) == (1 if part.is_open else 0)
            assert [one.since for one in found[1:]] == [one.until for one in found[:-1]], "no gap, no overlap"
            assert sum(((one.until or end) - one.since for one in found), timedelta()) == end - walked[0][0]
            if part.is_open:
                assert found[-1].hands == hands(part.state)

    @invariant()
    def timeline_is_complete(self) -> None:
        if self.whistle is None:
            return
        whistle, parts = self.fresh()
        for obj in (*parts, *([whistle.event] if whistle.event else [])):
            state = ""
            for entry in Entry.objects.about(obj):
                if entry.from_state:
                    assert entry.from_state == state, f"{obj}: {entry.what}"
                state = entry.to_state or state
            assert state == obj.state

    # --- inside -----------------------------------------------------------------------------------------------------
    def fresh(self) -> tuple[Whistle, list[Dispatch]]:
        assert self.whistle is not None
        whistle = Whistle.objects.select_related("event", "by_unit").get(pk=self.whistle.pk)
        return whistle, list(whistle.dispatches.select_related("whistle", "department", "by_unit").order_by("id"))

    def holders(self) -> list[tuple[int, object]]:
        """In whose hands each dispatch is."""
        return [(part.pk, hands(part.state)) for part in self.fresh()[1] if hands(part.state)]

    def permitted(self) -> Iterator[Act]:
        """Every act that somebody may do now, as the pages offer it."""
        cast = self.cast
        whistle, parts = self.fresh()
        seen: dict[str, Any] = {"seen_state": whistle.state}
        if may.can_approve(cast.leader, whistle):
            yield "approve", lambda: whistles.approve(whistle, by=cast.leader, **seen)
        if may.can_confirm_emergency(cast.leader, whistle):
            yield "confirm", lambda: whistles.confirm_emergency(whistle, by=cast.leader)
        if may.can_close(cast.duty, whistle):
            yield "close", lambda: whistles.close(whistle, by=cast.duty, ratings=ratings(parts), **seen)
        if may.can_withdraw(cast.duty, whistle) and self.acted > BEFORE_THE_END:
            yield "withdraw", lambda: withdrawal.withdraw(whistle, by=cast.duty, reason="已自行解决", **seen)
        yield from self.on_pauses(whistle)
        for part in parts:
            yield from self.on_dispatch(part)
        for one in Check.objects.filter(whistle=whistle, state=Check.State.ASKED).select_related("whistle", "event"):
            seen = {"seen_state": one.state}
            yield "check", partial(check.answer, one, by=one.asked_of, answer="failed", text="还在", **seen)

    def on_pauses(self, whistle: Whistle) -> Iterator[Act]:
        cast, until = self.cast, timezone.localdate() + timedelta(days=3)
        asked: dict[str, Any] = {"reason": "season", "text": "连续降雨", "until": until}
        if may.can_ask_suspension(cast.duty, whistle):
            yield "suspend", lambda: suspension.ask(whistle, by=cast.duty, request_id=uuid4(), **asked)
        for one in Suspension.objects.filter(whistle=whistle, state="asked").select_related("whistle__by_unit"):
            if may.can_decide_suspension(cast.leader, one):
                yield "suspended", lambda one=one: suspension.approve(one, by=cast.leader)
                yield "not suspended", lambda one=one: suspension.refuse(one, by=cast.leader, decision="不同意")
        if may.can_resume(cast.duty, whistle):
            yield "resume", lambda: suspension.resume(whistle, by=cast.duty)
        rows = Extension.objects.filter(dispatch__whistle=whistle, state="asked").select_related("dispatch__whistle")
        for ask in rows:
            by = cast.duty if may.can_answer_extension(cast.duty, ask) else cast.zdb_officer
            yield "grant", lambda ask=ask, by=by: extension.grant(ask, by=by)
            yield "refuse", lambda ask=ask, by=by: extension.refuse(ask, by=by, decision="请抓紧")

    def on_dispatch(self, part: Dispatch) -> Iterator[Act]:
        cast, by = self.cast, self.desks[part.department_id]
        seen: dict[str, Any] = {"seen_state": part.state}
        made: dict[str, Any] = {"by": by, "request_id": uuid4()}
        if may.can_sign(by, part):
            yield "sign", lambda: dispatches.sign(part, by=by, **seen)
        if may.can_arrive(by, part):
            yield "arrive", lambda: dispatches.arrive(part, by=by, officers=[by], uses_power=False, **seen)
        if may.can_report_back(by, part):
            yield "interim", lambda: dispatches.report_interim(part, **made, measures="在查")
            yield "report", lambda: dispatches.report_back(part, **made, **seen, result="solved", measures="已查")
        if may.can_rework(cast.duty, part):
            yield "rework", lambda: whistles.rework(part, by=cast.duty, reason="请再去", **seen)
        if may.can_return(by, part):
            said = {"ground": "wrong_lead", "article": "条例第9条", "text": "应由别的部门主办"}
            yield "return", lambda: returns.ask(part, **made, **seen, **said)
        if may.can_agree(cast.scjg_leader, part):
            yield "agree", lambda: returns.agree(part, by=cast.scjg_leader, **seen)
            yield "decline", lambda: returns.decline(part, by=cast.scjg_leader, text="是我们的", **seen)
        if may.can_arbitrate(cast.zdb_officer, part):
            yield from self.on_arbitration(part)
        if may.can_ask_extension(by, part):
            yield "extend", lambda: extension.ask(part, **made, reason="要等检测")
        if may.can_remind(cast.duty, part):
            yield "remind", lambda: escalation.remind(part, by=cast.duty, **seen)
        if may.can_appeal(by, part):
            yield "appeal", lambda: appeal.ask(part, **made, text="已当场办结")
        for one in Appeal.objects.filter(dispatch=part, state="asked").select_related("dispatch"):
            outcome = {"seen_state": one.state, "outcome": "struck", "decision": "评价依据不足"}
            yield "decide", partial(appeal.decide, one, by=cast.zdb_officer, **outcome)

    def on_arbitration(self, part: Dispatch) -> Iterator[Act]:
        by: dict[str, Any] = {"by": self.cast.zdb_officer, "seen_state": part.state, "decision": "按职责清单"}
        yield "uphold", lambda: returns.uphold(part, **by)
        if not part.is_lead:
            yield "release", lambda: returns.release(part, **by)
        for unit in returns.may_take_over(part).filter(pk__in=self.desks):
            yield f"reassign to {unit}", lambda unit=unit: returns.reassign(part, to_unit=unit, **by)


def joint_action(cast: Cast, kind: str, helpers: list[Unit]) -> Whistle:
    units = [cast.scjg, *helpers]
    return action.submit(
        cast.ganlin,
        by=cast.duty,
        request_id=uuid4(),
        kind=kind,
        title="夜间烧烤集中整治",
        facts="沿江夜市",
        area="剡溪沿线",
        assemble_at=timezone.now() + timedelta(hours=5),
        assemble_place="甘霖镇政府门口",
        lead=cast.scjg,
        helpers=helpers,
        tasks={unit.pk: f"{unit}的任务" for unit in units},
    )


def ratings(parts: list[Dispatch]) -> dict[int, Rating]:
    return {part.pk: Rating(stars=2) for part in parts if part.arrived_at}


def pending(whistle: Whistle) -> list[object]:
    """What is still asked for; nothing may be once a whistle has ended."""
    return [
        *Return.objects.filter(dispatch__whistle=whistle, state__in=Return.OPEN),
        *Extension.objects.filter(dispatch__whistle=whistle, state="asked"),
        *Suspension.objects.filter(whistle=whistle, state__in=Suspension.OPEN),
        *Check.objects.filter(whistle=whistle, state="asked"),
    ]


def test_a_whistle_walked_at_random_stays_whole(cast: Cast, rules: None) -> None:
    fourth = Unit.objects.get(code="yjgl")
    desks = {cast.scjg.pk: cast.scjg_liaison, cast.zrzy.pk: cast.zrzy_liaison, cast.zfj.pk: cast.zfj_liaison}
    desks[fourth.pk] = PostFactory(unit=fourth, role=Role.LIAISON).user
    machine = type("Whole", (Machine,), {"cast": cast, "desks": desks})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.generate],  # a walk that fails is short enough to read; shrinking it takes minutes
            suppress_health_check=checks,
        ),
    )
    assert not Event.objects.exists(), "every walk was rolled back"
