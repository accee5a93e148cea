"""A whistle without an event: who is asked, when it has to be there, and how it ends."""

from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from enforcement.models import Dispatch, Event, Report, Whistle
from enforcement.permissions import can_arrive, can_close, can_report_back, can_rework, can_sign, can_start_action
from enforcement.rules.deadlines import assembled
from enforcement.services import dispatch as dispatches
from enforcement.services import whistle as whistles
from enforcement.services.clocks import recount
from enforcement.services.limit import whistle_clocks
from enforcement.services.steps import dispatch_steps, whistle_steps
from notifications.models import Message
from records.models import Entry
from records.services import Refused, UsedForm
from tests.cast import Cast, PostFactory
from tests.enforcement import joint, walk
from tests.enforcement.joint import ASSEMBLY, NOW
from tests.enforcement.walk import at
from townships import people
from townships.models import Role

pytestmark = pytest.mark.usefixtures("calendar_2026")


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def lines(obj: Any) -> list[str]:
    return list(Entry.objects.about(obj).values_list("what", flat=True))


# --- submit and approve -------------------------------------------------------------------------------------------------
def test_submit_waits_for_the_leader(cast: Cast) -> None:
    whistle = joint.submitted(cast)
    assert (whistle.state, whistle.event, whistle.is_action, whistle.why) == ("submitted", None, True, "joint")
    assert whistle.by_unit == cast.ganlin
    assert whistle.departments == [cast.scjg.pk, cast.zrzy.pk, cast.zfj.pk]
    assert whistle.tasks[str(cast.zrzy.pk)] == "核用地和违建。"
    assert not whistle.dispatches.exists()
    assert not Event.objects.exists()
    assert walk.told("whistle_submitted") == ["leader"]
    assert lines(whistle) == ["提交攻坚哨，拟请市场监管局主办，自然资源局、综合执法局协办"]


def test_submit_twice_is_once(cast: Cast) -> None:
    request_id = uuid4()
    first = joint.submitted(cast, request_id=request_id)
    assert joint.submitted(cast, request_id=request_id) == first
    assert Whistle.objects.count() == 1
    assert Message.objects.filter(kind="whistle_submitted").count() == 1


def test_submit_with_something_else_in_the_same_form_is_not_lost(cast: Cast) -> None:
    request_id = uuid4()
    joint.submitted(cast, request_id=request_id)
    with pytest.raises(UsedForm):
        joint.submitted(cast, request_id=request_id, area="别处")


def test_approve_sends_each_unit_its_task(cast: Cast) -> None:
    whistle = joint.approved(cast)
    parts = list(whistle.dispatches.order_by("id"))
    assert [(one.department, one.task, one.event, one.is_lead) for one in parts] == [
        (cast.scjg, "查经营资格和食品安全。", None, True),
        (cast.zrzy, "核用地和违建。", None, False),
        (cast.zfj, "清理占道。", None, False),
    ]
    assert walk.told("dispatch_sent") == ["scjg-liaison", "zfj-liaison", "zrzy-liaison"]


def test_emergency_goes_at_once(cast: Cast) -> None:
    whistle = joint.submitted(cast, kind="emergency", assemble_at=at("2026-11-24 11:00"))
    assert whistle.state == "signing"
    assert whistle.awaits_confirmation
    assert walk.told("emergency_blown") == ["leader"]


def test_two_actions_may_be_open_at_once(cast: Cast) -> None:
    joint.approved(cast)
    joint.approved(cast)
    assert Whistle.objects.filter(state="signing", event=None).count() == 2


def test_approve_refuses_an_assembly_that_is_over(cast: Cast) -> None:
    whistle = joint.submitted(cast)
    with time_machine.travel(ASSEMBLY, tick=False), pytest.raises(Refused, match="集合时间 11 月 26 日 09:00 已过"):
        whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    assert not whistle.dispatches.exists()


def test_reject_ends_it_and_tells_the_desk(cast: Cast) -> None:
    whistle = joint.submitted(cast, by=cast.scjg_liaison, units=[cast.changle])
    whistles.reject(whistle, by=cast.scjg_leader, seen_state="submitted", reason="先查自己的。")
    assert whistle.state == "rejected"
    assert lines(whistle)[-1] == "未批准吹哨，退回联络员"
    assert walk.told("whistle_rejected") == ["scjg-liaison"]


