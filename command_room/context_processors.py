"""What stands around every page: the rail by role, the posts of whoever is signed in, how much is unread."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from notifications.services import inbox
from townships.entrance import left
from townships.models import Post, Role, Unit, User

BOARD = ("指挥台", "command_room:board")
WORK = ("现在该我做的", "command_room:worklist")
OWN_REPORTS = ("我上报的", "command_room:worklist")
EVENTS = ("事件", "enforcement:event-list")
WHISTLES = ("吹哨", "enforcement:whistle-list")
DISPATCHES = ("派单", "enforcement:dispatch-list")
START = ("发起联合行动", "enforcement:action-submit")
ESCALATIONS = ("督办", "enforcement:escalation-list")
SQUAD = ("一支队伍", "townships:squad")
SHIFTS = ("值班", "townships:shifts")
SHIFT_NOTES = ("值班交接", "command_room:shift-note-list")
CONTACTS = ("通讯录", "command_room:person-list")
MESSAGES = ("消息", "notifications:inbox")
ADMIN = ("管理后台", "admin:index")
FEEDBACK = ("意见反馈", "command_room:feedback-list")
WALL_LINKS = ("大屏链接", "command_room:wall-links")
RETENTION = ("保存期限", "command_room:retention")
AUDIT = ("审计", "command_room:audit")
ADMINISTRATORS = ("谁是管理员", "townships:administrators")

Pages = tuple[tuple[str, str], ...]
FILES: Pages = (EVENTS, WHISTLES, DISPATCHES)
TEAM: Pages = (SQUAD, SHIFTS, SHIFT_NOTES)
LAST: Pages = (CONTACTS, MESSAGES)
DESK_NAV: tuple[tuple[str, Pages], ...] = (
    ("", (BOARD, WORK)),
    ("事件与吹哨", (*FILES, START, ESCALATIONS)),
    ("队伍", TEAM),
    ("", LAST),
)
ANSWERS: Pages = (DISPATCHES, WHISTLES, EVENTS)
DEPARTMENT_NAV: tuple[tuple[str, Pages], ...] = (
    ("", (WORK,)),
    ("事件与吹哨", (*ANSWERS, START, ESCALATIONS)),
    ("", LAST),
)
SENT_NAV: tuple[tuple[str, Pages], ...] = (  # a department's officers, and whoever is in a sub-unit
    ("", (WORK,)),
    ("事件与吹哨", ANSWERS),
    ("", LAST),
)
CITY_NAV: tuple[tuple[str, Pages], ...] = (
    ("事件与吹哨", (*FILES, ESCALATIONS)),
    ("队伍", TEAM),
    ("", LAST),
)
NAV: dict[str, tuple[tuple[str, Pages], ...]] = {
    Role.GRID: (("", (OWN_REPORTS, EVENTS, *LAST)),),
    Role.OFFICER: (("", (WORK,)), ("事件与吹哨", FILES), ("队伍", TEAM), ("", LAST)),
    Role.DUTY: DESK_NAV,
    Role.LEADER: DESK_NAV,
    Role.LIAISON: DEPARTMENT_NAV,
    Role.DEPT_LEADER: DEPARTMENT_NAV,
    Role.GUIDANCE: (("", (BOARD, ("待裁定和超期的", WORK[1]))), *CITY_NAV),
    Role.AUDITOR: (
        ("", (BOARD, ("超期未办的", WORK[1]))),
        ("审计", (AUDIT, RETENTION, FEEDBACK, ADMINISTRATORS)),
        *CITY_NAV,
    ),
    Role.ADMIN: (("", (ADMIN, ADMINISTRATORS, FEEDBACK, WALL_LINKS, RETENTION, *LAST)),),
}


@dataclass(frozen=True)
class Item:
    label: str
    url: str
    is_on: bool


@dataclass(frozen=True)
class Group:
    title: str  # may be empty
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Hat:
    """A post that may be chosen at the top of the page."""

    pk: int
    label: str
    is_on: bool


@lru_cache(maxsize=32)
def pages_of(role: str, *, is_sent: bool) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """(title of the group, ((name of the page, its address), …)) of a role; addresses are looked up once a process."""
    nav = SENT_NAV if is_sent else NAV.get(role, ())
    return tuple((title, tuple((name, reverse(view)) for name, view in pages)) for title, pages in nav)


class Frame:
    """The frame of one request. It asks the database for one thing, the unread messages, and only if a template does."""

    def __init__(self, user: User, path: str) -> None:
        self._user, self._path = user, path

    @property
    def post(self) -> Post | None:
        """The post acted in; the middleware has brought it."""
        return self._user.acting

    @cached_property
    def posts(self) -> list[Hat]:
        """All active posts, for the switch at the top."""
        posts: list[Post] = getattr(self._user, "posts_today", [])
        return [Hat(post.pk, post.label, is_on=post == self.post) for post in posts]

    @property
    def no_second_factor(self) -> tuple[str, str] | None:
        """Said on every page of a demo, and to administrators anywhere, while no role needs a second factor.

        In two parts: a phone's bar has room for the first.
        """
        if settings.OTP_REQUIRED_ROLES:
            return None
        if settings.DEMO_DATA:
            return "演示", " · 未启用二次验证"
        is_admin = self.post is not None and self.post.role == Role.ADMIN
        return ("未启用二次验证", "") if is_admin else None

    @property
    def is_phone_role(self) -> bool:
        """Who works with the phone in the hand and may report."""
        post = self.post
        return post is not None and (post.role == Role.GRID or (post.role == Role.OFFICER and post.unit.is_township))

    @cached_property
    def nav(self) -> list[Group]:
        """The rail: only pages that this role can open."""
        post = self.post
        if post is None:
            return []
        is_sent = post.unit.kind == Unit.Kind.SUBUNIT or (post.role == Role.OFFICER and not post.unit.is_township)
        return [
            Group(title, tuple(Item(label, url, is_on=self._path.startswith(url)) for label, url in pages))
            for title, pages in pages_of(post.role, is_sent=is_sent)
        ]

    @cached_property
    def place(self) -> str:
        """What rail and tabs depend on: role and page. They are kept by it, as drawing them took a fifth of a page."""
        on = [item.url for group in self.nav for item in group.items if item.is_on]
        pages = [len(group.items) for group in self.nav]
        return f"{self.post.role if self.post else ''} {pages} {self.is_phone_role} {on}"

    @cached_property
    def unread(self) -> int | str:
        """Unread messages as the bell shows them."""
        return inbox.unread_shown(self._user)


def frame(request: HttpRequest) -> dict[str, Any]:
    """`frame` in every template of somebody who is signed in: nav, posts, post, unread, is_phone_role. Else None.

    `idle_left`: seconds until the session ends by itself.
    """
    user = getattr(request, "user", None)  # an error page may come before the middleware that knows who it is
    if user is None or not user.is_authenticated:
        return {"frame": None}
    return {"frame": Frame(user, request.path), "idle_left": lambda: left(request).seconds}
