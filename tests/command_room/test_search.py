"""The page 搜索: what is found for whom, and what is not even hinted at."""

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from enforcement.models import Caller, Dispatch, Event, Whistle
from tests.cast import Cast, client_for
from tests.command_room.rows import make_events, make_whistles

PAGE = "/search/"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def groups(user: Any, query: str) -> dict[str, Any]:
    """Title of the group → the group."""
    return {group.title: group for group in client_for(user).get(PAGE, {"q": query}).context["groups"]}


def text_of(user: Any, **query: str) -> str:
    return client_for(user).get(PAGE, query).content.decode()


@pytest.fixture
def filed(cast: Cast, now: datetime) -> Whistle:
    """One event of 甘霖镇 with a whistle to 市场监管局 and 自然资源局."""
    [whistle] = make_whistles(cast, 1, now)
    Event.objects.filter(pk=whistle.event_id).update(title="窨井盖缺失", place="东湖路12号")
    Whistle.objects.filter(pk=whistle.pk).update(title="窨井盖缺失", facts="请查明窨井产权")
    return whistle


def test_search_finds_each_kind(cast: Cast, filed: Whistle) -> None:
    found = groups(cast.duty, "窨井")
    assert list(found) == ["事件", "哨单", "派单"]
    assert [hit.url for hit in found["事件"].hits] == [filed.event.get_absolute_url()]  # type: ignore[union-attr]
    assert len(found["派单"].hits) == 2
    assert "<mark>窨井</mark>盖缺失" in text_of(cast.duty, q="窨井")


@pytest.mark.parametrize(
    ("part", "kinds"),
    [
        ("grid", ["事件"]),
        ("leader", ["事件", "哨单", "派单"]),
        ("officer", ["事件", "哨单", "派单"]),
        ("scjg_liaison", ["事件", "哨单", "派单"]),
        ("zdb_officer", ["事件", "哨单", "派单"]),
        ("auditor", ["事件", "哨单", "派单"]),
        *(
            (part, [])
            for part in ("changle_duty", "changle_grid_member", "zfj_liaison", "scjg_officer", "zrzy_officer")
        ),
        *((part, []) for part in ("bureau_admin", "stranger")),
    ],
)
def test_search_finds_only_what_one_may_see(cast: Cast, filed: Whistle, part: str, kinds: list[str]) -> None:
    user = getattr(cast, part)
    assert list(groups(user, "窨井")) == kinds
    assert list(groups(user, filed.number)) == [kind for kind in kinds if kind != "事件"]
    if not kinds:  # what is there and what is not answer alike, to the letter
        other = f"{filed.number[:-1]}{'0' if filed.number[-1] != '0' else '1'}"
        pages = [text_of(user, q=number).split("<main")[1].replace(number, "…") for number in (filed.number, other)]
        assert pages[0].replace(filed.number[:29], "") == pages[1].replace(other[:29], "")


def test_department_finds_its_own_part_alone(cast: Cast, filed: Whistle) -> None:
    [hit] = groups(cast.scjg_liaison, "窨井")["派单"].hits
    assert hit.url == Dispatch.objects.get(department=cast.scjg).get_absolute_url()


def test_caller_is_never_found(cast: Cast, filed: Whistle) -> None:
    Caller.objects.create(event=filed.event, name="来电甲某", phone="057500009999")
    for query in ("来电甲某", "甲某", "057500009999", "9999"):
        assert groups(cast.duty, query) == {}


def test_search_shows_a_few_and_leads_to_all(cast: Cast, now: datetime) -> None:
    make_whistles(cast, 7, now)
    found = groups(cast.duty, "件 第")
    assert found == {}  # single characters are too short
    Event.objects.filter(pk__in=[one.pk for one in make_events(cast, 6, now)]).update(place="窨井旁")
    found = groups(cast.duty, "窨井")
    assert len(found["事件"].hits) == 5
    [(words, url)] = found["事件"].more
    page = client_for(cast.duty).get(url)
    assert (words, len(page.context["rows"])) == ("全部", 6)
    Whistle.objects.update(title="窨井")
    boxes = groups(cast.duty, "窨井")["哨单"].more
    assert [words for words, _ in boxes] == ["我们吹的", "派给我们的"]
    assert [len(client_for(cast.duty).get(url).context["rows"]) for _, url in boxes] == [7, 0]


def test_search_of_one_character_says_so(cast: Cast) -> None:
    page = text_of(cast.zdb_officer, q="霖")
    assert "两个字以上才能搜" in page
    assert "<mark>霖</mark>" in page  # units and people are few: one is enough
    assert "请至少输入两个字" in text_of(cast.duty, q="龘")
    assert "想找什么" in text_of(cast.duty)


@pytest.mark.parametrize("query", ["'\"<script>", "%", "\\", "窨井" * 200, "事-/", "\x00窨井", "🙂🙂"])
def test_search_takes_anything(cast: Cast, filed: Whistle, query: str) -> None:
    response = client_for(cast.duty).get(PAGE, {"q": query})
    assert response.status_code in (200, 400)  # 400: a zero byte, which no form sends
    assert "<script>" not in response.content.decode().split("</head>")[1]


def test_people_are_found_by_name_letters_and_visible_mobile(cast: Cast) -> None:
    officer = cast.officer
    officer.name, officer.mobile = "单小文", "13800009001"
    officer.save()
    for query in ("小文", "shanxiao", "sxw", "officer", "9001"):
        assert [hit.title for hit in groups(cast.duty, query)["人员"].hits if hit.title == "单小文"] == ["单小文"], (
            query
        )
    assert groups(cast.duty, "单小文")["人员"].hits[0].tel == "13800009001"
    assert "人员" not in groups(cast.changle_duty, "单小文")  # another township's officer is nobody's desk
    leader = cast.leader
    leader.name, leader.mobile = "任大可", "13800009002"
    leader.save()
    assert groups(cast.changle_duty, "rdk")["人员"].hits[0].tel == ""  # a desk, by name
    assert groups(cast.changle_duty, "13800009002") == {}  # its mobile is not looked up


def test_list_filter_searches_alike(cast: Cast, filed: Whistle) -> None:
    for url in ("/events/", "/whistles/", "/dispatches/"):
        browser = client_for(cast.duty)
        assert len(browser.get(url, {"q": "窨井 缺失"}).context["rows"]) >= 1
        page = browser.get(url, {"q": "窨"})
        assert page.context["rows"] == []
        assert "请至少输入两个字" in page.content.decode()
