"""The pages and verbs of 延期, 挂账 and 撤哨: the happy way, strangers, no right, stale forms, what is missing, GET."""

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

from enforcement.models import Dispatch, Extension, Suspension, Whistle
from enforcement.services import extension as extensions
from enforcement.services import suspension as suspensions
from enforcement.services import withdrawal
from tests.cast import Cast, client_for
from tests.enforcement import walk
from tests.enforcement.walk import at
from townships.models import User

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-11-24 10:36")


@pytest.fixture(autouse=True)
def stopped_clock() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def lead(cast: Cast, kind: str = "routine") -> Dispatch:
    return walk.arrived(cast, walk.part(walk.approved(cast, kind), cast.scjg))


def asked(cast: Cast, kind: str = "routine") -> Extension:
    return extensions.ask(lead(cast, kind), by=cast.scjg_liaison, request_id=uuid4(), reason="等检测结果。")


def suspension_of(cast: Cast, *, approved: bool = False) -> Suspension:
    whistle = Whistle.objects.get(pk=lead(cast).whistle_id)
    words = {"reason": "approval", "text": "等市里批复。", "until": date(2026, 12, 18)}
    suspension = suspensions.ask(whistle, by=cast.scjg_liaison, request_id=uuid4(), **words)
    if approved:
        suspensions.approve(Suspension.objects.get(pk=suspension.pk), by=cast.leader)
    return Suspension.objects.get(pk=suspension.pk)


def post(who: User | Client, name: str, obj: Any, **data: Any) -> HttpResponse:
    client = who if isinstance(who, Client) else client_for(who)
    return client.post(reverse(f"enforcement:{name}", args=[obj.pk]), data)


def page(who: User, obj: Any, **query: str) -> str:
    response = client_for(who).get(obj.get_absolute_url(), query)
    assert response.status_code == 200
    return response.content.decode()


# --- 延期 -----------------------------------------------------------------------------------------------------------
def test_extension_from_the_question_to_the_new_limit(cast: Cast) -> None:
    dispatch = lead(cast)
    text = page(cast.scjg_liaison, dispatch, act="extend")
    assert "按期办不完，申请延期" in text
    assert "12 月 3 日 23:59" in text
    assert "12 月 9 日 23:59" in text  # from when to when, before it is asked for
    form = {"request_id": uuid4(), "seen_state": "arrived", "reason": "等检测结果。"}
    response = post(cast.scjg_liaison, "extension-ask", dispatch, **form)
    assert response["Location"] == dispatch.get_absolute_url()
    extension = Extension.objects.get()
    text = page(cast.duty, dispatch)
    assert "市场监管局申请延期 4 个工作日" in text
    assert "12 月 9 日 23:59" in text
    assert "等检测结果。" in text
    assert "市场监管局申请延期，等指挥室答复" in page(cast.duty, dispatch.whistle)
    assert post(cast.duty, "extension-grant", extension, seen_state="asked").status_code == 302
    dispatch.refresh_from_db()
    assert dispatch.finish_due == at("2026-12-09 23:59:59")
    text = page(cast.scjg_liaison, dispatch)
    assert "同意延期" in text
    assert "日常哨最多申请延期 1 次，已经用完，不能再申请。" in text


def test_extension_refused_with_a_word(cast: Cast) -> None:
    extension = asked(cast)
    response = post(cast.duty, "extension-refuse", extension, seen_state="asked", decision="")
    assert response.status_code == 422
    assert "请写不同意的原因，部门会看到。" in response.content.decode()
    post(cast.duty, "extension-refuse", extension, seen_state="asked", decision="本周能办完。")
    assert "不同意延期：本周能办完。" in page(cast.scjg_liaison, extension.dispatch)


def test_after_the_limit_the_page_says_why_it_cannot_be_asked(cast: Cast, stopped_clock: Any) -> None:
    dispatch = lead(cast)
    stopped_clock.move_to(at("2026-12-04 09:00"))
    text = page(cast.scjg_liaison, dispatch)
    assert "办结期限已过，不能再申请延期。" in text
    assert "按期办不完，申请延期" not in text
    form = {"request_id": uuid4(), "seen_state": "arrived", "reason": "等检测结果。"}
    response = client_for(cast.scjg_liaison).post(
        reverse("enforcement:extension-ask", args=[dispatch.pk]), form, follow=True
    )
    assert "办结期限已过，不能再申请延期。" in response.content.decode()
    assert not Extension.objects.exists()


