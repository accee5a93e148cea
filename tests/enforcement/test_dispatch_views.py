from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from enforcement.models import Attendance, Dispatch, Remark, Report
from enforcement.services import dispatch as dispatches
from enforcement.services import whistle as whistles
from records.models import Attachment
from tests.cast import Cast, CertificateFactory, PostFactory, client_for
from tests.enforcement import walk
from tests.enforcement.walk import at
from townships.models import Certificate, Role, User

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-11-24 10:36")
VERBS = ["sign", "assign", "arrive", "interim", "report", "remark", "rework", "claim"]
LIST = reverse("enforcement:dispatch-list")


@pytest.fixture(autouse=True)
def media(tmp_path: Any, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


def url(verb: str, dispatch: Dispatch) -> str:
    return reverse(f"enforcement:dispatch-{verb}", args=[dispatch.pk])


def post(user: User, verb: str, dispatch: Dispatch, **data: Any) -> HttpResponse:
    return client_for(user).post(url(verb, dispatch), data)


def html(response: HttpResponse) -> str:
    return response.content.decode()


def page_of(user: User, dispatch: Dispatch) -> str:
    return html(client_for(user).get(dispatch.get_absolute_url()))


@pytest.fixture
def dispatch(cast: Cast) -> Dispatch:
    """The lead's of an urgent whistle, sent and not yet signed, with a helper beside it."""
    return walk.part(walk.approved(cast, "urgent"), cast.scjg)


# --- the page -------------------------------------------------------------------------------------------------------
def test_page_says_what_where_why_until_when_and_who_else(cast: Cast) -> None:
    with time_machine.travel(NOW, tick=False):
        whistle = walk.approved(cast, "urgent")
        walk.signed(cast, walk.part(whistle, cast.zrzy))
        page = page_of(cast.scjg_liaison, walk.part(whistle, cast.scjg))
    for words in ("老市场西门", walk.FACTS, "需部门法定职权", "11:36 前", "自然资源局协办 已签收", "还剩 1 小时签收"):
        assert words in page


def test_page_offers_the_township_desks_number(cast: Cast, dispatch: Dispatch) -> None:
    assert f'href="tel:{cast.duty.mobile}"' in page_of(cast.scjg_liaison, dispatch)
    cast.ganlin.phone = "0575-83000000"
    cast.ganlin.save()
    assert 'href="tel:0575-83000000"' in page_of(cast.scjg_liaison, dispatch)


def test_page_links_the_position(cast: Cast, dispatch: Dispatch) -> None:
    event = dispatch.event
    event.longitude, event.latitude = "120.821000", "29.588000"
    event.save()
    assert 'href="geo:29.588000,120.821000"' in page_of(cast.scjg_liaison, dispatch)


def test_page_has_sign_as_its_first_button(cast: Cast, dispatch: Dispatch) -> None:
    page = page_of(cast.scjg_liaison, dispatch)
    main = page[page.index("<main") :]
    first = main[main.index("btn-primary") :]
    assert first[: first.index("</button>")].endswith("签收")
    assert 'form="sign-form"' in main


@pytest.mark.parametrize("person", ["duty", "scjg_liaison", "zdb_officer"])
def test_page_changes_nothing_on_get(cast: Cast, dispatch: Dispatch, person: str) -> None:
    page_of(getattr(cast, person), dispatch)
    changed = dispatch.changed_at
    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.changed_at) == ("sent", changed)


def test_page_for_the_township_offers_no_department_verb(cast: Cast, dispatch: Dispatch) -> None:
    page = page_of(cast.duty, dispatch)
    assert "发给市场监管局" in page
    for verb in ("sign", "assign", "arrive", "report"):
        assert url(verb, dispatch) not in page


@pytest.mark.parametrize("person", ["zrzy_liaison", "changle_duty", "grid", "bureau_admin", "stranger", "scjg_officer"])
def test_page_of_others_is_not_found(cast: Cast, dispatch: Dispatch, person: str) -> None:
    assert client_for(getattr(cast, person)).get(dispatch.get_absolute_url()).status_code == 404


def test_page_brings_back_after_log_in(dispatch: Dispatch) -> None:
    response = Client().get(dispatch.get_absolute_url())
    assert f"next={dispatch.get_absolute_url()}" in response["Location"]


