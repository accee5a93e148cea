"""The first page by role, and what stands around every page."""

from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest
from django.template import engines
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from command_room.context_processors import NAV, Frame, frame, pages_of
from notifications.models import Message
from notifications.services.inbox import SHOWN
from tests.cast import Cast, PostFactory, client_for
from townships.models import Role, User

WORK, BOARD = "command_room:worklist", "command_room:board"


def request_of(user: User | AnonymousUser, path: str = "/") -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = user
    if isinstance(user, User):
        posts = list(user.active_posts())
        user.posts_today, user.acting = posts, posts[0] if posts else None  # type: ignore[attr-defined]
    return request


def frame_of(user: User, path: str = "/") -> Frame:
    found: Frame = frame(request_of(user, path))["frame"]
    return found


def labels(user: User) -> list[str]:
    return [item.label for group in frame_of(user).nav for item in group.items]


# --- home -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("part", "view"),
    [
        ("grid", WORK),
        ("officer", WORK),
        ("duty", BOARD),
        ("leader", WORK),
        ("scjg_liaison", WORK),
        ("scjg_leader", WORK),
        ("zrzy_officer", WORK),
        ("zdb_officer", BOARD),
        ("auditor", "enforcement:whistle-list"),
        ("bureau_admin", "admin:index"),
    ],
)
def test_home_leads_to_what_this_role_asks_first(cast: Cast, part: str, view: str) -> None:
    response = client_for(getattr(cast, part)).get(reverse("command_room:home"))
    assert (response.status_code, response["Location"]) == (302, reverse(view))


def test_home_without_a_post_says_whom_to_ask(cast: Cast) -> None:
    response = client_for(cast.stranger).get(reverse("command_room:home"))
    assert response.status_code == 200
    assert "还没有岗位" in response.content.decode()


def test_home_refuses_a_post(cast: Cast) -> None:
    assert client_for(cast.duty).post(reverse("command_room:home")).status_code == 405


# --- the rail ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", Role.values)
def test_nav_has_only_pages_that_exist(role: str) -> None:
    assert role in NAV
    for _, pages in pages_of(role, is_sent=False):
        for _, url in pages:
            resolve(url)


@pytest.mark.parametrize(
    ("part", "pages"),
    [
        ("grid", ["我上报的", "事件", "通讯录", "消息"]),
        ("officer", ["现在该我做的", "事件", "吹哨", "派单", "一支队伍", "值班", "值班交接", "通讯录", "消息"]),
        (
            "duty",
            [
                "指挥台",
                "现在该我做的",
                "事件",
                "吹哨",
                "派单",
                "发起联合行动",
                "督办",
                "一支队伍",
                "值班",
                "值班交接",
                "通讯录",
                "消息",
            ],
        ),
        ("scjg_liaison", ["现在该我做的", "派单", "吹哨", "事件", "发起联合行动", "督办", "通讯录", "消息"]),
        ("zrzy_officer", ["现在该我做的", "派单", "吹哨", "事件", "通讯录", "消息"]),
        *(
            (who, ["指挥台", *own, "事件", "吹哨", "派单", "督办", "一支队伍", "值班", "值班交接", "通讯录", "消息"])
            for who, own in (
                ("zdb_officer", ["待裁定和超期的"]),
                ("auditor", ["超期未办的", "审计", "保存期限", "意见反馈", "谁是管理员"]),
            )
        ),
        ("bureau_admin", ["管理后台", "谁是管理员", "意见反馈", "大屏链接", "保存期限", "通讯录", "消息"]),
        ("stranger", []),
    ],
)
def test_nav_goes_by_the_post(cast: Cast, part: str, pages: list[str]) -> None:
    assert labels(getattr(cast, part)) == pages


@pytest.mark.usefixtures("calendar_2026")
@pytest.mark.parametrize(
    "part", ["grid", "officer", "duty", "leader", "scjg_liaison", "zrzy_officer", "zdb_officer", "auditor"]
)
def test_nav_leads_nobody_to_a_closed_door(cast: Cast, part: str) -> None:
    user = getattr(cast, part)
    client = client_for(user)
    for group in frame_of(user).nav:
        for item in group.items:
            assert client.get(item.url).status_code == 200, item


def test_nav_marks_the_page_one_is_on(cast: Cast) -> None:
    on = [item.label for group in frame_of(cast.duty, "/board/").nav for item in group.items if item.is_on]
    assert on == ["指挥台"]


# --- posts and messages -----------------------------------------------------------------------------------------------
def test_posts_can_be_switched_and_say_which_is_on(cast: Cast) -> None:
    deputy = {"rank": "3_deputy", "deputy_for": cast.duty, "valid_to": date(2099, 1, 1)}
    PostFactory(user=cast.leader, unit=cast.ganlin, role=Role.DUTY, **deputy)
    posts = frame_of(cast.leader).posts
    assert [(post.label, post.is_on) for post in posts] == [("甘霖镇·镇街领导", True), ("甘霖镇·指挥室值班员", False)]
    html = client_for(cast.leader).get(reverse(WORK)).content.decode()
    assert reverse("townships:switch-post") in html


def test_phone_roles_are_those_who_report_on_the_way(cast: Cast) -> None:
    on_the_way = [user for user in (cast.grid, cast.officer) if frame_of(user).is_phone_role]
    others = (cast.duty, cast.scjg_liaison, cast.zrzy_officer, cast.stranger)
    assert len(on_the_way) == 2
    assert not any(frame_of(user).is_phone_role for user in others)


def tell(user: User, n: int) -> None:
    Message.objects.bulk_create(
        Message(key=f"k{i}", kind="event_closed", recipient=user, data={}, link="/") for i in range(n)
    )


def test_unread_counts_up_to_what_the_bell_can_show(cast: Cast) -> None:
    assert frame_of(cast.duty).unread == 0
    tell(cast.duty, SHOWN + 1)
    assert frame_of(cast.duty).unread == f"{SHOWN}+"
    assert frame_of(cast.leader).unread == 0


def test_frame_asks_nothing_unless_it_is_shown(cast: Cast) -> None:
    request = request_of(cast.duty)
    with CaptureQueriesContext(connection) as queries:
        engines["django"].from_string("{% if frame %}{{ frame.post.label }}{{ frame.nav|length }}{% endif %}").render(
            {}, request
        )
    assert len(queries) == 0
    with CaptureQueriesContext(connection) as queries:
        engines["django"].from_string("{{ frame.unread }}{{ frame.unread }}").render({}, request)
    assert len(queries) == 1


def test_frame_is_nothing_for_who_is_not_signed_in(db: None) -> None:
    assert frame(request_of(AnonymousUser()))["frame"] is None
    assert frame(RequestFactory().get("/"))["frame"] is None