@pytest.mark.parametrize("reason", ["", "字" * 401])
def test_extension_needs_a_reason_that_fits(cast: Cast, reason: str) -> None:
    form = {"request_id": uuid4(), "seen_state": "arrived", "reason": reason}
    response = post(cast.scjg_liaison, "extension-ask", lead(cast), **form)
    assert response.status_code == 422
    assert "请先改好下面几处" in response.content.decode()
    assert not Extension.objects.exists()


def test_second_extension_is_the_guidance_offices(cast: Cast) -> None:
    first = asked(cast, "campaign")
    extensions.grant(first, by=cast.duty)
    dispatch = walk.part(first.dispatch.whistle, cast.scjg)
    second = extensions.ask(dispatch, by=cast.scjg_liaison, request_id=uuid4(), reason="还差一步。")
    assert post(cast.duty, "extension-grant", second, seen_state="asked").status_code == 403
    assert "等指导办答复" in page(cast.duty, dispatch)
    assert post(cast.zdb_officer, "extension-grant", second, seen_state="asked").status_code == 302
    second.refresh_from_db()
    assert second.state == "granted"


@pytest.mark.parametrize("verb", ["extension-grant", "extension-refuse"])
def test_extension_answered_by_a_colleague_is_said_in_a_sentence(cast: Cast, verb: str) -> None:
    extension = asked(cast)
    extensions.grant(Extension.objects.get(pk=extension.pk), by=cast.leader)
    response = client_for(cast.duty).post(
        reverse(f"enforcement:{verb}", args=[extension.pk]), {"seen_state": "asked", "decision": "不行"}, follow=True
    )
    assert "甘霖镇·镇街领导已于 11-24 10:36 同意市场监管局延期 4 个工作日" in response.content.decode()
    assert Extension.objects.get().state == "granted"


def test_extension_of_a_dispatch_that_was_reported_meanwhile_is_said_in_a_sentence(cast: Cast) -> None:
    dispatch = lead(cast)
    walk.report(cast, walk.part(dispatch.whistle, cast.scjg))
    form = {"request_id": uuid4(), "seen_state": "arrived", "reason": "等检测结果。"}
    response = client_for(cast.scjg_liaison).post(
        reverse("enforcement:extension-ask", args=[dispatch.pk]), form, follow=True
    )
    assert "市场监管局反馈：已解决" in response.content.decode()
    assert not Extension.objects.exists()


# --- 挂账 -----------------------------------------------------------------------------------------------------------
def suspend_form(**over: Any) -> dict[str, Any]:
    words = {"reason": "season", "text": "汛期不能施工。", "until": "2026-12-18"}
    return {"request_id": uuid4(), "seen_state": "signing", **words, **over}


def test_suspension_from_the_question_to_the_resumption(cast: Cast) -> None:
    dispatch = lead(cast)
    whistle = dispatch.whistle
    assert "申请挂账" in page(cast.scjg_liaison, dispatch)
    assert "一时办不下去，申请挂账" in page(cast.scjg_liaison, whistle, act="suspend")
    assert post(cast.scjg_liaison, "suspension-ask", whistle, **suspend_form()).status_code == 302
    suspension = Suspension.objects.get()
    assert "等镇领导批准" in page(cast.scjg_liaison, dispatch)
    assert "市场监管局·部门联络员申请挂账到 12 月 18 日" in page(cast.leader, whistle)
    post(cast.leader, "suspension-approve", suspension, seen_state="asked")
    text = page(cast.scjg_liaison, dispatch)
    assert "挂账中，先不用办，也不计时，到 12 月 18 日 自动恢复" in text
    assert "汛期不能施工。" in text
    assert "报到" not in text
    text = page(cast.duty, whistle)
    assert "挂账中，暂停计时到 12 月 18 日" in text
    assert "现在恢复办理" in text
    assert "挂账，此前已到场" in text
    assert "挂账，此前未签收" in text
    assert "现在恢复办理" not in page(cast.scjg_liaison, whistle)
    post(cast.duty, "whistle-resume", whistle, seen_state="suspended")
    assert Suspension.objects.get().state == "ended"
    assert "暂停计时" in page(cast.duty, whistle)  # why the due times lie later
    assert "受季节、天气限制" in page(cast.scjg_liaison, whistle)


