"""延期 and 挂账 in the work lists: whoever answers, and nobody else; what stands still is nobody's work."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache

from command_room.services import marks
from command_room.services.board import board
from command_room.services.worklist import acts
from enforcement.models import Dispatch, Suspension, Whistle
from enforcement.services import extension as extensions
from enforcement.services import suspension as suspensions
from tests.cast import Cast, client_for
from tests.enforcement import walk

NOW = walk.at("2026-11-24 10:42")
pytestmark = pytest.mark.usefixtures("calendar_2026")


@pytest.fixture(autouse=True)
def stopped_clock() -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def lead(cast: Cast, kind: str = "routine") -> Dispatch:
    return walk.arrived(cast, walk.part(walk.approved(cast, kind, helpers=[]), cast.scjg))


def extend(cast: Cast, dispatch: Dispatch) -> Any:
    return extensions.ask(dispatch, by=cast.scjg_liaison, request_id=uuid4(), reason="等检测。")


def suspend(cast: Cast, dispatch: Dispatch) -> Suspension:
    words = {"reason": "works", "text": "等施工。", "until": date(2026, 12, 18)}
    whistle = Whistle.objects.get(pk=dispatch.whistle_id)
    return suspensions.ask(whistle, by=cast.scjg_liaison, request_id=uuid4(), **words)


def test_the_desk_is_asked_to_answer_an_extension(cast: Cast) -> None:
    dispatch = lead(cast)
    extend(cast, dispatch)
    [act] = acts(cast.duty, NOW)
    assert (act.verb, act.label, act.due, act.number) == ("答复延期", "办结", dispatch.finish_due, dispatch.number)
    assert act.why == "市场监管局申请延期 4 个工作日，期限还在走，等答复"
    assert act.url == f"{dispatch.get_absolute_url()}#extension"
    for other in (cast.leader, cast.changle_duty, cast.zdb_officer, cast.auditor):
        assert acts(other, NOW) == []


def test_the_guidance_office_is_asked_for_the_second(cast: Cast) -> None:
    dispatch = lead(cast, "campaign")
    extensions.grant(extend(cast, dispatch), by=cast.duty)
    before = marks.of_work(cast.zdb_officer, cast.zdb_officer.acting, NOW)  # type: ignore[arg-type]
    extend(cast, walk.part(dispatch.whistle, cast.scjg))
    [act] = acts(cast.zdb_officer, NOW)
    assert (act.verb, act.is_first) == ("答复延期", True)
    assert acts(cast.duty, NOW) == []
    assert marks.of_work(cast.zdb_officer, cast.zdb_officer.acting, NOW) != before  # type: ignore[arg-type]


def test_the_leader_is_asked_to_decide_a_suspension(cast: Cast) -> None:
    dispatch = lead(cast)
    before = marks.of_work(cast.leader, cast.leader.acting, NOW)  # type: ignore[arg-type]
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        suspension = suspend(cast, dispatch)
    [act] = acts(cast.leader, NOW)
    assert (act.verb, act.label, act.due) == ("答复挂账", "办结", dispatch.finish_due)
    assert act.why == "市场监管局·部门联络员申请挂账（待工程施工或资金到位），等您批准，批准之前照常计时"
    assert act.url == f"{suspension.whistle.get_absolute_url()}#suspension"
    assert acts(cast.changle_leader, NOW) == []
    assert marks.of_work(cast.leader, cast.leader.acting, NOW) != before  # type: ignore[arg-type]


def test_what_stands_still_is_nobodys_work_and_has_a_column(cast: Cast) -> None:
    dispatch = lead(cast)
    assert [act.verb for act in acts(cast.scjg_liaison, NOW)] == ["反馈"]
    assert "suspended" not in [lane.state for lane in board(cast.ganlin, NOW).lanes]
    suspensions.approve(suspend(cast, dispatch), by=cast.leader)
    assert acts(cast.scjg_liaison, NOW) == acts(cast.leader, NOW) == acts(cast.duty, NOW) == []
    [lane] = [lane for lane in board(cast.ganlin, NOW).lanes if lane.state == "suspended"]
    assert (lane.title, lane.count) == ("挂账", 1)
    assert lane.slips[0]["label"] == "恢复"
    assert lane.slips[0]["parts"] == [("市场监管局", "", "挂账")]
    assert board(cast.ganlin, NOW + timedelta(days=9)).late == 0


def test_the_reporter_reads_why_nothing_happens(cast: Cast) -> None:
    suspensions.approve(suspend(cast, lead(cast)), by=cast.leader)
    [act] = acts(cast.grid, NOW)
    assert act.why == "条件还不具备，部门先不处置，到期自动继续"
    event = Whistle.objects.get().event
    assert event is not None
    page = client_for(cast.grid).get(event.get_absolute_url())
    assert [stone.name for stone in page.context["milestones"]] == [
        "上报",
        "受理",
        "吹哨",
        "暂缓处置",
        "部门处置",
        "办结",
    ]
    assert page.context["current"].due == walk.at("2026-12-18 23:59:59")