def test_a_whistle_has_an_event_or_an_assembly(cast: Cast) -> None:
    whistle = joint.submitted(cast)
    for nothing in ({"assemble_at": None}, {"area": ""}, {"assemble_place": ""}):
        with pytest.raises(IntegrityError, match="whistle_event_or_action"), transaction.atomic():
            Whistle.objects.filter(pk=whistle.pk).update(**nothing)


# --- when it has to be there --------------------------------------------------------------------------------------------
def test_arrival_is_due_by_the_kinds_limit_where_it_assembles_before(cast: Cast) -> None:
    lead = walk.part(joint.approved(cast), cast.scjg)
    assert timezone.localtime(lead.arrive_due).strftime("%m-%d") in ("11-27", "11-28")
    assert lead.arrive_due > ASSEMBLY
    assert lead.report_due is not None


def test_arrival_is_due_at_the_assembly_where_that_is_later(cast: Cast) -> None:
    late = at("2026-11-30 14:00")
    whistle = joint.approved(cast, assemble_at=late)
    assert {one.arrive_due for one in whistle.dispatches.all()} == {late}
    assert walk.part(whistle, cast.scjg).report_due is not None  # due on 12-01


def test_no_interim_report_is_due_before_the_assembly(cast: Cast) -> None:
    lead = walk.part(joint.approved(cast, assemble_at=at("2026-12-04 08:00")), cast.scjg)
    assert (lead.arrive_due, lead.report_due) == (at("2026-12-04 08:00"), None)
    assert lead.finish_due is not None
    assert lead.finish_due > lead.arrive_due


def test_counting_anew_keeps_the_assembly(cast: Cast) -> None:
    late = at("2026-12-04 08:00")
    whistle = joint.approved(cast, assemble_at=late)
    recount(whistle)
    lead = walk.part(whistle, cast.scjg)
    assert (lead.arrive_due, lead.report_due, lead.next_due) == (late, None, lead.sign_due)


def test_assembled_is_never_guessed() -> None:
    at_year_end = at("2026-12-30 09:00")
    dues, guessed = whistle_clocks("campaign", at_year_end).dues(at_year_end)
    assert {"arrive_due", "report_due"} <= guessed
    moved, still = assembled(dues, guessed, dues.finish_due)
    assert (moved.arrive_due, moved.report_due) == (dues.finish_due, None)
    assert guessed - still == {"arrive_due", "report_due"}
    assert assembled(dues, guessed, None) == (dues, guessed)


# --- a township that is asked -------------------------------------------------------------------------------------------
def test_department_whistles_for_townships_and_a_department(cast: Cast) -> None:
    whistle = joint.of_scjg(cast)
    assert whistle.by_unit == cast.scjg
    assert whistle.number.startswith("哨scjg-")
    assert walk.told("whistle_submitted") == ["scjg-leader"]
    assert walk.told("whistle_approved") == ["scjg-liaison"]
    assert walk.told("dispatch_sent") == ["changle-duty", "duty", "zrzy-liaison"]


def test_township_signs_arrives_and_reports_as_a_department_does(cast: Cast) -> None:
    whistle = joint.of_scjg(cast)
    part = walk.part(whistle, cast.ganlin)
    assert can_sign(cast.duty, part)
    dispatches.sign(part, by=cast.duty, seen_state="sent", assigned_officer=cast.officer)
    assert walk.told("dispatch_assigned") == ["officer"]
    assert can_arrive(cast.officer, part)
    dispatches.arrive(part, by=cast.officer, seen_state="signed", officers=[cast.officer], uses_power=True)
    assert part.attendances.get().certificate_valid
    assert walk.told("dispatch_arrived") == ["scjg-liaison"]
    assert can_report_back(cast.officer, part)
    said = {"result": Report.Result.SOLVED, "measures": "已清理。", "request_id": uuid4()}
    dispatches.report_back(part, by=cast.officer, seen_state="arrived", **said)
    whistle.refresh_from_db()
    assert whistle.state == "reported"
    assert lines(part)[1:4] == ["甘霖镇签收", "指定承办人员前往", "甘霖镇到场1人，持有效证件1人"]


def test_department_judges_its_own_whistle(cast: Cast) -> None:
    whistle = joint.of_scjg(cast)
    part = _reported(cast, whistle)
    for user in (cast.scjg_liaison, cast.scjg_leader):
        assert can_rework(user, part)
        assert can_close(user, whistle)
    for user in (cast.duty, cast.leader, cast.changle_duty, cast.zrzy_liaison, cast.zdb_officer):
        assert not can_rework(user, part)
        assert not can_close(user, whistle)
    whistles.rework(part, by=cast.scjg_liaison, seen_state="reported", reason="没有清理完。")
    assert walk.told("rework_asked") == ["duty"]
    dispatches.report_back(
        part, by=cast.duty, request_id=uuid4(), seen_state="rework", result="solved", measures="已清理完。"
    )
    whistle.refresh_from_db()
    whistles.close(whistle, by=cast.scjg_liaison, seen_state="reported")
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"closed"}
    assert walk.told("dispatch_closed") == ["changle-duty", "duty", "zrzy-liaison"]


