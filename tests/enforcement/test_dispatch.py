from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from django.db.utils import IntegrityError, InternalError, ProgrammingError
from django.utils import timezone

from enforcement.models import Attendance, Dispatch, Remark, Report
from enforcement.services import dispatch as dispatches
from notifications.models import Message
from records.models import Attachment, Entry
from records.services import Refused, WrongState
from records.services.attachment import BadFile
from tests.cast import Cast, CertificateFactory, PostFactory
from tests.enforcement import walk
from tests.enforcement.walk import at
from townships.models import Certificate, Role, User

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-11-24 10:36")


def whats(dispatch: Dispatch) -> list[str]:
    return list(Entry.objects.about(dispatch).values_list("what", flat=True))


@pytest.fixture
def dispatch(cast: Cast) -> Dispatch:
    """The lead's, sent and not yet signed, with a helper beside it."""
    return walk.part(walk.approved(cast), cast.scjg)


# --- sign -----------------------------------------------------------------------------------------------------------
@time_machine.travel(NOW, tick=False)
def test_sign_starts_the_way_to_the_site(cast: Cast) -> None:
    dispatch = walk.signed(cast, walk.part(walk.approved(cast), cast.scjg))
    assert (dispatch.state, dispatch.signed_at, dispatch.signed_by) == ("signed", NOW, cast.scjg_liaison)
    assert dispatch.next_due == dispatch.arrive_due
    assert whats(dispatch) == ["派单给市场监管局（主办）", "市场监管局签收"]


