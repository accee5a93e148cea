"""Where a whistle and its parts stand, in the words of the pages."""

from datetime import timedelta

import pytest
import time_machine

from enforcement.models import Dispatch, Whistle
from enforcement.rules.deadlines import Step as Limit
from enforcement.services import whistle as whistles
from enforcement.services.labels import dispatch_clock, dot, whistle_clock
from enforcement.services.rating import Rating
from enforcement.services.steps import Step, dispatch_steps, forecast, whistle_steps
from tests.cast import Cast
from tests.enforcement import walk
from tests.enforcement.walk import at

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-11-24 10:36")


def states(steps: list[Step]) -> dict[str, str]:
    return {step.name: step.state for step in steps}


def of_whistle(whistle: Whistle) -> list[Step]:
    whistle.refresh_from_db()
    return whistle_steps(whistle, list(whistle.dispatches.select_related("department").order_by("id")))


def clock_of(whistle: Whistle) -> str:
    whistle.refresh_from_db()
    return whistle_clock(vars(whistle), [vars(part) for part in whistle.dispatches.all()]).label


@pytest.mark.parametrize(
    ("unit", "amount", "said"),
    [
        ("continuous_minutes", 15, "15 分钟"),
        ("continuous_minutes", 1440, "24 小时"),
        ("work_minutes", 240, "4 个工作小时"),
        ("work_minutes", 90, "90 工作分钟"),
        ("work_days", 7, "7 个工作日"),
        ("calendar_days", 3, "3 天"),
    ],
)
def test_words_of_a_limit(unit: str, amount: int, said: str) -> None:
    assert str(Limit(unit, amount)) == said


@pytest.mark.parametrize("kind", Whistle.Kind.values)
def test_forecast_is_what_the_approval_stores(cast: Cast, kind: str) -> None:
    with time_machine.travel(NOW, tick=False):
        told = {step.name: step.due for step in forecast(kind, NOW)}
        lead = walk.part(walk.approved(cast, kind), cast.scjg)
    stored = {"签收": lead.sign_due, "到场": lead.arrive_due, "首报": lead.report_due, "办结": lead.finish_due}
    assert told == {name: due for name, due in stored.items() if due}


def test_dispatch_steps_from_the_report_to_the_end(cast: Cast) -> None:
    whistle = walk.approved(cast, "urgent")
    lead = walk.part(whistle, cast.scjg)
    assert states(dispatch_steps(lead)) == {
        "上报": "done", "吹哨": "done", "签收": "now", "到场": "next", "首报": "next", "反馈": "next", "镇街确认办结": "next",
    }  # fmt: skip
    walk.reported(cast, lead)
    assert states(dispatch_steps(lead))["镇街确认办结"] == "now"
    walk.reworked(cast, lead)
    assert states(dispatch_steps(lead))["再次反馈"] == "now"
    walk.report(cast, lead)
    whistle.refresh_from_db()
    whistles.close(whistle, by=cast.duty, seen_state="reported", ratings={lead.pk: Rating(4)})
    lead.refresh_from_db()
    last = dispatch_steps(lead)[-1]
    assert (last.state, last.note) == ("done", "4 星")


def test_dispatch_steps_tell_how_late_it_was(cast: Cast) -> None:
    lead = walk.part(walk.approved(cast), cast.scjg)
    with time_machine.travel(lead.sign_due + timedelta(minutes=35), tick=False):
        walk.signed(cast, lead)
    assert {step.name: step.late_by for step in dispatch_steps(lead) if step.late_by} == {"签收": timedelta(minutes=35)}


def test_whistle_steps_wait_for_the_last_department(cast: Cast) -> None:
    whistle = walk.approved(cast)
    walk.signed(cast, walk.part(whistle, cast.scjg))
    (signing,) = [step for step in of_whistle(whistle) if step.name == "部门签收"]
    assert (signing.state, signing.note) == ("now", "等自然资源局")


def test_whistle_steps_of_a_rejected_one_end_there(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    whistles.reject(whistle, by=cast.leader, seen_state="submitted", reason="请补充")
    assert states(of_whistle(whistle)) == {"提交": "done", "未批准": "done"}


def test_whistle_steps_before_the_approval_follow_the_leader(cast: Cast) -> None:
    assert states(of_whistle(walk.submitted(cast))) == {
        "提交": "done", "镇领导审核": "now", "部门签收": "next", "部门到场": "next", "主办反馈": "next", "确认办结": "next",
    }  # fmt: skip


def test_clock_of_a_whistle_is_the_first_departments(cast: Cast) -> None:
    whistle = walk.submitted(cast, "urgent")
    assert clock_of(whistle) == "审核"
    whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    assert clock_of(whistle) == "签收"
    for unit in (cast.scjg, cast.zrzy):
        walk.arrived(cast, walk.part(whistle, unit))
    assert clock_of(whistle) == "首报"
    walk.report(cast, walk.part(whistle, cast.scjg))
    assert clock_of(whistle) == "评价"


def test_clock_of_a_rework_and_of_a_guess(cast: Cast) -> None:
    with time_machine.travel(at("2026-12-30 10:00"), tick=False):
        lead = walk.reworked(cast, walk.part(walk.ready(cast), cast.scjg))
    clock = dispatch_clock(vars(lead))
    assert (clock.label, clock.is_provisional) == ("返工", True)


def test_dot_says_late_in_words(cast: Cast) -> None:
    lead = vars(walk.part(walk.approved(cast), cast.scjg))
    assert dot(lead, "市场监管局", lead["sent_at"]) == ("市场监管局 未签收", "")
    assert dot(lead, "市场监管局", lead["sign_due"] + timedelta(seconds=1)) == ("市场监管局 未签收 超期", "late")
    begun = ("signed", "arrived", "reported", "rework")
    assert {
        state for state in Dispatch.State.values if dot({**lead, "state": state, "next_due": None}, "", NOW).tone
    } == {*begun}


def test_what_a_helper_had_not_done_by_the_end_is_not_called_done(cast: Cast) -> None:
    with time_machine.travel(NOW, tick=False):
        whistle = walk.ready(cast)
        whistles.close(whistle, by=cast.duty, seen_state="reported")
        whistle.refresh_from_db()
        helper = walk.part(whistle, cast.zrzy)
        assert dot(vars(helper), "自然资源局", NOW) == ("自然资源局 未签收", "")
        lead = walk.part(whistle, cast.scjg)
        assert dot(vars(lead), "市场监管局", NOW) == ("市场监管局 已办结", "done")
    signing, arriving = (step for step in of_whistle(whistle) if step.name.startswith("部门"))
    assert (signing.note, signing.due) == ("自然资源局未签收", None)
    assert (arriving.note, arriving.due) == ("自然资源局未到场", None)