def test_suspension_refused_with_a_word(cast: Cast) -> None:
    suspension = suspension_of(cast)
    response = post(cast.leader, "suspension-refuse", suspension, seen_state="asked", decision="")
    assert "请写不批准的原因" in response.content.decode()
    post(cast.leader, "suspension-refuse", suspension, seen_state="asked", decision="批复已到。")
    assert "未批准：批复已到。" in page(cast.scjg_liaison, suspension.whistle)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"reason": ""}, "请选一个理由。"),
        ({"reason": "holiday"}, "请选一个理由。"),
        ({"text": ""}, "请写在等什么、等谁，什么时候能继续。"),
        ({"until": ""}, "请选挂账到哪一天。"),
        ({"until": "下周"}, "请写日期，例如 2026-12-18。"),
        ({"until": "2026-11-24"}, "最早挂账到明天（2026-11-25）"),
        ({"until": "2027-05-24"}, "一次最多挂账 180 天，最晚到 2027-05-23。"),
    ],
)
def test_suspension_form_says_what_is_wrong(cast: Cast, over: dict[str, str], said: str) -> None:
    response = post(cast.duty, "suspension-ask", lead(cast).whistle, **suspend_form(**over))
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Suspension.objects.exists()


@pytest.mark.parametrize("until", ["2026-11-25", "2027-05-23"])
def test_suspension_from_tomorrow_to_half_a_year(cast: Cast, until: str) -> None:
    assert post(cast.duty, "suspension-ask", lead(cast).whistle, **suspend_form(until=until)).status_code == 302
    assert f"{Suspension.objects.get().resume_due + timedelta(hours=8):%Y-%m-%d}" == until


def test_a_helper_may_not_ask_for_a_suspension(cast: Cast) -> None:
    whistle = lead(cast).whistle
    assert "申请挂账" not in page(cast.zrzy_liaison, whistle)
    assert post(cast.zrzy_liaison, "suspension-ask", whistle, **suspend_form()).status_code == 403


@pytest.mark.parametrize("verb", ["suspension-approve", "suspension-refuse"])
def test_suspension_decided_by_a_colleague_is_said_in_a_sentence(cast: Cast, verb: str) -> None:
    suspension = suspension_of(cast)
    suspensions.refuse(Suspension.objects.get(pk=suspension.pk), by=cast.leader, decision="不行。")
    response = client_for(cast.leader).post(
        reverse(f"enforcement:{verb}", args=[suspension.pk]), {"seen_state": "asked", "decision": "不行"}, follow=True
    )
    assert "甘霖镇·镇街领导已于 11-24 10:36 未批准挂账" in response.content.decode()


def test_a_department_that_signs_late_in_a_suspension_is_told_until_when(cast: Cast) -> None:
    suspension = suspension_of(cast, approved=True)
    helper = walk.part(suspension.whistle, cast.zrzy)
    response = client_for(cast.zrzy_liaison).post(
        reverse("enforcement:dispatch-sign", args=[helper.pk]), {"seen_state": "sent"}, follow=True
    )
    text = response.content.decode()
    assert "自然资源局暂停计时" in text
    assert "到 12 月 18 日 自动恢复" in text


def test_suspended_ones_in_the_lists_say_when_they_go_on(cast: Cast) -> None:
    suspension_of(cast, approved=True)
    for person, name in ((cast.duty, "whistle-list"), (cast.scjg_liaison, "dispatch-list")):
        text = client_for(person).get(reverse(f"enforcement:{name}"), {"state": "suspended"}).content.decode()
        assert "天恢复</b><span>（12 月 18 日 23:59 前）" in text, name
        assert ">挂账</a>" in text


