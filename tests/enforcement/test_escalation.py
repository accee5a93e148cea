"""督办: what a sweep writes and whom it tells; and that it does so once, whoever sweeps, and after however long."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.utils import timezone

from enforcement.models import Dispatch, Escalation, Extension
from enforcement.rules.deadlines import Step
from enforcement.services import dispatch as dispatches
from enforcement.services import escalation
from enforcement.services import event as events
from enforcement.services import whistle as whistles
from enforcement.services.clocks import recount
from notifications.models import Message
from records.models import Entry
from records.services import Refused, WrongState
from tests.cast import Cast
from tests.enforcement import walk
from tests.enforcement.walk import at, told

TUESDAY = at("2026-11-24 09:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.usefixtures("rules")


@pytest.fixture(autouse=True)
def clock() -> Iterator["Clock"]:
    with mock.patch.object(timezone, "now") as now:
        clock = Clock(now)
        clock.set(TUESDAY)
        yield clock


class Clock:
    def __init__(self, now: Any) -> None:
        self._now = now

    def set(self, moment: datetime) -> None:
        self._now.return_value = moment

    def sweep(self, moment: datetime) -> int:
        self.set(moment)
        return escalation.sweep()


def levels(target: Any) -> list[tuple[str, int]]:
    """(clock, level) in the order in which they were written."""
    rows = Escalation.objects.filter(**{target._meta.model_name: target}).order_by("id")
    return list(rows.values_list("clock", "level"))


def lead(cast: Cast, kind: str = "routine") -> Dispatch:
    return walk.part(walk.approved(cast, kind, helpers=[]), cast.scjg)


# --- the levels of a clock --------------------------------------------------------------------------------------------
def test_sweep_walks_up_the_levels_of_a_dispatch(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)  # signs until 15:00: 240 working minutes
    assert dispatch.sign_due == at("2026-11-24 15:00")
    assert clock.sweep(at("2026-11-24 13:47")) == 0
    assert clock.sweep(at("2026-11-24 13:48")) == 1  # 80 %, in the lunch hour: looked at, and moved on
    assert levels(dispatch) == []
    clock.sweep(at("2026-11-24 14:00"))
    assert levels(dispatch) == [("sign_due", 1)]
    assert told("reminded") == ["scjg-liaison"]
    clock.sweep(at("2026-11-24 15:00"))
    assert levels(dispatch) == [("sign_due", 1), ("sign_due", 2)]
    assert told("turned_yellow") == ["scjg-leader", "scjg-liaison"]
    clock.sweep(at("2026-11-25 10:00"))
    assert levels(dispatch) == [("sign_due", 1), ("sign_due", 2), ("sign_due", 3)]
    assert told("turned_red") == ["duty", "scjg-leader", "zdb-officer"]
    dispatch.refresh_from_db()
    assert dispatch.alarm_at is None
    assert clock.sweep(at("2026-12-25 10:00")) == 0


def test_red_has_a_number_and_says_what_its_slip_needs(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    clock.sweep(at("2026-11-25 10:00"))
    red = Escalation.objects.get(level=Escalation.Level.RED)
    assert red.number == "督scjg-20261125-0001"
    assert (red.unit, red.by_unit, red.target) == (cast.scjg, cast.ganlin, dispatch)
    assert (red.since, red.due, red.limit) == (TUESDAY, dispatch.sign_due, "4 个工作小时")
    assert red.late_by == timedelta(hours=19)
    message = Message.objects.filter(kind="turned_red").first()
    assert message is not None
    assert message.data["number"] == dispatch.number
    assert message.link == red.get_absolute_url()


def test_timeline_names_office_and_clock_and_leaves_the_page_as_it_is(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    changed = dispatch.changed_at
    clock.sweep(dispatch.sign_due)
    entry = Entry.objects.about(dispatch).last()
    assert entry is not None
    assert (entry.what, entry.by_office, entry.to_state) == ("市场监管局签收超期，黄牌", "系统", "")
    dispatch.refresh_from_db()
    assert dispatch.changed_at == changed


def test_stale_form_is_told_of_the_last_act_and_not_of_the_sweep(cast: Cast, clock: Clock) -> None:
    dispatch = walk.signed(cast, lead(cast))
    clock.sweep(dispatch.arrive_due)
    with pytest.raises(WrongState, match="市场监管局签收"):
        dispatches.sign(dispatch, by=cast.scjg_leader, seen_state="sent")


# --- once -------------------------------------------------------------------------------------------------------------
def test_second_sweep_does_nothing(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    clock.sweep(dispatch.sign_due)
    before = Escalation.objects.count(), Message.objects.count(), Entry.objects.count()
    Dispatch.objects.update(alarm_at=TUESDAY)  # as a verb sets it that does not know what has been told
    assert clock.sweep(dispatch.sign_due) == 1
    assert (Escalation.objects.count(), Message.objects.count(), Entry.objects.count()) == before
    dispatch.refresh_from_db()
    assert dispatch.alarm_at == at("2026-11-25 10:00")


def test_after_a_day_without_sweeps_one_message_a_clock(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    clock.sweep(at("2026-11-26 10:00"))
    assert levels(dispatch) == [("sign_due", 1), ("sign_due", 2), ("sign_due", 3)]
    assert told("turned_red") == ["duty", "scjg-leader", "zdb-officer"]
    assert told("turned_yellow") == told("reminded") == []


def test_sweep_killed_in_the_middle_is_done_by_the_next(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    with mock.patch.object(escalation, "notify", side_effect=SystemExit), pytest.raises(SystemExit):
        clock.sweep(dispatch.sign_due)
    assert levels(dispatch) == []
    clock.sweep(dispatch.sign_due)
    assert levels(dispatch) == [("sign_due", 1), ("sign_due", 2)]
    assert told("turned_yellow") == ["scjg-leader", "scjg-liaison"]


def test_row_that_cannot_be_counted_keeps_no_other_waiting(cast: Cast, clock: Clock) -> None:
    first, second = lead(cast), lead(cast)
    counted = escalation.clocks_of

    def broken(target: Any) -> Any:
        if target.pk == first.pk:
            raise ZeroDivisionError
        return counted(target)

    with mock.patch.object(escalation, "clocks_of", broken):
        assert clock.sweep(first.sign_due) == 1
    assert (levels(first), levels(second)) == ([], [("sign_due", 1), ("sign_due", 2)])
    clock.sweep(first.sign_due)
    assert levels(first) == [("sign_due", 1), ("sign_due", 2)]


def test_sweep_takes_a_bounded_number_of_rows(cast: Cast, clock: Clock) -> None:
    first, *_ = [lead(cast) for _ in range(3)]
    with mock.patch.object(escalation, "SWEPT", 2):
        assert clock.sweep(first.sign_due) == 2
        assert clock.sweep(first.sign_due) == 1


# --- clocks that stop and move ----------------------------------------------------------------------------------------
def test_act_in_time_is_not_reminded_of(cast: Cast, clock: Clock) -> None:
    dispatch = walk.signed(cast, lead(cast))
    clock.sweep(at("2026-11-24 16:00"))
    assert levels(dispatch) == []
    clock.sweep(dispatch.arrive_due)
    assert {name for name, _ in levels(dispatch)} == {"arrive_due"}


def test_clock_that_moved_gets_fresh_levels(cast: Cast, clock: Clock) -> None:
    dispatch = walk.arrived(cast, lead(cast))
    clock.sweep(at("2026-12-03 10:00"))  # 80 % of seven workdays
    assert levels(dispatch) == [("finish_due", 1)]
    Extension.objects.create(
        dispatch=dispatch, turn=1, reason="等配件", state="granted", unit="work_days", amount=4, asked_by=cast.duty,
        decided_at=timezone.now(), decided_by=cast.duty, request_id=uuid4(),
    )  # fmt: skip
    recount(dispatch.whistle)
    clock.sweep(at("2026-12-04 10:00"))
    assert levels(dispatch) == [("finish_due", 1)]  # nothing is late any more
    clock.sweep(at("2026-12-10 10:00"))
    assert levels(dispatch) == [("finish_due", 1), ("finish_due", 1), ("finish_due", 2)]
    assert len({row.due for row in Escalation.objects.all()}) == 2


def test_suspended_is_neither_reminded_of_nor_late(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    Dispatch.objects.update(state="suspended", suspended_from="sent", next_due=None)  # its alarm has been forgotten
    assert clock.sweep(at("2026-11-30 10:00")) == 1
    assert levels(dispatch) == []
    dispatch.refresh_from_db()
    assert dispatch.alarm_at is None


def test_rework_overdue_turns_red(cast: Cast, clock: Clock) -> None:
    whistle = walk.ready(cast, helpers=[])
    dispatch = walk.reworked(cast, walk.part(whistle, cast.scjg))
    dispatch.refresh_from_db()
    assert dispatch.rework_due is not None
    clock.sweep(dispatch.rework_due + 4 * DAY)
    assert levels(dispatch) == [("rework_due", 1), ("rework_due", 2), ("rework_due", 3)]
    assert Escalation.objects.filter(level=3).get().limit == "4 个工作日"


# --- whose clock, and who is told -------------------------------------------------------------------------------------
def test_emergency_turns_red_after_fifteen_minutes_at_night(cast: Cast, clock: Clock) -> None:
    clock.set(at("2026-11-24 23:00"))
    dispatch = lead(cast, "emergency")
    clock.sweep(dispatch.sign_due + 14 * MINUTE)
    assert levels(dispatch)[-1] == ("sign_due", 2)
    clock.sweep(dispatch.sign_due + 15 * MINUTE)
    assert levels(dispatch)[-1] == ("sign_due", 3)


def test_emergency_that_nobody_confirms_is_the_leaders(cast: Cast, clock: Clock) -> None:
    dispatch = walk.signed(cast, lead(cast, "emergency"))
    whistle = dispatch.whistle
    assert whistle.confirm_due is not None
    clock.sweep(whistle.confirm_due + 15 * MINUTE)
    assert levels(whistle) == [("confirm_due", 1), ("confirm_due", 2), ("confirm_due", 3)]
    assert Escalation.objects.filter(clock="confirm_due", level=3).get().unit == cast.ganlin
    assert "leader" in told("turned_red")


def test_emergency_that_is_over_still_waits_for_its_confirmation(cast: Cast, clock: Clock) -> None:
    whistle = walk.ready(cast, "emergency", helpers=[])
    whistles.close(whistle, by=cast.duty, seen_state=whistle.state)
    clock.sweep(whistle.confirm_due)  # type: ignore[arg-type]
    assert levels(whistle) == [("confirm_due", 1), ("confirm_due", 2)]
    whistles.confirm_emergency(whistle, by=cast.leader)
    clock.sweep(whistle.confirm_due + DAY)  # type: ignore[operator]
    assert levels(whistle) == [("confirm_due", 1), ("confirm_due", 2)]


def test_approval_is_the_leaders(cast: Cast, clock: Clock) -> None:
    whistle = walk.submitted(cast)
    clock.sweep(whistle.approve_due)  # type: ignore[arg-type]
    assert levels(whistle) == [("approve_due", 1), ("approve_due", 2)]
    assert told("turned_yellow") == ["leader"]


def test_evaluation_is_the_whistling_units(cast: Cast, clock: Clock) -> None:
    whistle = walk.ready(cast, helpers=[])
    clock.sweep(whistle.eval_due + 2 * DAY)  # type: ignore[operator]
    assert levels(whistle) == [("eval_due", 1), ("eval_due", 2), ("eval_due", 3)]
    assert told("turned_red") == ["duty", "leader", "zdb-officer"]


def test_event_is_the_townships(cast: Cast, clock: Clock) -> None:
    event = walk.event(cast)
    clock.sweep(event.accept_due)
    assert levels(event) == [("accept_due", 1), ("accept_due", 2)]
    assert told("turned_yellow") == ["duty", "leader"]
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=Step("work_minutes", 60))
    clock.sweep(event.squad_due)  # type: ignore[arg-type]
    assert levels(event)[2:] == [("squad_due", 1), ("squad_due", 2)]
    assert told("turned_yellow") == ["duty", "leader", "leader", "officer"]


def test_whoever_took_it_up_is_the_one_who_is_reminded(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    dispatch.claimed_by, dispatch.claimed_at = cast.scjg_leader, TUESDAY
    dispatch.save()
    clock.sweep(at("2026-11-24 14:00"))
    assert told("reminded") == ["scjg-leader"]


def test_named_officer_is_the_one_who_is_reminded(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    dispatches.sign(dispatch, by=cast.scjg_liaison, seen_state="sent", assigned_officer=cast.scjg_officer)
    clock.sweep(at("2026-11-25 16:30"))
    assert told("reminded") == ["scjg-officer"]


def test_arbitration_is_the_guidance_offices(cast: Cast, clock: Clock) -> None:
    lead(cast)
    due = at("2026-11-25 23:59") + 59 * timedelta(seconds=1)
    Dispatch.objects.update(state="arbitration", return_due=due, next_due=due, alarm_at=TUESDAY)
    clock.sweep(due)
    assert {row.unit for row in Escalation.objects.all()} == {cast.zdb}
    assert told("turned_yellow") == ["zdb-officer"]


# --- 催办 --------------------------------------------------------------------------------------------------------------
def test_remind_is_the_only_reminder_of_the_clock(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    first = escalation.remind(dispatch, by=cast.duty, seen_state="sent")
    assert told("reminded") == ["scjg-liaison"]
    assert escalation.remind(dispatch, by=cast.duty, seen_state="sent") == first
    clock.sweep(at("2026-11-24 14:30"))
    assert told("reminded") == ["scjg-liaison"]
    assert levels(dispatch) == [("sign_due", 1)]
    said = Entry.objects.about(dispatch).last()
    assert said is not None
    assert (said.what, said.by_office) == ("催办市场监管局：签收", "甘霖镇·指挥室值班员")


def test_remind_of_what_was_reminded_of_does_nothing(cast: Cast, clock: Clock) -> None:
    dispatch = lead(cast)
    clock.sweep(at("2026-11-24 14:00"))
    escalation.remind(dispatch, by=cast.duty, seen_state="sent")
    assert told("reminded") == ["scjg-liaison"]


def test_remind_is_refused_where_nothing_runs_or_the_page_is_stale(cast: Cast) -> None:
    dispatch = walk.reported(cast, lead(cast))
    with pytest.raises(WrongState):
        escalation.remind(dispatch, by=cast.duty, seen_state="sent")
    with pytest.raises(Refused, match="不用催办"):
        escalation.remind(dispatch, by=cast.duty, seen_state="reported")


# --- two at once ------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_do_it_once(committed_cast: Cast, clock: Clock) -> None:
    cast = committed_cast
    parts = [lead(cast) for _ in range(12)]
    clock.set(at("2026-11-25 10:00"))
    start = threading.Barrier(3)

    def run() -> None:
        start.wait(timeout=30)
        try:
            escalation.sweep()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    escalation.sweep()
    assert Escalation.objects.count() == 3 * len(parts)
    assert Message.objects.filter(kind="turned_red").count() == 3 * len(parts)
    numbers = sorted(Escalation.objects.filter(level=3).values_list("number", flat=True))
    assert numbers == [f"督scjg-20261125-{n:04d}" for n in range(1, len(parts) + 1)]


# --- who sees them ----------------------------------------------------------------------------------------------------
def test_visible_to_the_late_unit_the_one_that_waits_and_those_above(cast: Cast, clock: Clock) -> None:
    lead(cast)
    clock.sweep(at("2026-11-25 10:00"))
    people = [name for name in Cast.__dataclass_fields__ if hasattr(getattr(cast, name), "username")]
    seeing = {name for name in people if Escalation.objects.visible_to(getattr(cast, name)).exists()}
    assert seeing == {"duty", "leader", "scjg_liaison", "scjg_leader", "zdb_officer", "auditor"}


def test_running_are_those_whose_act_has_not_come(cast: Cast, clock: Clock) -> None:
    dispatch, whistle = lead(cast), walk.submitted(cast)
    event, emergency = walk.event(cast), walk.signed(cast, lead(cast, "emergency")).whistle
    clock.sweep(at("2026-11-24 16:00"))
    late = Escalation.objects.filter(level=2)
    assert {row.target for row in late.running()} == {dispatch, whistle, event, emergency, *emergency.dispatches.all()}
    walk.signed(cast, dispatch)
    whistles.confirm_emergency(emergency, by=cast.leader)
    events.verify(event, by=cast.duty, seen_state="reported")  # its clock runs on
    assert {row.target for row in late.running()} == {whistle, event, *emergency.dispatches.all()}


def test_sweep_of_nothing_asks_three_queries(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):
        escalation.sweep()
    assert connection.vendor == "postgresql"
