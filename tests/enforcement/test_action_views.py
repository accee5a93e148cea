"""The form of a joint action, and the pages of a whistle without an event, from both sides."""

from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from command_room.services.worklist import acts
from enforcement.models import Dispatch, Whistle
from enforcement.services import dispatch as dispatches
from enforcement.services import whistle as whistles
from tests.cast import Cast, client_for
from tests.command_room.rows import make_whistles
from tests.enforcement import joint, walk
from tests.enforcement.joint import ASSEMBLY, NOW
from tests.enforcement.walk import at
from townships.models import Unit, User

pytestmark = pytest.mark.usefixtures("calendar_2026")
URL = "/actions/submit/"


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def html(response: HttpResponse) -> str:
    return response.content.decode()


def get(user: User, url: str) -> str:
    response = client_for(user).get(url)
    assert response.status_code == 200, url
    return html(response)


def post(user: User, data: dict[str, Any]) -> HttpResponse:
    return client_for(user).post(URL, data)


# --- the form -----------------------------------------------------------------------------------------------------------
def test_form_offers_departments_to_a_township(cast: Cast) -> None:
    page = get(cast.duty, URL)
    assert "甘霖镇请几家一起去" in page
    assert f'name="task_{cast.scjg.pk}"' in page
    assert f'name="task_{cast.changle.pk}"' not in page
    assert 'value="campaign" checked' in page
    assert "指导办" not in page.split("请谁来")[1].split("哪种哨")[0]


def test_form_offers_townships_and_other_departments_to_a_department(cast: Cast) -> None:
    page = get(cast.scjg_liaison, URL)
    assert f'name="task_{cast.changle.pk}"' in page
    assert f'name="task_{cast.zrzy.pk}"' in page
    assert f'name="task_{cast.scjg.pk}"' not in page


@pytest.mark.parametrize("part", ["grid", "officer", "zrzy_officer", "scjg_officer", "zdb_officer", "auditor"])
def test_form_refuses_whoever_has_no_desk(cast: Cast, part: str) -> None:
    client = client_for(getattr(cast, part))
    assert client.get(URL).status_code == 403
    assert client.post(URL, joint.typed(cast)).status_code == 403
    assert not Whistle.objects.exists()


def test_submit_leads_to_the_whistle(cast: Cast) -> None:
    response = post(cast.duty, joint.typed(cast))
    whistle = Whistle.objects.get()
    assert (response.status_code, response["Location"]) == (302, whistle.get_absolute_url())
    assert (whistle.assemble_at, whistle.area) == (ASSEMBLY, "振兴路至文昌路")
    assert whistle.tasks[str(cast.zfj.pk)] == "清理占道。"


def test_submit_twice_leads_to_the_same(cast: Cast) -> None:
    data = joint.typed(cast)
    first, second = post(cast.duty, data), post(cast.duty, data)
    assert first["Location"] == second["Location"]
    with time_machine.travel(at("2026-11-26 10:00"), tick=False):  # the answer was lost; by now it has begun
        assert post(cast.duty, data)["Location"] == first["Location"]
    assert Whistle.objects.count() == 1


def test_submit_by_a_department(cast: Cast) -> None:
    asked = {"lead": cast.changle.pk, "helpers": [cast.zrzy.pk], f"task_{cast.changle.pk}": "清理。"}
    assert post(cast.scjg_leader, joint.typed(cast, **asked)).status_code == 302
    assert Whistle.objects.get().by_unit == cast.scjg


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": ""}, "请写行动名称"),
        ({"area": " "}, "请写行动的范围"),
        ({"assemble_place": ""}, "请写集合的地点"),
        ({"facts": ""}, "请写为什么联合行动"),
        ({"assemble_at": ""}, "请写集合的日期和时间"),
        ({"assemble_at": "明天"}, "请写集合的日期和时间"),
        ({"assemble_at": "2026-11-24T10:36"}, "集合时间已经过了"),
        ({"assemble_at": "2026-12-16T09:00"}, "攻坚哨要在 15 个工作日内办结"),
        ({"assemble_at": "2026-11-26T09:00", "kind": "emergency"}, "应急哨要在 24 小时内办结"),
        ({"kind": ""}, "请选一种哨"),
        ({"lead": ""}, "请选一个主办单位"),
        ({"lead": "999999"}, "这个单位已经停用"),
        ({"request_id": "x"}, "页面不完整"),
    ],
)
def test_submit_says_what_is_wrong_and_keeps_what_was_typed(cast: Cast, wrong: dict[str, str], said: str) -> None:
    response = post(cast.duty, joint.typed(cast, **wrong))
    assert response.status_code == 422
    page = html(response)
    assert said in page
    assert 'value="查经营资格和食品安全。"' in page
    assert page.count(" checked") >= 2
    assert not Whistle.objects.exists()


