"""退哨 in the work lists: the leader's, the arbitrator's, and who keeps a late whistle waiting."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse

from command_room.services import marks, worklist
from command_room.services.board import board
from command_room.services.worklist import acts
from enforcement.models import Dispatch
from enforcement.services import claim, returns
from tests.cast import Cast, client_for
from tests.enforcement import walk

NOW = walk.at("2026-11-24 10:42")
pytestmark = pytest.mark.usefixtures("calendar_2026")
SAID = {"ground": "unclear", "article": "", "text": "没有写是哪几家。"}


@pytest.fixture(autouse=True)
def stopped_clock() -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def ask(cast: Cast, dispatch: Dispatch, *, needs_leader: bool = False) -> Dispatch:
    dispatch.department.return_needs_leader = needs_leader
    returns.ask(dispatch, by=walk.desk(cast, dispatch), request_id=uuid4(), seen_state="sent", **SAID)
    return dispatch


def lead(cast: Cast, kind: str = "routine") -> Dispatch:
    return walk.part(walk.approved(cast, kind), cast.scjg)


def test_leader_is_asked_to_agree(cast: Cast) -> None:
    part = ask(cast, lead(cast), needs_leader=True)
    [act] = acts(cast.scjg_leader, NOW)
    assert (act.verb, act.label, act.due) == ("答复退哨", "退哨答复", part.sign_due)
    assert act.why == "本单位申请退哨（事实不清，无法办理），等您同意"
    assert act.url == part.get_absolute_url()
    assert acts(cast.scjg_liaison, NOW) == []
    assert acts(cast.zdb_officer, NOW) == []


def test_guidance_office_is_asked_to_decide_the_earliest_first(cast: Cast) -> None:
    later, first = ask(cast, lead(cast)), ask(cast, lead(cast, "emergency"))
    found = acts(cast.zdb_officer, NOW)
    assert [(act.verb, act.number) for act in found] == [("裁定退哨", first.number), ("裁定退哨", later.number)]
    assert found[0].due == NOW + timedelta(minutes=30)
    assert acts(cast.auditor, NOW) == []
    assert acts(cast.scjg_liaison, NOW) == []


def test_what_is_to_be_decided_comes_before_what_is_late(cast: Cast) -> None:
    late, asked = walk.approved(cast, "urgent"), ask(cast, lead(cast))
    moment = NOW + timedelta(hours=2)
    found = acts(cast.zdb_officer, moment, limit=1)
    assert [act.number for act in found] == [asked.number]
    parts = worklist.segments(acts(cast.zdb_officer, moment), moment, "guidance")
    assert [(part.code, [act.number for _, act in part.acts]) for part in parts] == [
        ("todo", [asked.number]),
        ("late", [late.number]),
    ]


@pytest.mark.parametrize(("needs_leader", "whom"), [(True, "市场监管局领导答复退哨"), (False, "指导办裁定退哨")])
def test_late_says_who_keeps_a_return_waiting(cast: Cast, needs_leader: bool, whom: str) -> None:
    part = lead(cast)
    walk.signed(cast, walk.part(part.whistle, cast.zrzy))
    ask(cast, part, needs_leader=needs_leader)
    moment = part.next_due + timedelta(minutes=1)
    why = next(act.why for act in acts(cast.auditor, moment))
    assert whom in why


def test_lists_are_drawn_anew_when_one_is_asked_claimed_and_decided(cast: Cast, stopped_clock: Any) -> None:
    part = lead(cast)
    seen = []

    def look() -> None:
        seen.append(marks.of_work(cast.zdb_officer, cast.zdb_officer.acting, NOW))
        stopped_clock.shift(1)

    look()
    ask(cast, part)
    look()
    claim.take(part, by=cast.zdb_officer)
    look()
    returns.uphold(part, by=cast.zdb_officer, seen_state="arbitration", decision="职责清楚。")
    look()
    assert len(set(seen[:3])) == 3
    assert seen[3] == seen[0]


def test_leaders_list_is_drawn_anew(cast: Cast) -> None:
    part = lead(cast)
    before = marks.of_work(cast.scjg_leader, cast.scjg_leader.acting, NOW)
    ask(cast, part, needs_leader=True)
    asked = marks.of_work(cast.scjg_leader, cast.scjg_leader.acting, NOW)
    returns.agree(part, by=cast.scjg_leader, seen_state="returning")
    assert len({before, asked, marks.of_work(cast.scjg_leader, cast.scjg_leader.acting, NOW)}) == 3


def test_page_of_the_guidance_office(cast: Cast) -> None:
    ask(cast, lead(cast))
    page = client_for(cast.zdb_officer).get(reverse("command_room:worklist")).content.decode()
    assert "裁定退哨" in page
    assert "市场监管局退哨（事实不清，无法办理），等指导办裁定" in page


def test_board_shows_a_return_grey_and_leaves_out_who_is_not_asked_any_more(cast: Cast) -> None:
    part = ask(cast, lead(cast))

    def dots() -> list[tuple[str, str, str]]:
        return next(slip["parts"] for lane in board(cast.ganlin, NOW).lanes for slip in lane.slips)

    assert dots()[0] == ("市场监管局", "", "退哨待仲裁")
    returns.reassign(part, by=cast.zdb_officer, seen_state="arbitration", to_unit=cast.zfj, decision="职责清楚。")
    assert [(name, word) for name, _, word in dots()] == [("自然资源局", "未签收"), ("综合执法局", "未签收")]