def test_page_shows_the_rework_first(cast: Cast) -> None:
    dispatch = walk.part(walk.ready(cast), cast.scjg)
    walk.reworked(cast, dispatch)
    page = page_of(cast.scjg_liaison, dispatch)
    assert "镇街请您再去一次" in page
    assert page.index("摊位又回来了") < page.index("情况和请求")


def test_page_marks_what_came_late(cast: Cast, dispatch: Dispatch) -> None:
    with time_machine.travel(dispatch.sign_due + timedelta(minutes=35), tick=False):
        walk.signed(cast, dispatch)
        assert "迟 35 分钟" in page_of(cast.duty, dispatch)


def test_page_marks_what_is_provisional(cast: Cast) -> None:
    with time_machine.travel(at("2026-12-30 10:00"), tick=False):
        dispatch = walk.part(walk.approved(cast), cast.scjg)
        assert "暂定" in page_of(cast.scjg_liaison, dispatch)


# --- sign, assign ---------------------------------------------------------------------------------------------------
def test_sign_from_the_page(cast: Cast, dispatch: Dispatch) -> None:
    response = post(cast.scjg_liaison, "sign", dispatch, seen_state="sent")
    dispatch.refresh_from_db()
    assert response["Location"] == dispatch.get_absolute_url()
    assert (dispatch.state, dispatch.signed_by) == ("signed", cast.scjg_liaison)


def test_sign_and_name_an_officer(cast: Cast, dispatch: Dispatch) -> None:
    post(cast.scjg_liaison, "sign", dispatch, seen_state="sent", goes=f"user-{cast.scjg_officer.pk}")
    dispatch.refresh_from_db()
    assert dispatch.assigned_officer == cast.scjg_officer
    assert client_for(cast.scjg_officer).get(dispatch.get_absolute_url()).status_code == 200


def test_sign_offers_only_the_departments_own_people(cast: Cast, dispatch: Dispatch) -> None:
    page = page_of(cast.scjg_liaison, dispatch)
    assert f"user-{cast.scjg_officer.pk}" in page
    assert f"user-{cast.zrzy_officer.pk}" not in page
    response = post(cast.scjg_liaison, "sign", dispatch, seen_state="sent", goes=f"user-{cast.zrzy_officer.pk}")
    assert response.status_code == 422
    assert "请选本单位现在的人员" in html(response)


def test_sign_by_the_sub_unit_hands_it_to_nobody_else(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.zrzy)
    dispatches.assign(dispatch, by=cast.zrzy_liaison, assigned_unit=cast.zrzy_station, assigned_officer=None)
    assert "现在就定谁去" not in page_of(cast.zrzy_officer, dispatch)
    post(cast.zrzy_officer, "sign", dispatch, seen_state="sent", goes=f"user-{cast.zrzy_liaison.pk}")
    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.signed_by) == ("signed", cast.zrzy_officer)
    assert (dispatch.assigned_unit, dispatch.assigned_officer) == (cast.zrzy_station, None)