def test_submit_wants_a_task_for_each_unit(cast: Cast) -> None:
    page = html(post(cast.duty, joint.typed(cast, **{f"task_{cast.zrzy.pk}": " ", f"task_{cast.zfj.pk}": ""})))
    assert "请写综合执法局、自然资源局的任务" in page
    page = html(post(cast.duty, joint.typed(cast, **{f"task_{cast.scjg.pk}": "查" * 201})))
    assert "市场监管局的任务请写短到 200 字以内" in page


@pytest.mark.parametrize("unit", ["ganlin", "changle", "zdb", "zrzy_station", "ganlin_grid"])
def test_a_township_calls_departments_alone(cast: Cast, unit: str) -> None:
    asked: Unit = getattr(cast, unit)
    response = post(cast.duty, joint.typed(cast, lead=asked.pk, **{f"task_{asked.pk}": "来。"}))
    assert response.status_code == 422
    assert not Whistle.objects.exists()


def test_nobody_calls_himself(cast: Cast) -> None:
    assert post(cast.scjg_liaison, joint.typed(cast)).status_code == 422


def test_one_that_was_turned_down_is_put_right(cast: Cast) -> None:
    whistle = joint.submitted(cast)
    whistles.reject(whistle, by=cast.leader, seen_state="submitted", reason="时间不合适。")
    page = get(cast.duty, whistle.get_absolute_url())
    assert f"{URL}?like={whistle.pk}" in page
    page = get(cast.duty, f"{URL}?like={whistle.pk}")
    assert 'value="沿街餐饮油烟联合整治"' in page
    assert 'value="核用地和违建。"' in page
    assert "核用地和违建" not in get(cast.changle_duty, f"{URL}?like={whistle.pk}")
    for nonsense in ("x", "9" * 30, "²"):
        get(cast.duty, f"{URL}?like={nonsense}")


# --- its pages ----------------------------------------------------------------------------------------------------------
def test_whistle_page_shows_assembly_and_tasks_and_no_event(cast: Cast) -> None:
    whistle = joint.submitted(cast)
    page = get(cast.leader, whistle.get_absolute_url())
    for words in ("11 月 26 日 09:00", "镇政府东门", "振兴路至文昌路", "核用地和违建。", "批准后马上发给"):
        assert words in page, words
    assert "看到什么" not in page
    assert "镇街办不了" not in page


def test_approval_page_foresees_the_assembly(cast: Cast) -> None:
    page = get(cast.leader, joint.submitted(cast, assemble_at=at("2026-12-04 08:00")).get_absolute_url())
    foreseen = page.split("按现在批准算")[1].split("</dl>")[0]
    assert "12 月 4 日 08:00 前" in foreseen
    assert "集合时间" in foreseen
    assert "首报" not in foreseen


def test_whistle_page_says_that_the_assembly_is_over(cast: Cast) -> None:
    whistle = joint.submitted(cast)
    with time_machine.travel(at("2026-11-26 09:30"), tick=False):
        page = get(cast.leader, whistle.get_absolute_url())
        assert "集合时间已过" in page
        assert "批准发出" not in page
        url = reverse("enforcement:whistle-approve", args=[whistle.pk])
        response = client_for(cast.leader).post(url, {"seen_state": "submitted"}, follow=True)
        assert "集合时间 11 月 26 日 09:00 已过" in html(response)


def test_dispatch_page_shows_the_own_task(cast: Cast) -> None:
    part = walk.part(joint.approved(cast), cast.zrzy)
    page = get(cast.zrzy_liaison, part.get_absolute_url())
    for words in ("我们的任务", "核用地和违建。", "镇政府东门", "镇街值班", "市场监管局主办"):
        assert words in page, words
    assert "在地图上看" not in page


def test_pages_speak_of_a_department_that_whistles(cast: Cast) -> None:
    whistle = joint.of_scjg(cast)
    part = walk.part(whistle, cast.ganlin)
    page = get(cast.duty, part.get_absolute_url())
    for words in ("签收后吹哨部门就知道谁来", "联系市场监管局", "发给市场监管局", "吹哨部门确认办结"):
        assert words in page, words
    for words in ("镇里", "镇领导", "镇街值班"):
        assert words not in page, words
    page = get(cast.scjg_liaison, whistle.get_absolute_url())
    assert "部门领导审核" in page
    assert "镇领导" not in page


