from datetime import timedelta
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

from enforcement.models import Dispatch, Event, Whistle
from enforcement.services import whistle as whistles
from tests.cast import Cast, client_for
from tests.enforcement import walk
from tests.enforcement.walk import at
from townships.models import User

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-11-24 10:36")
VERBS = ["approve", "reject", "confirm", "close", "claim"]


def url(verb: str, obj: Whistle | Event) -> str:
    return reverse(f"enforcement:whistle-{verb}", args=[obj.pk])


def post(user: User, verb: str, obj: Whistle | Event, **data: Any) -> HttpResponse:
    return client_for(user).post(url(verb, obj), data)


def html(response: HttpResponse) -> str:
    return response.content.decode()


def filled(cast: Cast, event: Event, **over: Any) -> dict[str, Any]:
    fields = {
        "request_id": uuid4(),
        "seen_state": event.state,
        "kind": "routine",
        "facts": "请市场监管局查处",
        "why": "no_power",
        "why_text": "",
        "lead": cast.scjg.pk,
        "helpers": [cast.zrzy.pk, cast.scjg.pk],
    }
    return {**fields, **over}


# --- submit ---------------------------------------------------------------------------------------------------------
@time_machine.travel(NOW, tick=False)
def test_submit_form_says_limits_and_due_times_of_every_kind(cast: Cast) -> None:
    page = html(client_for(cast.duty).get(url("submit", walk.event(cast))))
    for words in (
        "15 分钟",
        "10:51 前",
        "24 小时",
        "4 个工作小时",
        "16:36 前",
        "15 个工作日",
        "立即发出，领导事后确认",
    ):
        assert words in page
    assert walk.FACTS in page


def test_submit_form_is_prefilled_with_the_proposed_departments(cast: Cast, rules: None) -> None:
    page = html(client_for(cast.duty).get(url("submit", walk.event(cast))))
    assert page.count("checked") >= 2  # the kind and the lead that the routing rules propose
    assert page.count('name="lead"') == 33


def test_submit_changes_nothing_on_get(cast: Cast) -> None:
    event = walk.event(cast)
    client_for(cast.duty).get(url("submit", event))
    event.refresh_from_db()
    assert event.state == "reported"


def test_submit_goes_to_the_leaders(cast: Cast) -> None:
    event = walk.event(cast)
    response = post(cast.duty, "submit", event, **filled(cast, event))
    whistle = Whistle.objects.get()
    assert response.status_code == 302
    assert response["Location"] == whistle.get_absolute_url()
    assert (whistle.state, whistle.departments) == ("submitted", [cast.scjg.pk, cast.zrzy.pk])


def test_submit_emergency_goes_to_the_departments(cast: Cast) -> None:
    event = walk.event(cast)
    post(cast.duty, "submit", event, **filled(cast, event, kind="emergency"))
    assert Dispatch.objects.count() == 2


def test_submit_twice_gets_the_same_redirect(cast: Cast) -> None:
    event = walk.event(cast)
    fields = filled(cast, event)
    first, second = (post(cast.duty, "submit", event, **fields) for _ in range(2))
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])
    assert Whistle.objects.count() == 1


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"lead": ""}, "请选一个主办部门"),
        ({"lead": "999999"}, "这个部门已经停用"),
        ({"kind": "loud"}, "请选一种哨"),
        ({"why": ""}, "请选镇街为何办不了"),
        ({"why": "joint", "helpers": []}, "请至少选一个协办部门"),
        ({"why": "tried"}, "请写做过什么、结果怎样"),
        ({"facts": "字" * 4001}, "情况和请求最多 4000 字"),
    ],
)
def test_submit_with_an_error_keeps_what_was_typed(cast: Cast, over: dict[str, Any], sentence: str) -> None:
    event = walk.event(cast)
    response = post(cast.duty, "submit", event, **filled(cast, event, facts="请来查处无证摊", **{}) | over)
    page = html(response)
    assert response.status_code == 422
    assert sentence in page
    if "facts" not in over:
        assert "请来查处无证摊" in page
    assert not Whistle.objects.exists()


def test_submit_of_a_foreign_event_is_not_found(cast: Cast) -> None:
    event = walk.event(cast)
    assert post(cast.changle_duty, "submit", event, **filled(cast, event)).status_code == 404