def test_sign_waits_for_the_slowest_department(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    assert dispatch.whistle.state == "signing"
    walk.signed(cast, walk.part(dispatch.whistle, cast.zrzy))
    dispatch.whistle.refresh_from_db()
    assert dispatch.whistle.state == "signed"


def test_sign_late_is_possible_and_marked(cast: Cast, dispatch: Dispatch) -> None:
    with time_machine.travel(dispatch.sign_due + timedelta(seconds=1), tick=False):
        walk.signed(cast, dispatch)
    assert dispatch.signed_at > dispatch.sign_due
    assert whats(dispatch)[-1] == "市场监管局签收（超期）"


def test_sign_to_the_second_is_in_time(cast: Cast, dispatch: Dispatch) -> None:
    with time_machine.travel(dispatch.sign_due, tick=False):
        walk.signed(cast, dispatch)
    assert dispatch.signed_at == dispatch.sign_due


def test_sign_twice_is_refused(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    with pytest.raises(WrongState, match="市场监管局·部门联络员已于"):
        dispatches.sign(dispatch, by=cast.scjg_leader, seen_state="sent")
    assert Entry.objects.about(dispatch).filter(verb="dispatch_signed").count() == 1


def test_sign_may_name_who_goes(cast: Cast, dispatch: Dispatch) -> None:
    dispatches.sign(dispatch, by=cast.scjg_liaison, seen_state="sent", assigned_officer=cast.scjg_officer)
    dispatch.refresh_from_db()
    assert dispatch.assigned_officer == cast.scjg_officer
    assert walk.told("dispatch_assigned") == ["scjg-officer"]
    assert whats(dispatch)[-1] == "指定承办人员前往"


def test_sign_ends_the_claim(cast: Cast, dispatch: Dispatch) -> None:
    Dispatch.objects.filter(pk=dispatch.pk).update(claimed_by=cast.scjg_liaison, claimed_at=NOW)
    walk.signed(cast, dispatch)
    assert (dispatch.claimed_by, dispatch.claimed_at) == (None, None)


# --- assign ---------------------------------------------------------------------------------------------------------
def test_assign_shows_it_to_the_sub_unit(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.zrzy)
    assert not Dispatch.objects.visible_to(cast.zrzy_officer).exists()
    dispatches.assign(dispatch, by=cast.zrzy_liaison, assigned_unit=cast.zrzy_station, assigned_officer=None)
    assert list(Dispatch.objects.visible_to(cast.zrzy_officer)) == [dispatch]
    assert walk.told("dispatch_assigned") == ["zrzy-officer"]


def due_told(kind: str) -> str | None:
    due: str | None = Message.objects.get(kind=kind).data["due"]
    return due


def test_messages_name_the_due_time_that_their_label_says(cast: Cast, dispatch: Dispatch) -> None:
    dispatches.assign(dispatch, by=cast.scjg_liaison, assigned_unit=None, assigned_officer=cast.scjg_officer)
    assert due_told("dispatch_assigned") == dispatch.arrive_due.isoformat()
    walk.arrived(cast, dispatch)
    assert due_told("dispatch_arrived") == dispatch.finish_due.isoformat()
    walk.report(cast, dispatch)
    dispatch.whistle.refresh_from_db()
    assert due_told("dispatch_reported") == dispatch.whistle.eval_due.isoformat()


def test_assign_another_takes_it_from_the_first(cast: Cast, dispatch: Dispatch) -> None:
    other = PostFactory(unit=cast.scjg, role=Role.OFFICER).user
    for officer in (cast.scjg_officer, other):
        dispatches.assign(dispatch, by=cast.scjg_liaison, assigned_unit=None, assigned_officer=officer)
    assert not Dispatch.objects.visible_to(cast.scjg_officer).exists()
    assert list(Dispatch.objects.visible_to(other)) == [dispatch]
    assert walk.told("dispatch_assigned") == sorted([other.username, "scjg-officer"])


def test_assign_names_no_person_in_the_timeline(cast: Cast, dispatch: Dispatch) -> None:
    dispatches.assign(dispatch, by=cast.scjg_liaison, assigned_unit=None, assigned_officer=cast.scjg_officer)
    assert cast.scjg_officer.name not in " ".join(whats(dispatch))


def test_assign_after_the_report_is_refused(cast: Cast, dispatch: Dispatch) -> None:
    walk.reported(cast, dispatch)
    with pytest.raises(Refused, match="不能再改承办人"):
        dispatches.assign(dispatch, by=cast.scjg_liaison, assigned_unit=None, assigned_officer=cast.scjg_officer)


# --- arrive ---------------------------------------------------------------------------------------------------------
@time_machine.travel(NOW, tick=False)
def test_arrive_keeps_who_came_and_the_certificates_of_the_day(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    officers = [cast.scjg_officer, cast.scjg_liaison]
    dispatches.arrive(dispatch, by=cast.scjg_liaison, seen_state="signed", officers=officers, uses_power=True)
    rows = dict(Attendance.objects.values_list("officer__username", "certificate_valid"))
    assert rows == {"scjg-officer": True, "scjg-liaison": False}
    assert whats(dispatch)[-1] == "市场监管局到场2人，持有效证件1人"
    assert walk.told("dispatch_arrived") == ["duty"]
    Certificate.objects.update(valid_to=date(2026, 1, 1), valid_from=date(2025, 1, 1))
    assert Attendance.objects.filter(certificate_valid=True).count() == 1


def test_arrive_without_a_valid_certificate_is_refused_where_power_is_used(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    with pytest.raises(Refused, match="请加派持证人员"):
        dispatches.arrive(
            dispatch, by=cast.scjg_liaison, seen_state="signed", officers=[cast.scjg_liaison], uses_power=True
        )
    dispatch.refresh_from_db()
    assert (dispatch.state, Attendance.objects.count()) == ("signed", 0)


@pytest.mark.parametrize(("valid_to", "holds"), [(date(2026, 11, 24), True), (date(2026, 11, 23), False)])
def test_arrive_on_the_last_day_of_a_certificate(cast: Cast, valid_to: date, holds: bool) -> None:
    lapsing = PostFactory(unit=cast.scjg, role=Role.OFFICER).user
    CertificateFactory(holder=lapsing, valid_to=valid_to)
    with time_machine.travel(at("2026-11-24 23:59"), tick=False):
        dispatch = walk.signed(cast, walk.part(walk.approved(cast), cast.scjg))
        dispatches.arrive(dispatch, by=cast.scjg_liaison, seen_state="signed", officers=[lapsing], uses_power=False)
    assert Attendance.objects.get().certificate_valid is holds


def test_arrive_late_is_marked(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    with time_machine.travel(dispatch.arrive_due + timedelta(minutes=1), tick=False):
        dispatches.arrive(
            dispatch, by=cast.scjg_liaison, seen_state="signed", officers=[cast.scjg_officer], uses_power=True
        )
    assert dispatch.arrived_at > dispatch.arrive_due
    assert whats(dispatch)[-1].endswith("（超期）")


def test_arrive_before_signing_is_refused(cast: Cast, dispatch: Dispatch) -> None:
    with pytest.raises(WrongState):
        dispatches.arrive(
            dispatch, by=cast.scjg_liaison, seen_state="sent", officers=[cast.scjg_officer], uses_power=True
        )


# --- interim and final report ---------------------------------------------------------------------------------------
def test_interim_moves_the_clock_on_to_the_finish(cast: Cast) -> None:
    dispatch = walk.arrived(cast, walk.part(walk.approved(cast, "urgent"), cast.scjg))
    assert dispatch.next_due == dispatch.report_due
    dispatches.report_interim(dispatch, by=cast.scjg_liaison, request_id=uuid4(), measures="正在清点")
    dispatch.refresh_from_db()
    assert dispatch.next_due == dispatch.finish_due
    assert dispatch.interim_at is not None
    assert whats(dispatch)[-1] == "市场监管局首报"


def test_interim_again_keeps_the_first_time(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    for _ in range(2):
        dispatches.report_interim(dispatch, by=cast.scjg_liaison, request_id=uuid4(), measures="正在清点")
    dispatch.refresh_from_db()
    assert dispatch.interim_at == Report.objects.earliest("id").at
    assert Report.objects.filter(kind="interim").count() == 2


def test_interim_late_is_marked(cast: Cast) -> None:
    dispatch = walk.arrived(cast, walk.part(walk.approved(cast, "urgent"), cast.scjg))
    assert dispatch.report_due is not None
    with time_machine.travel(dispatch.report_due + timedelta(minutes=1), tick=False):
        report = dispatches.report_interim(dispatch, by=cast.scjg_liaison, request_id=uuid4(), measures="正在清点")
    assert report.is_late
    assert whats(dispatch)[-1] == "市场监管局首报（超期）"


def test_interim_before_arriving_is_refused(cast: Cast, dispatch: Dispatch) -> None:
    with pytest.raises(Refused, match="到场之后"):
        dispatches.report_interim(dispatch, by=cast.scjg_liaison, request_id=uuid4(), measures="在路上")


def test_interim_twice_is_once(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    request_id = uuid4()
    for _ in range(2):
        dispatches.report_interim(dispatch, by=cast.scjg_liaison, request_id=request_id, measures="正在清点")
    assert Report.objects.count() == 1
    assert whats(dispatch).count("市场监管局首报") == 1


def test_report_back_is_the_townships_turn(cast: Cast, dispatch: Dispatch) -> None:
    walk.reported(cast, dispatch)
    whistle = dispatch.whistle
    whistle.refresh_from_db()
    assert (dispatch.state, dispatch.next_due) == ("reported", None)
    assert dispatch.reported_at == dispatch.first_reported_at
    assert (whistle.state, whistle.next_due) == ("reported", whistle.eval_due)
    assert whats(dispatch)[-1] == "市场监管局反馈：已解决"
    assert walk.told("dispatch_reported") == ["duty"]


def test_report_back_of_a_helper_leaves_the_whistle_with_the_lead(cast: Cast) -> None:
    whistle = walk.approved(cast)
    walk.signed(cast, walk.part(whistle, cast.scjg))
    walk.reported(cast, walk.part(whistle, cast.zrzy))
    whistle.refresh_from_db()
    assert whistle.state == "signed"


def test_report_back_twice_is_once(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    request_id = uuid4()
    first = walk.report(cast, dispatch, request_id=request_id, seen_state="arrived")
    second = walk.report(cast, dispatch, request_id=request_id, seen_state="arrived")
    assert first.pk == second.pk
    assert Report.objects.count() == 1
    assert walk.told("dispatch_reported") == ["duty"]


def test_report_back_after_a_colleague_is_refused(cast: Cast, dispatch: Dispatch) -> None:
    walk.reported(cast, dispatch)
    with pytest.raises(WrongState, match="反馈：已解决"):
        walk.report(cast, dispatch, seen_state="arrived")


def test_report_back_late_is_possible_and_marked(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    assert dispatch.finish_due is not None
    with time_machine.travel(dispatch.finish_due + timedelta(minutes=1), tick=False):
        report = walk.report(cast, dispatch)
    assert report.is_late
    assert whats(dispatch)[-1] == "市场监管局反馈：已解决（超期）"


def test_report_back_after_rework_is_judged_by_its_own_limit(cast: Cast) -> None:
    whistle = walk.ready(cast)
    dispatch = walk.part(whistle, cast.scjg)
    assert dispatch.finish_due is not None
    with time_machine.travel(dispatch.finish_due + timedelta(days=1), tick=False):
        walk.reworked(cast, dispatch)
        report = walk.report(cast, dispatch)
    assert not report.is_late


def test_report_back_keeps_photos_and_files(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    report = walk.report(cast, dispatch, files=[walk.photo(), walk.document()])
    kinds = Attachment.objects.filter(target_id=report.pk).values_list("kind", "phase", "name")
    assert sorted(kinds) == [("document", "after", "责令改正通知书.pdf"), ("photo", "after", "现场.jpg")]


def test_report_back_with_a_bad_file_changes_nothing(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    before = (Entry.objects.count(), Message.objects.count())
    with pytest.raises(BadFile):
        walk.report(cast, dispatch, files=[walk.photo(), walk.document(b"MZ not a document")])
    dispatch.refresh_from_db()
    assert dispatch.state == "arrived"
    assert (Entry.objects.count(), Message.objects.count()) == before
    assert not Report.objects.exists()
    assert not Attachment.objects.exists()


# --- remark ---------------------------------------------------------------------------------------------------------
def test_remark_from_the_township_tells_the_department(cast: Cast, dispatch: Dispatch) -> None:
    dispatches.assign(dispatch, by=cast.scjg_liaison, assigned_unit=None, assigned_officer=cast.scjg_officer)
    dispatches.remark(dispatch, by=cast.duty, request_id=uuid4(), text="请从北门进。")
    assert Remark.objects.get().side == "township"
    assert walk.told("remark_written") == ["scjg-liaison", "scjg-officer"]
    assert "北门" not in " ".join(whats(dispatch))


def test_remark_from_the_department_tells_the_township(cast: Cast, dispatch: Dispatch) -> None:
    dispatches.remark(dispatch, by=cast.scjg_liaison, request_id=uuid4(), text="十分钟到。")
    assert Remark.objects.get().side == "department"
    assert walk.told("remark_written") == ["duty"]


def test_remark_twice_is_once(cast: Cast, dispatch: Dispatch) -> None:
    request_id = uuid4()
    for _ in range(2):
        dispatches.remark(dispatch, by=cast.duty, request_id=request_id, text="请从北门进。")
    assert Remark.objects.count() == 1
    assert walk.told("remark_written") == ["scjg-liaison"]


# --- who sees it ----------------------------------------------------------------------------------------------------
def seen_by(*people: User) -> list[int]:
    return [Dispatch.objects.visible_to(person).count() for person in people]


def test_visible_to_the_two_sides_and_the_overseers(cast: Cast, dispatch: Dispatch) -> None:
    assert seen_by(cast.duty, cast.leader, cast.zdb_officer, cast.auditor) == [2, 2, 2, 2]
    assert seen_by(cast.scjg_liaison, cast.scjg_leader, cast.zrzy_liaison) == [1, 1, 1]
    assert seen_by(cast.changle_duty, cast.zfj_liaison, cast.grid, cast.bureau_admin, cast.stranger) == [0] * 5
    assert seen_by(cast.scjg_officer, cast.zrzy_officer) == [0, 0]


# --- facts that belong together, and lines that stay ----------------------------------------------------------------
@pytest.mark.parametrize(
    "facts",
    [
        {"signed_at": NOW},
        {"arrived_at": NOW},
        {"rework_at": NOW},
        {"rework_reason": "又来了"},
        {"stars": 6},
        {"stars": 4},
        {"claimed_at": NOW},
        {"finish_due": None},
        {"is_lead": False},
    ],
)
def test_dispatch_constraints_refuse_half_a_fact(dispatch: Dispatch, facts: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Dispatch.objects.filter(pk=dispatch.pk).update(**facts)


def test_one_dispatch_a_department_and_one_lead(cast: Cast, dispatch: Dispatch) -> None:
    helper = Dispatch.objects.filter(whistle=dispatch.whistle, is_lead=False)
    with pytest.raises(IntegrityError, match="dispatch_once_per_department"), transaction.atomic():
        helper.update(department=cast.scjg)
    with pytest.raises(IntegrityError, match="dispatch_one_lead"), transaction.atomic():
        helper.update(is_lead=True, finish_due=timezone.now())


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_timeline_refuses_change(dispatch: Dispatch, verb: str) -> None:
    entries = Entry.objects.about(dispatch)
    with pytest.raises((InternalError, ProgrammingError), match="append-only"), transaction.atomic():
        entries.order_by().update(what="…") if verb == "update" else entries.order_by()._raw_delete("default")
    assert whats(dispatch) == ["派单给市场监管局（主办）"]