def test_a_township_that_is_asked_signs_and_arrives_by_the_pages(cast: Cast) -> None:
    part = walk.part(joint.of_scjg(cast), cast.ganlin)
    client = client_for(cast.duty)
    url = reverse("enforcement:dispatch-sign", args=[part.pk])
    page = client.post(url, {"seen_state": "sent", "goes": f"user-{cast.officer.pk}"}, follow=True)
    assert "已签收" in html(page)
    url = reverse("enforcement:dispatch-arrive", args=[part.pk])
    officer = client_for(cast.officer)
    page = officer.post(url, {"seen_state": "signed", "officers": [cast.officer.pk], "uses_power": "on"}, follow=True)
    assert "已报到，市场监管局联络员已收到消息" in html(page)
    assert client.post(reverse("enforcement:dispatch-rework", args=[part.pk])).status_code == 403


def test_a_foreign_township_finds_nothing(cast: Cast) -> None:
    whistle = joint.approved(cast)
    client = client_for(cast.changle_duty)
    assert client.get(whistle.get_absolute_url()).status_code == 404
    assert client.get(walk.part(whistle, cast.scjg).get_absolute_url()).status_code == 404


def test_a_township_that_is_asked_opens_its_own_part_alone(cast: Cast) -> None:
    whistle = joint.of_scjg(cast)
    client = client_for(cast.changle_duty)
    assert client.get(whistle.get_absolute_url()).status_code == 200
    assert client.get(walk.part(whistle, cast.changle).get_absolute_url()).status_code == 200
    assert client.get(walk.part(whistle, cast.ganlin).get_absolute_url()).status_code == 404


def test_close_says_who_was_told(cast: Cast) -> None:
    whistle = joint.approved(cast)
    walk.reported(cast, walk.part(whistle, cast.scjg))
    url = reverse("enforcement:whistle-close", args=[whistle.pk])
    page = html(client_for(cast.duty).post(url, {"seen_state": "reported"}, follow=True))
    assert "已确认办结，各单位已收到消息" in page


# --- two lists ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def both(cast: Cast) -> tuple[Whistle, Whistle]:
    """(of 甘霖镇 for 市场监管局 and others, of 市场监管局 for 甘霖镇 and others)."""
    return joint.approved(cast, title="镇里的行动"), joint.of_scjg(cast, title="局里的行动")


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("noun", ["whistles", "dispatches"])
@pytest.mark.parametrize(
    ("part", "usual", "other"),
    [
        ("duty", "镇里的行动", "局里的行动"),
        ("officer", "镇里的行动", "局里的行动"),
        ("scjg_liaison", "镇里的行动", "局里的行动"),
        ("scjg_leader", "镇里的行动", "局里的行动"),
    ],
)
def test_lists_have_two_boxes(cast: Cast, noun: str, part: str, usual: str, other: str) -> None:
    """A township what it has whistled for, a department what it is asked for; the other behind the tab."""
    user = getattr(cast, part)
    page = get(user, f"/{noun}/")
    assert (usual in page, other in page) == (True, False)
    box = "in" if user.acting.unit.is_township else "out"
    assert f"?box={box}" in page
    page = get(user, f"/{noun}/?box={box}")
    assert (usual in page, other in page) == (False, True)
    assert f"?box={box}&amp;state=open" in page
    assert f'name="box" value="{box}"' in page


@pytest.mark.usefixtures("both")
def test_who_is_asked_by_both_sees_both_in_one_box(cast: Cast) -> None:
    for noun in ("whistles", "dispatches"):
        page = get(cast.zrzy_liaison, f"/{noun}/")
        assert "镇里的行动" in page
        assert "局里的行动" in page
        assert "镇里的行动" not in get(cast.zrzy_liaison, f"/{noun}/?box=out")


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("part", ["zdb_officer", "auditor", "zrzy_officer", "grid", "stranger"])
def test_others_have_one_list(cast: Cast, part: str) -> None:
    for noun in ("whistles", "dispatches"):
        page = get(getattr(cast, part), f"/{noun}/?box=in")
        assert "派给我们的</a>" not in page
        assert ("镇里的行动" in page) == (part in ("zdb_officer", "auditor"))


@pytest.mark.usefixtures("both")
def test_a_box_is_filtered_and_keeps_its_place(cast: Cast) -> None:
    page = get(cast.duty, "/dispatches/?box=in&state=sent")
    assert 'href="?box=in&amp;state=sent" aria-current="page"' in " ".join(page.split())
    assert "局里的行动" in page
    assert "没有符合条件的派单" in get(cast.duty, "/dispatches/?box=in&state=closed")
    assert "局里的行动" in get(cast.duty, f"/whistles/?box=in&by_unit={cast.scjg.pk}")
    assert "镇里的行动" in get(cast.duty, "/whistles/?box=nonsense")