@pytest.mark.parametrize("person", ["grid", "officer", "zdb_officer", "auditor"])
def test_submit_not_allowed(cast: Cast, person: str) -> None:
    event = walk.event(cast)
    assert post(getattr(cast, person), "submit", event, **filled(cast, event)).status_code == 403


def test_submit_of_what_a_colleague_dismissed_says_so(cast: Cast) -> None:
    event = walk.event(cast)
    fields = filled(cast, event)
    client = client_for(cast.duty)
    client.post(
        reverse("enforcement:event-dismiss", args=[event.pk]),
        {"seen_state": "reported", "reason": "untrue", "text": "现场没有"},
    )
    response = client.post(url("submit", event), fields, follow=True)
    assert "没有重复办理" in html(response)
    assert not Whistle.objects.exists()


def test_submit_page_of_a_whistled_event_leads_to_the_whistle(cast: Cast) -> None:
    event = walk.event(cast)
    whistle = walk.submitted(cast, of=event)
    assert client_for(cast.duty).get(url("submit", event))["Location"] == whistle.get_absolute_url()


# --- approve, reject, confirm ---------------------------------------------------------------------------------------
def test_approve_from_the_page(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    response = post(cast.leader, "approve", whistle, seen_state="submitted")
    whistle.refresh_from_db()
    assert response.status_code == 302
    assert (whistle.state, whistle.approved_by) == ("signing", cast.leader)


def test_approve_a_second_time_says_who_did_it(cast: Cast) -> None:
    whistle = walk.approved(cast)
    response = client_for(cast.leader).post(url("approve", whistle), {"seen_state": "submitted"}, follow=True)
    assert "没有重复办理：甘霖镇·镇街领导已于" in html(response)


@time_machine.travel(NOW, tick=False)
def test_page_before_the_approval_says_what_it_would_do(cast: Cast) -> None:
    page = html(client_for(cast.leader).get(walk.submitted(cast).get_absolute_url()))
    for words in ("批准后马上发给", "市场监管局", "自然资源局", "16:36 前", "批准发出", "不批准"):
        assert words in page


def test_page_before_the_approval_offers_the_desk_no_approval(cast: Cast) -> None:
    page = html(client_for(cast.duty).get(walk.submitted(cast).get_absolute_url()))
    assert "等镇领导批准" in page
    assert "批准发出" not in page


def test_reject_with_a_reason(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    post(cast.leader, "reject", whistle, seen_state="submitted", reason="先由执法队处置")
    assert "先由执法队处置" in html(client_for(cast.duty).get(whistle.get_absolute_url()))


def test_reject_without_a_reason_is_asked_for_it(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    response = post(cast.leader, "reject", whistle, seen_state="submitted", reason="")
    assert response.status_code == 422
    assert "请写不批准的原因" in html(response)
    assert Whistle.objects.get().state == "submitted"


def test_confirm_from_the_page(cast: Cast) -> None:
    whistle = walk.submitted(cast, "emergency")
    assert "事后确认，同意吹哨" in html(client_for(cast.leader).get(whistle.get_absolute_url()))
    assert post(cast.leader, "confirm", whistle).status_code == 302
    assert Whistle.objects.get().approved_by == cast.leader
    again = client_for(cast.leader).post(reverse("enforcement:whistle-confirm", args=[whistle.pk]), follow=True)
    assert "已经事后确认过" in html(again)


@pytest.mark.parametrize("verb", ["submit", "approve", "reject", "close"])
def test_verb_of_an_incomplete_page_says_so(cast: Cast, verb: str) -> None:
    of: Whistle | Event = {"submit": walk.event, "close": walk.ready}.get(verb, walk.submitted)(cast)
    person = cast.leader if verb in ("approve", "reject") else cast.duty
    response = post(person, verb, of, reason="先由执法队处置")
    assert response.status_code == 422
    assert "页面不完整，没有提交" in html(response)


# --- close ----------------------------------------------------------------------------------------------------------
def test_close_in_one_tap(cast: Cast) -> None:
    whistle = walk.ready(cast)
    assert post(cast.duty, "close", whistle, seen_state="reported").status_code == 302
    whistle.refresh_from_db()
    assert whistle.state == "closed"
    assert set(Dispatch.objects.values_list("stars", flat=True)) == {None}


def test_close_with_stars_for_who_came(cast: Cast) -> None:
    whistle = walk.ready(cast)
    lead, helper = walk.part(whistle, cast.scjg), walk.part(whistle, cast.zrzy)
    stars = {f"stars_{lead.pk}": "4", f"stars_{helper.pk}": "1"}  # the helper never came: nothing to rate
    post(cast.duty, "close", whistle, seen_state="reported", **stars)
    lead.refresh_from_db()
    helper.refresh_from_db()
    assert (lead.stars, helper.stars) == (4, None)


def test_close_with_six_stars_is_refused(cast: Cast) -> None:
    whistle = walk.ready(cast)
    response = post(
        cast.duty, "close", whistle, seen_state="reported", **{f"stars_{walk.part(whistle, cast.scjg).pk}": "6"}
    )
    assert response.status_code == 422
    assert "评价请选 1 到 5 星" in html(response)


def test_close_page_shows_reports_stars_and_the_way_back(cast: Cast) -> None:
    whistle = walk.ready(cast)
    page = html(client_for(cast.duty).get(whistle.get_absolute_url()))
    for words in ("当场清退三个摊点", "反馈：已解决", "确认办结", "1 星", "不评", "退回返工", "记为未反馈"):
        assert words in page


def test_close_page_waits_for_a_helpers_rework(cast: Cast) -> None:
    whistle = walk.ready(cast)
    walk.reworked(cast, walk.reported(cast, walk.part(whistle, cast.zrzy)))
    client = client_for(cast.duty)
    assert "自然资源局正在返工，反馈后再确认办结" in html(client.get(whistle.get_absolute_url()))
    response = client.post(url("close", whistle), {"seen_state": "reported"}, follow=True)
    assert "自然资源局正在返工" in html(response)
    assert Whistle.objects.get().state == "reported"


# --- every verb's five ----------------------------------------------------------------------------------------------
def stage(cast: Cast, verb: str) -> Whistle:
    """A whistle on which this verb is due."""
    if verb == "confirm":
        return walk.submitted(cast, "emergency")
    return walk.ready(cast) if verb == "close" else walk.submitted(cast)


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_on_a_foreign_whistle_are_not_found(cast: Cast, verb: str) -> None:
    whistle = stage(cast, verb)
    assert post(cast.changle_leader, verb, whistle, seen_state=whistle.state).status_code == 404


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_not_allowed(cast: Cast, verb: str) -> None:
    whistle = stage(cast, verb)
    person = cast.zdb_officer if verb in ("close", "claim") else cast.duty
    assert post(person, verb, whistle, seen_state=whistle.state, reason="…").status_code == 403


@pytest.mark.parametrize("verb", ["approve", "reject", "close"])
def test_verbs_in_a_wrong_state_say_so(cast: Cast, verb: str) -> None:
    whistle = stage(cast, verb)
    seen = whistle.state
    if verb == "close":
        whistles.close(whistle, by=cast.duty, seen_state=seen)
    else:
        whistles.reject(whistle, by=cast.leader, seen_state=seen, reason="请补充")
    response = client_for(cast.leader).post(url(verb, whistle), {"seen_state": seen, "reason": "…"}, follow=True)
    assert response.status_code == 200
    assert "没有重复办理" in html(response)


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_refuse_get(cast: Cast, verb: str) -> None:
    whistle = stage(cast, verb)
    assert client_for(cast.leader).get(url(verb, whistle)).status_code == 405


def test_verbs_send_strangers_to_log_in_and_back(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    response = Client().get(whistle.get_absolute_url())
    assert response.status_code == 302
    assert f"next={whistle.get_absolute_url()}" in response["Location"]


def test_claim_and_take_over(cast: Cast) -> None:
    whistle = walk.ready(cast)
    for _ in range(2):  # pressed twice is taken once
        assert post(cast.duty, "claim", whistle).status_code == 302
    page = html(client_for(cast.leader).get(whistle.get_absolute_url()))
    assert cast.duty.name in page
    assert "我来接手" in page


# --- reading --------------------------------------------------------------------------------------------------------
def test_detail_shows_a_department_the_others_by_name_and_state_only(cast: Cast) -> None:
    whistle = walk.ready(cast)
    page = html(client_for(cast.zrzy_liaison).get(whistle.get_absolute_url()))
    assert "市场监管局" in page
    assert "已反馈" in page
    assert "当场清退三个摊点" not in page
    assert walk.part(whistle, cast.scjg).get_absolute_url() not in page


def test_detail_marks_what_is_provisional(cast: Cast) -> None:
    with time_machine.travel(at("2026-12-30 10:00"), tick=False):
        whistle = walk.approved(cast)
        assert "暂定" in html(client_for(cast.duty).get(whistle.get_absolute_url()))


def test_detail_has_a_timeline_of_whistle_dispatches_and_event(cast: Cast) -> None:
    page = html(client_for(cast.duty).get(walk.ready(cast).get_absolute_url()))
    for words in ("上报事件", "提交日常哨", "批准吹哨", "派单给自然资源局", "市场监管局签收", "任务派遣"):
        assert words in page


@pytest.mark.parametrize("person", ["duty", "leader", "scjg_liaison", "zdb_officer", "auditor"])
def test_list_shows_what_is_theirs(cast: Cast, person: str) -> None:
    whistle = walk.approved(cast)
    assert whistle.number in html(client_for(getattr(cast, person)).get(reverse("enforcement:whistle-list")))


def test_list_names_who_is_asked_before_the_approval(cast: Cast) -> None:
    walk.submitted(cast)
    page = html(
        client_for(cast.leader).get(
            reverse("enforcement:whistle-list"), headers={"HX-Request": "true", "HX-Target": "rows"}
        )
    )
    assert "市场监管局" in page


@pytest.mark.parametrize("person", ["changle_duty", "zfj_liaison", "grid", "bureau_admin", "stranger"])
def test_list_hides_what_is_not(cast: Cast, person: str) -> None:
    whistle = walk.approved(cast)
    assert whistle.number not in html(client_for(getattr(cast, person)).get(reverse("enforcement:whistle-list")))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("state=open", True),
        ("state=signing", True),
        ("state=closed", False),
        ("kind=routine", True),
        ("kind=emergency", False),
        ("department=市场监管局", True),
        ("department=市场", True),
        ("department=公安局", False),
        ("late=late", False),
        ("q=熟食摊", True),
        ("q=-0001", True),
        ("q=夜市", False),
        ("since=2026-11-24&until=2026-11-24", True),
        ("since=2026-11-25", False),
        ("until=2026-11-23", False),
        ("order=due", True),
        ("order=newest", True),
        ("page=2", False),
        ("page=x", True),
        ("since=gestern", True),
    ],
)
def test_list_filters_stand_in_the_url(cast: Cast, query: str, found: bool) -> None:
    with time_machine.travel(NOW, tick=False):
        whistle = walk.approved(cast)
        page = html(client_for(cast.duty).get(f"{reverse('enforcement:whistle-list')}?{query}"))
    assert (whistle.number in page) is found


def test_list_of_late_ones(cast: Cast) -> None:
    whistle = walk.approved(cast)
    with time_machine.travel(timezone.now() + timedelta(days=30), tick=False):
        page = html(client_for(cast.duty).get(f"{reverse('enforcement:whistle-list')}?late=late"))
    assert whistle.number in page
    assert "签收超期" in page


def test_list_answers_htmx_with_the_rows_alone(cast: Cast) -> None:
    walk.approved(cast)
    headers = {"HX-Request": "true", "HX-Target": "rows"}
    page = html(client_for(cast.duty).get(reverse("enforcement:whistle-list"), headers=headers))
    assert "<table" in page
    assert "<html" not in page


def test_list_queries_do_not_grow_with_the_rows(cast: Cast) -> None:
    client, path = client_for(cast.duty), reverse("enforcement:whistle-list")
    walk.approved(cast)
    client.get(path)
    counts = []
    for more in (0, 4):
        for _ in range(more):
            walk.approved(cast, helpers=[cast.zrzy, cast.zfj])
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_detail_queries_do_not_grow_with_the_departments(cast: Cast) -> None:
    counts = []
    for helpers in ([], [cast.zrzy, cast.zfj]):
        whistle = walk.approved(cast, helpers=helpers)
        for dispatch in whistle.dispatches.all():
            walk.reported(cast, walk.part(whistle, dispatch.department))
        client = client_for(cast.duty)
        client.get(whistle.get_absolute_url())
        with CaptureQueriesContext(connection) as queries:
            client.get(whistle.get_absolute_url())
        counts.append(len(queries))
    assert counts[0] == counts[1]