def _reported(cast: Cast, whistle: Whistle) -> Dispatch:
    part = walk.part(whistle, cast.ganlin)
    dispatches.sign(part, by=cast.duty, seen_state="sent")
    dispatches.arrive(part, by=cast.duty, seen_state="signed", officers=[cast.officer], uses_power=False)
    said = {"result": "solved", "measures": "已清理。"}
    dispatches.report_back(part, by=cast.duty, request_id=uuid4(), seen_state="arrived", **said)
    whistle.refresh_from_db()
    return part


def test_remarks_name_the_units(cast: Cast) -> None:
    part = walk.part(joint.of_scjg(cast), cast.ganlin)
    dispatches.remark(part, by=cast.duty, request_id=uuid4(), text="车停哪里？")
    dispatches.remark(part, by=cast.scjg_liaison, request_id=uuid4(), text="东门。")
    assert lines(part)[-2:] == ["甘霖镇留言", "市场监管局留言"]
    assert walk.told("remark_written") == ["duty", "scjg-liaison"]


def test_who_may_be_named_by_a_township(cast: Cast) -> None:
    assert set(people.officers_of(cast.ganlin)) == {cast.officer, cast.duty}
    assert set(people.officers_near(cast.ganlin, cast.scjg)) == {cast.officer, cast.duty}
    assert not people.subunits(cast.ganlin, cast.scjg).exists()


def test_a_department_that_asks_may_be_sent_any_subunit(cast: Cast) -> None:
    assert list(people.subunits(cast.zrzy, cast.scjg)) == [cast.zrzy_station]
    assert not people.subunits(cast.zrzy, cast.changle).exists()


# --- who sees and may ---------------------------------------------------------------------------------------------------
def test_who_sees_a_departments_whistle(cast: Cast) -> None:
    whistle = joint.of_scjg(cast)
    sees = {name for name in _parts(cast) if Whistle.objects.visible_to(getattr(cast, name)).filter(pk=whistle.pk)}
    asked = {"duty", "leader", "officer", "changle_duty", "changle_leader", "zrzy_liaison", "zrzy_leader"}
    assert sees == asked | {"scjg_liaison", "scjg_leader", "zdb_officer", "auditor"}
    own = Dispatch.objects.visible_to(cast.changle_duty)
    assert [one.department for one in own] == [cast.changle]
    assert Dispatch.objects.visible_to(cast.scjg_liaison).count() == 3


def test_before_it_is_approved_nobody_else_sees_it(cast: Cast) -> None:
    whistle = joint.submitted(cast, by=cast.scjg_liaison, units=[cast.ganlin])
    sees = {name for name in _parts(cast) if Whistle.objects.visible_to(getattr(cast, name)).filter(pk=whistle.pk)}
    assert sees == {"scjg_liaison", "scjg_leader", "zdb_officer", "auditor"}


def test_who_may_start(cast: Cast) -> None:
    may = {name for name in _parts(cast) if can_start_action(getattr(cast, name))}
    desks = {"duty", "leader", "changle_duty", "changle_leader", "scjg_liaison", "scjg_leader"}
    assert may == desks | {"zrzy_liaison", "zrzy_leader", "zfj_liaison"}
    at_station = PostFactory(unit=cast.zrzy_station, role=Role.LIAISON).user
    assert not can_start_action(at_station)


def _parts(cast: Cast) -> list[str]:
    return [name for name, value in vars(cast).items() if value.__class__.__name__ == "User"]


# --- its way in words ---------------------------------------------------------------------------------------------------
def test_steps_are_those_of_the_unit_that_whistles(cast: Cast) -> None:
    whistle = joint.of_scjg(cast)
    part = walk.part(whistle, cast.ganlin)
    names = [step.name for step in dispatch_steps(part)]
    assert (names[0], names[-1]) == ("吹哨", "吹哨部门确认办结")
    assert dispatch_steps(part)[0].note == "部门领导已批准"
    names = [step.name for step in whistle_steps(whistle, list(whistle.dispatches.all()))]
    assert names[:4] == ["提交", "部门领导审核", "各单位签收", "各单位到场"]