def test_empty_boxes_say_what_will_be_there(cast: Cast) -> None:
    assert "还没有派给我们的哨" in get(cast.duty, "/whistles/?box=in")
    assert "还没有派给我们的单" in get(cast.scjg_liaison, "/dispatches/")
    assert "我们还没有派出单" in get(cast.scjg_liaison, "/dispatches/?box=out")


@pytest.mark.parametrize("url", ["/whistles/", "/whistles/?box=in", "/dispatches/", "/dispatches/?box=in"])
def test_boxes_ask_as_many_queries_for_20_as_for_2(cast: Cast, url: str) -> None:
    client, counts = client_for(cast.duty), []
    for n in (2, 18):
        for _ in range(n):
            joint.approved(cast)
            joint.of_scjg(cast)
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_each_box_has_its_index(cast: Cast) -> None:
    make_whistles(cast, 400, NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE enforcement_whistle, enforcement_dispatch")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
    boxes = {
        "dispatch_department": Dispatch.objects.filter(department=cast.changle),
        "dispatch_by_unit": Dispatch.objects.filter(by_unit=cast.changle),
        "whistle_by_unit": Whistle.objects.filter(by_unit=cast.changle),
    }
    for index, rows in boxes.items():
        assert index in rows.order_by("-id")[:26].explain()


# --- the work list ------------------------------------------------------------------------------------------------------
def todo(user: User) -> list[tuple[str, str]]:
    return [(act.verb, act.title) for act in acts(user, NOW)]


def test_what_is_dispatched_to_a_township_waits_for_its_desk(cast: Cast) -> None:
    part = walk.part(joint.of_scjg(cast), cast.ganlin)
    assert todo(cast.duty) == [("签收", "沿街餐饮油烟联合整治")]
    assert todo(cast.officer) == []
    dispatches.sign(part, by=cast.duty, seen_state="sent", assigned_officer=cast.officer)
    assert todo(cast.officer) == [("报到", "沿街餐饮油烟联合整治")]


def test_what_a_department_whistles_for_waits_for_its_leaders_then_for_its_liaisons(cast: Cast) -> None:
    whistle = joint.submitted(cast, by=cast.scjg_liaison, units=[cast.ganlin])
    assert todo(cast.scjg_leader) == [("审核", "沿街餐饮油烟联合整治")]
    assert todo(cast.scjg_liaison) == []
    whistles.approve(whistle, by=cast.scjg_leader, seen_state="submitted")
    assert todo(cast.scjg_leader) == []
    part = walk.part(whistle, cast.ganlin)
    dispatches.sign(part, by=cast.duty, seen_state="sent")
    dispatches.arrive(part, by=cast.duty, seen_state="signed", officers=[cast.officer], uses_power=False)
    dispatches.report_back(
        part, by=cast.duty, request_id=uuid4(), seen_state="arrived", result="solved", measures="已清理。"
    )
    assert todo(cast.scjg_liaison) == [("确认", "沿街餐饮油烟联合整治")]
    assert todo(cast.zrzy_liaison) == []


def test_a_departments_emergency_waits_for_its_leader_afterwards(cast: Cast) -> None:
    when = {"kind": "emergency", "assemble_at": at("2026-11-24 11:00")}
    joint.submitted(cast, by=cast.scjg_liaison, units=[cast.ganlin], **when)
    assert todo(cast.scjg_leader) == [("事后确认", "沿街餐饮油烟联合整治")]


def test_what_a_department_lets_run_over_is_known_above(cast: Cast) -> None:
    joint.submitted(cast, by=cast.scjg_liaison, units=[cast.ganlin])
    late = [act.why for act in acts(cast.auditor, at("2026-12-20 09:00"))]
    assert late == ["待审核，等市场监管局领导审核"]


def test_the_list_is_drawn_anew_when_something_comes(cast: Cast) -> None:
    clients = {name: client_for(getattr(cast, name)) for name in ("duty", "scjg_leader")}
    url = reverse("command_room:worklist-rows")
    before = {name: html(client.get(url)) for name, client in clients.items()}
    whistle = joint.submitted(cast, by=cast.scjg_liaison, units=[cast.ganlin])
    assert html(clients["scjg_leader"].get(url)) != before["scjg_leader"]
    whistles.approve(whistle, by=cast.scjg_leader, seen_state="submitted")
    assert html(clients["duty"].get(url)) != before["duty"]