# --- 撤哨 -----------------------------------------------------------------------------------------------------------
def test_withdraw_goes_back_to_the_event(cast: Cast) -> None:
    whistle = lead(cast).whistle
    text = page(cast.duty, whistle)
    assert "不用来了，撤哨" in text
    assert "不用来了，撤哨" not in page(cast.scjg_liaison, whistle)
    response = post(cast.duty, "whistle-withdraw", whistle, seen_state="signing", reason="")
    assert response.status_code == 422
    assert "请写为什么撤哨，请来的部门会看到。" in response.content.decode()
    response = post(cast.duty, "whistle-withdraw", whistle, seen_state="signing", reason="已自行解决。")
    assert whistle.event is not None
    assert response["Location"] == whistle.event.get_absolute_url()
    text = page(cast.scjg_liaison, walk.part(whistle, cast.scjg))
    assert "甘霖镇已撤哨，不用再办" in text
    assert "已自行解决。" in text
    assert "已撤哨" in page(cast.duty, whistle)
    text = page(cast.grid, whistle.event)
    assert "镇街撤回吹哨，另行安排" in text
    assert "已自行解决" not in text


def test_withdraw_of_another_state_is_said_in_a_sentence(cast: Cast) -> None:
    whistle = walk.approved(cast)
    walk.signed(cast, walk.part(whistle, cast.scjg))
    walk.signed(cast, walk.part(whistle, cast.zrzy))
    response = client_for(cast.duty).post(
        reverse("enforcement:whistle-withdraw", args=[whistle.pk]),
        {"seen_state": "signing", "reason": "已自行解决。"},
        follow=True,
    )
    assert "没有重复办理" in response.content.decode()
    whistle.refresh_from_db()
    assert whistle.state == "signed"


def test_withdrawn_emergency_is_not_marked_as_unconfirmed(cast: Cast) -> None:
    whistle = walk.submitted(cast, "emergency")
    listed = reverse("enforcement:whistle-list")
    assert "待事后确认" in client_for(cast.duty).get(listed).content.decode()
    withdrawal.withdraw(whistle, by=cast.duty, seen_state=whistle.state, reason="误报。")
    assert "待事后确认" not in client_for(cast.duty).get(listed).content.decode()
    assert "待事后确认" not in page(cast.leader, whistle)


# --- all of them ------------------------------------------------------------------------------------------------------
def test_foreigners_find_none_of_it(cast: Cast) -> None:
    extension, suspension = asked(cast), suspension_of(cast)
    for name, obj in (
        ("extension-ask", extension.dispatch),
        ("extension-grant", extension),
        ("extension-refuse", extension),
        ("suspension-ask", suspension.whistle),
        ("suspension-approve", suspension),
        ("suspension-refuse", suspension),
        ("whistle-resume", suspension.whistle),
        ("whistle-withdraw", suspension.whistle),
    ):
        assert post(cast.changle_leader, name, obj).status_code == 404, name
        assert client_for(cast.duty).get(reverse(f"enforcement:{name}", args=[obj.pk])).status_code == 405, name


def test_pages_cost_the_same_with_and_without_earlier_requests(cast: Cast) -> None:
    """Of a whistle that has stood still once and was put off once."""
    suspension = suspension_of(cast, approved=True)
    suspensions.resume(Whistle.objects.get(pk=suspension.whistle_id), by=cast.duty)
    counts = []
    page(cast.duty, suspension.whistle)  # what is asked for once a process
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            page(cast.duty, suspension.whistle)
        counts.append(len(queries))
        again = Whistle.objects.get(pk=suspension.whistle_id)
        words = {"reason": "works", "text": "等施工。", "until": date(2026, 12, 18)}
        suspensions.approve(suspensions.ask(again, by=cast.duty, request_id=uuid4(), **words), by=cast.leader)
        suspensions.resume(Whistle.objects.get(pk=suspension.whistle_id), by=cast.duty)
    assert counts[0] == counts[1]