def test_sign_a_second_time_says_who_did_it(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    response = client_for(cast.scjg_leader).post(url("sign", dispatch), {"seen_state": "sent"}, follow=True)
    assert "没有重复办理：市场监管局·部门联络员已于" in html(response)


def test_assign_a_sub_unit(cast: Cast) -> None:
    dispatch = walk.signed(cast, walk.part(walk.approved(cast), cast.zrzy))
    post(cast.zrzy_liaison, "assign", dispatch, seen_state="signed", goes=f"unit-{cast.zrzy_station.pk}")
    dispatch.refresh_from_db()
    assert dispatch.assigned_unit == cast.zrzy_station
    assert dispatch.number in html(client_for(cast.zrzy_officer).get(LIST))


def test_assign_nobody_is_asked_for_somebody(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    response = post(cast.scjg_liaison, "assign", dispatch, seen_state="signed")
    assert response.status_code == 422
    assert "请选谁去" in html(response)


# --- arrive ---------------------------------------------------------------------------------------------------------
def test_arrive_from_the_page(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    officers = [cast.scjg_officer.pk, cast.scjg_liaison.pk]
    post(cast.scjg_liaison, "arrive", dispatch, seen_state="signed", officers=officers, uses_power="on")
    dispatch.refresh_from_db()
    assert dispatch.state == "arrived"
    assert Attendance.objects.count() == 2


def test_arrive_page_says_who_holds_a_certificate_today(cast: Cast) -> None:
    lapsed = PostFactory(unit=cast.scjg, role=Role.OFFICER).user
    CertificateFactory(holder=lapsed, valid_to=date(2026, 10, 31))
    with time_machine.travel(NOW, tick=False):
        dispatch = walk.signed(cast, walk.part(walk.approved(cast), cast.scjg))
        page = page_of(cast.scjg_liaison, dispatch)
    for words in ("持证，有效至 2029-12-31", "证件已于 2026-10-31 到期", "没有执法证件，可以到场，不能执法"):
        assert words in page


def test_arrive_ticks_the_officer_who_was_named(cast: Cast, dispatch: Dispatch) -> None:
    dispatches.sign(dispatch, by=cast.scjg_liaison, seen_state="sent", assigned_officer=cast.scjg_officer)
    page = page_of(cast.scjg_liaison, dispatch)
    box = page[page.index('name="officers"') :]
    assert "checked" in box[: box.index("</label>")]


def test_arrive_without_a_valid_certificate_says_what_to_do(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    Certificate.objects.all().delete()
    fields = {"seen_state": "signed", "officers": [cast.scjg_officer.pk], "uses_power": "on"}
    response = post(cast.scjg_liaison, "arrive", dispatch, **fields)
    assert response.status_code == 422
    assert "请加一名持证人员" in html(response)
    del fields["uses_power"]
    assert post(cast.scjg_liaison, "arrive", dispatch, **fields).status_code == 302


def test_arrive_with_nobody_is_asked_who(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    response = post(cast.scjg_liaison, "arrive", dispatch, seen_state="signed")
    assert response.status_code == 422
    assert "请勾选到场的人" in html(response)


def test_arrive_with_people_of_another_department_is_refused(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    response = post(cast.scjg_liaison, "arrive", dispatch, seen_state="signed", officers=[cast.zrzy_officer.pk])
    assert response.status_code == 422


# --- reports --------------------------------------------------------------------------------------------------------
def final(dispatch: Dispatch, **over: Any) -> dict[str, Any]:
    fields = {"request_id": uuid4(), "seen_state": dispatch.state, "result": "solved", "measures": "当场清退三个摊点"}
    return {**fields, **over}


def test_interim_from_the_page(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    post(cast.scjg_liaison, "interim", dispatch, request_id=uuid4(), measures="正在清点", files=[walk.photo()])
    report = Report.objects.get()
    assert (report.kind, report.measures) == ("interim", "正在清点")
    assert Attachment.objects.get().target_id == report.pk


def test_interim_is_offered_first_where_it_is_due(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    page = page_of(cast.scjg_liaison, dispatch)
    assert 'btn btn-primary" href="?act=interim#interim"' in page
    dispatches.report_interim(dispatch, by=cast.scjg_liaison, request_id=uuid4(), measures="在查")
    assert 'btn btn-primary" href="#report"' in page_of(cast.scjg_liaison, dispatch)


def test_report_from_the_page_with_photos_and_files(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    files = [walk.photo(), walk.document()]
    assert post(cast.scjg_liaison, "report", dispatch, **final(dispatch, files=files)).status_code == 302
    dispatch.refresh_from_db()
    assert dispatch.state == "reported"
    page = page_of(cast.duty, dispatch)
    for words in ("反馈：已解决", "当场清退三个摊点", "责令改正通知书.pdf", "处置后"):
        assert words in page


def test_report_twice_is_once(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    fields = final(dispatch)
    first, second = (post(cast.scjg_liaison, "report", dispatch, **fields) for _ in range(2))
    assert first["Location"] == second["Location"] == dispatch.get_absolute_url()
    assert Report.objects.count() == 1


@pytest.mark.parametrize("over", [{}, {"measures": "第二次去，摊位已搬走"}])
def test_report_from_the_page_before_the_rework_is_not_lost(
    cast: Cast, dispatch: Dispatch, over: dict[str, Any]
) -> None:
    """Back to the old page and its form: once it was taken for the first report sent twice, and said to have been filed."""
    walk.arrived(cast, dispatch)
    fields = final(dispatch)
    post(cast.scjg_liaison, "report", dispatch, **fields)
    walk.reworked(cast, walk.part(dispatch.whistle, cast.scjg))
    response = post(cast.scjg_liaison, "report", dispatch, **fields | over)
    assert response.status_code == 422
    assert "这张表已经用过一次" in html(response)
    form = response.context["forms"]["report"]
    again = {**fields, **over, "request_id": form.form_id, "seen_state": form["seen_state"].value()}
    assert post(cast.scjg_liaison, "report", dispatch, **again).status_code == 302
    assert Report.objects.count() == 2
    dispatch.refresh_from_db()
    assert dispatch.state == "reported"


def test_report_on_a_disk_that_takes_nothing_keeps_the_words(cast: Cast, dispatch: Dispatch, settings: Any) -> None:
    walk.arrived(cast, dispatch)
    settings.MEDIA_ROOT.write_text("a file where the folder should be")
    fields = final(dispatch)
    for over in ({}, {"result": ""}):
        response = post(cast.scjg_liaison, "report", dispatch, **fields | over, files=[walk.photo()])
        assert response.status_code == 422
        assert "急事请先不带文件提交" in html(response)
        assert "当场清退三个摊点" in html(response)
    assert post(cast.scjg_liaison, "report", dispatch, **fields).status_code == 302


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"result": ""}, "请选结果"),
        ({"measures": "字" * 4001}, "措施和情况最多 4000 字"),
        ({"files": "bad"}, "的内容不是 PDF、Word 或 Excel"),
        ({"files": "ten"}, "最多 9 个"),
    ],
)
def test_report_with_an_error_keeps_what_was_typed(
    cast: Cast, dispatch: Dispatch, over: dict[str, Any], sentence: str
) -> None:
    walk.arrived(cast, dispatch)
    sent = {"bad": [walk.document(b"MZ", "x.pdf")], "ten": [walk.photo(f"{n}.jpg") for n in range(10)]}
    if "files" in over:
        over = {"files": sent[over["files"]]}
    response = post(cast.scjg_liaison, "report", dispatch, **final(dispatch) | over)
    page = html(response)
    assert response.status_code == 422
    assert sentence in page
    if "measures" not in over:
        assert "当场清退三个摊点" in page
    dispatch.refresh_from_db()
    assert dispatch.state == "arrived"


def test_report_with_an_error_keeps_the_good_files(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    fields = final(dispatch, result="", files=[walk.photo("近景.jpg")])
    page = html(post(cast.scjg_liaison, "report", dispatch, **fields))
    assert "近景.jpg" in page
    del fields["files"]
    post(cast.scjg_liaison, "report", dispatch, **fields | {"result": "solved"})
    assert Attachment.objects.get().name == "近景.jpg"


def test_report_with_half_a_photo_is_asked_again(cast: Cast, dispatch: Dispatch) -> None:
    walk.arrived(cast, dispatch)
    whole = walk.photo("半张.jpg", size=(800, 600))
    half = type(whole)(whole.name, whole.read()[:900])
    response = post(cast.scjg_liaison, "report", dispatch, **final(dispatch, files=[half]))
    assert response.status_code == 422
    assert "半张.jpg" in html(response)
    assert not Report.objects.exists()


def test_report_by_the_named_officer(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.zrzy)
    dispatches.assign(dispatch, by=cast.zrzy_liaison, assigned_unit=cast.zrzy_station, assigned_officer=None)
    walk.arrived(cast, dispatch)
    assert post(cast.zrzy_officer, "report", dispatch, **final(dispatch)).status_code == 302


# --- remark, rework, claim ------------------------------------------------------------------------------------------
def test_remark_from_both_sides(cast: Cast, dispatch: Dispatch) -> None:
    post(cast.duty, "remark", dispatch, request_id=uuid4(), text="请从北门进")
    response = post(cast.scjg_liaison, "remark", dispatch, request_id=uuid4(), text="十分钟到")
    assert response["Location"].endswith("#remarks")
    page = page_of(cast.duty, dispatch)
    assert page.index("请从北门进") < page.index("十分钟到")


def test_remark_twice_is_once(cast: Cast, dispatch: Dispatch) -> None:
    fields = {"request_id": uuid4(), "text": "请从北门进"}
    for _ in range(2):
        post(cast.duty, "remark", dispatch, **fields)
    assert Remark.objects.count() == 1
    response = client_for(cast.duty).post(url("remark", dispatch), fields | {"text": "改走南门"}, follow=True)
    assert "没有保存" in html(response)


def test_remark_that_is_empty(cast: Cast, dispatch: Dispatch) -> None:
    response = post(cast.duty, "remark", dispatch, request_id=uuid4(), text=" ")
    assert response.status_code == 422
    assert "请写留言" in html(response)


@pytest.mark.parametrize("verb", ["sign", "assign", "arrive", "interim", "report", "remark", "rework"])
def test_verb_of_an_incomplete_page_says_so(cast: Cast, dispatch: Dispatch, verb: str) -> None:
    if verb in ("arrive", "assign"):
        walk.signed(cast, dispatch)
    elif verb in ("interim", "report"):
        walk.arrived(cast, dispatch)
    elif verb == "rework":
        dispatch = walk.part(walk.ready(cast), cast.scjg)
    person = cast.duty if verb == "rework" else cast.scjg_liaison
    response = post(person, verb, dispatch, text="在路上", measures="在查", reason="再去", result="solved")
    assert response.status_code == 422
    assert "页面不完整，没有提交" in html(response)


def test_remark_is_escaped(cast: Cast, dispatch: Dispatch) -> None:
    post(cast.duty, "remark", dispatch, request_id=uuid4(), text="<script>alert(1)</script>")
    assert "<script>alert" not in page_of(cast.scjg_liaison, dispatch)


def test_rework_from_the_page(cast: Cast) -> None:
    whistle = walk.ready(cast)
    dispatch = walk.part(whistle, cast.scjg)
    response = post(cast.duty, "rework", dispatch, seen_state="reported", reason="摊位又回来了")
    assert response["Location"] == whistle.get_absolute_url()
    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.rework_reason) == ("rework", "摊位又回来了")


def test_rework_without_a_reason_is_asked_for_it(cast: Cast) -> None:
    dispatch = walk.part(walk.ready(cast), cast.scjg)
    response = post(cast.duty, "rework", dispatch, seen_state="reported", reason="")
    assert response.status_code == 422
    assert "请写哪里没有办好" in html(response)


def test_rework_a_second_time_is_not_offered(cast: Cast) -> None:
    whistle = walk.ready(cast)
    dispatch = walk.reworked(cast, walk.part(whistle, cast.scjg))
    walk.report(cast, dispatch)
    assert "已返工过一次" in html(client_for(cast.duty).get(whistle.get_absolute_url()))
    assert post(cast.duty, "rework", dispatch, seen_state="reported", reason="再来").status_code == 403


def test_rework_of_a_helper_before_the_lead_reports_says_why_not(cast: Cast) -> None:
    helper = walk.reported(cast, walk.part(walk.approved(cast), cast.zrzy))
    client = client_for(cast.duty)
    response = client.post(url("rework", helper), {"seen_state": "reported", "reason": "再去"}, follow=True)
    assert "主办部门反馈之后" in html(response)


def test_claim_and_take_over(cast: Cast, dispatch: Dispatch) -> None:
    for _ in range(2):  # pressed twice is taken once
        assert post(cast.scjg_liaison, "claim", dispatch).status_code == 302
    page = page_of(cast.scjg_leader, dispatch)
    assert cast.scjg_liaison.name in page
    assert "我来接手" in page


# --- every verb's five ----------------------------------------------------------------------------------------------
def stage(cast: Cast, verb: str) -> Dispatch:
    """The lead's dispatch on which this verb is due."""
    if verb == "rework":
        return walk.part(walk.ready(cast), cast.scjg)
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    if verb == "arrive":
        return walk.signed(cast, dispatch)
    return walk.arrived(cast, dispatch) if verb in ("interim", "report") else dispatch


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("person", ["changle_duty", "zrzy_liaison", "scjg_officer"])
def test_verbs_on_a_foreign_dispatch_are_not_found(cast: Cast, verb: str, person: str) -> None:
    dispatch = stage(cast, verb)
    assert post(getattr(cast, person), verb, dispatch, seen_state=dispatch.state).status_code == 404


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_not_allowed(cast: Cast, verb: str) -> None:
    dispatch = stage(cast, verb)
    person = {"rework": cast.scjg_liaison, "remark": cast.zdb_officer}.get(verb, cast.duty)
    assert post(person, verb, dispatch, seen_state=dispatch.state).status_code == 403


@pytest.mark.parametrize("verb", ["sign", "arrive", "report", "rework"])
def test_verbs_in_a_wrong_state_say_so(cast: Cast, verb: str) -> None:
    dispatch = stage(cast, verb)
    seen = dispatch.state
    whistle = dispatch.whistle
    if verb != "rework":
        {"sign": walk.signed, "arrive": move_on, "report": walk.report}[verb](cast, dispatch)
    else:
        whistle.refresh_from_db()
        whistles.close(whistle, by=cast.duty, seen_state="reported")
    person = cast.duty if verb == "rework" else cast.scjg_liaison
    response = client_for(person).post(url(verb, dispatch), {"seen_state": seen, "reason": "…"}, follow=True)
    assert response.status_code == 200
    assert "没有重复办理" in html(response)


def move_on(cast: Cast, dispatch: Dispatch) -> None:
    dispatches.arrive(
        dispatch, by=cast.scjg_liaison, seen_state="signed", officers=[cast.scjg_officer], uses_power=False
    )


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_refuse_get(cast: Cast, verb: str) -> None:
    dispatch = stage(cast, verb)
    person = cast.duty if verb == "rework" else cast.scjg_liaison
    assert client_for(person).get(url(verb, dispatch)).status_code == 405


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_send_strangers_to_log_in(cast: Cast, verb: str) -> None:
    response = Client().post(url(verb, stage(cast, verb)))
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


# --- the list -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("person", ["duty", "leader", "scjg_liaison", "scjg_leader", "zdb_officer", "auditor"])
def test_list_shows_what_is_theirs(cast: Cast, dispatch: Dispatch, person: str) -> None:
    assert dispatch.number in html(client_for(getattr(cast, person)).get(LIST))


@pytest.mark.parametrize("person", ["changle_duty", "zfj_liaison", "zrzy_liaison", "scjg_officer", "grid", "stranger"])
def test_list_hides_what_is_not(cast: Cast, dispatch: Dispatch, person: str) -> None:
    assert dispatch.number not in html(client_for(getattr(cast, person)).get(LIST))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("state=open", True),
        ("state=sent", True),
        ("state=closed", False),
        ("kind=urgent", True),
        ("kind=routine", False),
        ("is_lead=True", True),
        ("is_lead=False", False),
        ("department=市场监管局", True),
        ("department=自然资源局", False),
        ("late=late", False),
        ("q=熟食摊", True),
        ("q=夜市", False),
        ("since=2026-11-24&until=2026-11-24", True),
        ("since=2026-11-25", False),
        ("until=2026-11-23", False),
        ("order=due", True),
        ("page=2", False),
    ],
)
def test_list_filters_stand_in_the_url(cast: Cast, query: str, found: bool) -> None:
    with time_machine.travel(NOW, tick=False):
        dispatch = walk.part(walk.approved(cast, "urgent"), cast.scjg)
        page = html(client_for(cast.duty).get(f"{LIST}?{query}"))
    assert (dispatch.number in page) is found


def test_list_of_a_department_by_township(cast: Cast, dispatch: Dispatch) -> None:
    client = client_for(cast.scjg_liaison)
    assert dispatch.number in html(client.get(f"{LIST}?by_unit={cast.ganlin.pk}"))
    assert dispatch.number not in html(client.get(f"{LIST}?by_unit={cast.changle.pk}"))


def test_list_of_late_ones(cast: Cast, dispatch: Dispatch) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=30), tick=False):
        assert "签收超期" in html(client_for(cast.scjg_liaison).get(f"{LIST}?late=late"))


def test_list_answers_htmx_with_the_rows_alone(cast: Cast, dispatch: Dispatch) -> None:
    page = html(client_for(cast.duty).get(LIST, headers={"HX-Request": "true", "HX-Target": "rows"}))
    assert "<table" in page
    assert "<html" not in page


def test_list_queries_do_not_grow_with_the_rows(cast: Cast, dispatch: Dispatch) -> None:
    client, counts = client_for(cast.duty), []
    client.get(LIST)
    for more in (0, 4):
        for _ in range(more):
            other = walk.part(walk.approved(cast, helpers=[cast.zrzy, cast.zfj]), cast.zrzy)
            dispatches.assign(other, by=cast.zrzy_liaison, assigned_unit=cast.zrzy_station, assigned_officer=None)
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1]
