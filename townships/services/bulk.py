"""批量开户: people and posts from the rows of a file. First a plan that changes nothing, then all of it in one transaction.

What is there already is left as it is or brought up to date, so that the same file may be sent twice.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils import timezone

from townships.models import Post, Role, Unit, User

COLUMNS = ("用户名", "姓名", "手机", "邮箱", "编制单位", "单位", "岗位", "主备", "起", "重发密码")
NEEDED = ("用户名", "姓名", "单位", "岗位")
RANKS = {"": Post.Rank.MAIN, "主": Post.Rank.MAIN, "备": Post.Rank.BACKUP}
YES = {"": False, "否": False, "是": True}
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,29}")
MOBILE = re.compile(r"1\d{10}")
REACH = timedelta(days=366)
LONGEST_EMAIL = 254  # of an account
DETAILS = {"姓名": "name", "手机": "mobile", "邮箱": "email", "编制单位": "home_unit"}
OWN = "这是您本人的账号，请由另一位管理员办理"


@dataclass(frozen=True)
class Fault:
    """What is wrong in one cell, and what to do."""

    line: int
    column: str
    text: str


@dataclass
class Row:
    """One line of the file, read: `said` as it is written, the rest as it is understood."""

    line: int
    said: Mapping[str, str]
    username: str
    details: dict[str, Any] = field(default_factory=dict)
    unit: Unit | None = None
    role: str = ""
    rank: str = Post.Rank.MAIN
    since: date = date.min
    wants_password: bool = False
    faults: list[Fault] = field(default_factory=list)

    def fault(self, column: str, text: str) -> None:
        self.faults.append(Fault(self.line, column, text))


@dataclass(frozen=True)
class Line:
    """One line of the preview."""

    row: Row
    user: User | None  # who is there already
    post: Post | None
    changed: tuple[str, ...]  # columns whose values are others than the account's
    is_left_out: bool  # this line or another of the same person has a fault

    @property
    def what(self) -> str:
        if self.is_left_out:
            return "先改好"
        if self.user is None:
            return "新开账号"
        return f"更新{'、'.join(self.changed)}" if self.changed else "账号不变"

    @property
    def post_what(self) -> str:
        if self.row.unit is None or not self.row.role:
            return ""
        label = f"{self.row.unit}·{Role(self.row.role).label}"
        if self.post is None:
            return f"新增 {label}"
        return f"已有 {label}" if self.post.rank == self.row.rank else f"{label} 改为{Post.Rank(self.row.rank).label}"

    @property
    def gets_password(self) -> bool:
        return not self.is_left_out and (self.user is None or self.row.wants_password)


@dataclass(frozen=True)
class Plan:
    lines: Sequence[Line]

    @property
    def faults(self) -> list[Fault]:
        return [fault for line in self.lines for fault in line.row.faults]

    @property
    def usable(self) -> list[Line]:
        return [line for line in self.lines if not line.is_left_out]

    @property
    def left_out(self) -> int:
        return len(self.lines) - len(self.usable)


def plan(rows: Sequence[tuple[int, Mapping[str, str]]], *, by: Any) -> Plan:
    """What each line would do, and what is wrong with it. Three queries, however many lines."""
    users = User.objects.in_bulk({said["用户名"] for _, said in rows}, field_name="username")
    known = Known(users, _units(), _posts(users), timezone.localdate(), by.pk)
    read = [_read(line, said, known) for line, said in rows]
    _compare(read)
    wrong = {row.username for row in read if row.faults}
    return Plan([_line(row, known, is_left_out=bool(row.faults) or row.username in wrong) for row in read])


@dataclass(frozen=True)
class Known:
    """What the database says of the file's people and units."""

    users: Mapping[str, User]
    units: Mapping[str, list[Unit]]  # by code, short and full name
    posts: Mapping[tuple[int, int, str], Post]
    today: date
    own_pk: int


def _units() -> dict[str, list[Unit]]:
    found: dict[str, list[Unit]] = defaultdict(list)
    for unit in Unit.objects.all():
        for name in {unit.code, unit.short_name, unit.name}:
            found[name].append(unit)
    return found


def _posts(users: Mapping[str, User]) -> dict[tuple[int, int, str], Post]:
    """Those that hold or are coming."""
    rows = Post.objects.filter(user__in=users.values()).exclude(valid_to__lt=timezone.localdate())
    return {(post.user_id, post.unit_id, post.role): post for post in rows}


def _line(row: Row, known: Known, *, is_left_out: bool) -> Line:
    user = known.users.get(row.username)
    changed = [c for c, name in DETAILS.items() if name in row.details and _differs(user, name, row.details[name])]
    post = known.posts.get((user.pk, row.unit.pk, row.role)) if user and row.unit else None
    return Line(row, user, post, tuple(changed), is_left_out)


def _differs(user: User | None, name: str, value: Any) -> bool:
    attname = "home_unit_id" if name == "home_unit" else name
    return user is not None and getattr(user, attname) != (value.pk if isinstance(value, Unit) else value)


# --- one line -------------------------------------------------------------------------------------------------------
def _read(line: int, said: Mapping[str, str], known: Known) -> Row:
    row = Row(line, said, said["用户名"])
    user = known.users.get(row.username)
    _account(row, user, known)
    _person(row, user, known)
    _office(row, user, known)
    return row


def _account(row: Row, user: User | None, known: Known) -> None:
    if not row.username:
        row.fault("用户名", "请填用户名")
    elif user is None and not NAME.fullmatch(row.username):
        row.fault("用户名", f"“{row.username}”不能用：请用 3 到 30 个小写字母、数字或 - _ .，以字母或数字开头")
    elif user and user.pk == known.own_pk:
        row.fault("用户名", OWN)
    elif user and user.is_disabled_on(known.today):
        row.fault("用户名", "这个账号已停用：要重新启用，请先到“人员”里改")
    row.wants_password = bool(_choice(row, "重发密码", YES))


def _person(row: Row, user: User | None, known: Known) -> None:
    """An empty cell leaves what is there."""
    said = row.said
    if said["姓名"]:
        row.details["name"] = said["姓名"][:40]
    elif user is None:
        row.fault("姓名", "请填姓名")
    if said["手机"] and not MOBILE.fullmatch(said["手机"]):
        row.fault("手机", f"“{said['手机']}”不是手机号，请填 11 位数字")
    elif said["手机"]:
        row.details["mobile"] = said["手机"]
    if said["邮箱"]:
        row.details["email"] = said["邮箱"]
        _try(row, "邮箱", lambda: EmailValidator("请写成 name@example.com 的样子")(said["邮箱"]))
        if len(said["邮箱"]) > LONGEST_EMAIL:
            row.fault("邮箱", f"太长：最多 {LONGEST_EMAIL} 个字符")
    home = _unit(row, "编制单位", known) if said["编制单位"] else None
    if home:
        row.details["home_unit"] = home


def _office(row: Row, user: User | None, known: Known) -> None:
    said = row.said
    if not said["单位"] and not said["岗位"] and user is not None:
        return
    row.unit = _unit(row, "单位", known)
    row.role = str(_choice(row, "岗位", {label: value for value, label in Role.choices}) or "")
    row.rank = str(_choice(row, "主备", RANKS) or Post.Rank.MAIN)
    row.since = _day(row, known.today)
    if row.unit and row.role:
        _try(row, "单位", Post(unit=row.unit, role=row.role).clean)


def _unit(row: Row, column: str, known: Known) -> Unit | None:
    text = row.said[column]
    found = known.units.get(text, [])
    if not text:
        row.fault(column, f"请填{column}的代码或简称")
    elif not found:
        row.fault(column, f"找不到机构“{text}”，请填已有机构的代码或简称，或先把它导入")
    elif len(found) > 1:
        row.fault(
            column, f"叫“{text}”的机构有 {len(found)} 个，请改填代码：{'、'.join(unit.code for unit in found[:3])}"
        )
    elif found[0].valid_to and found[0].valid_to < known.today:
        row.fault(column, f"“{text}”已停用，请改填现在的机构")
    else:
        return found[0]
    return None


def _choice(row: Row, column: str, choices: Mapping[str, Any]) -> Any:
    text = row.said[column]
    if text in choices:
        return choices[text]
    offered = "、".join(choice for choice in choices if choice)
    row.fault(column, f"“{text}”不在可选值内，请填写：{offered}" if text else f"请填{column}：{offered}")
    return None


def _day(row: Row, today: date) -> date:
    text = row.said["起"]
    if not text:
        return today
    try:
        day = date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        row.fault("起", f"“{text}”不是日期，请写成 {today} 的样子；不填就是今天")
        return today
    if abs(day - today) > REACH:
        row.fault("起", f"{day} 离今天超过一年，请核对")
    return day


def _try(row: Row, column: str, check: Callable[[], None]) -> None:
    try:
        check()
    except ValidationError as error:
        row.fault(column, "；".join(error.messages).rstrip("。"))


def _compare(rows: Sequence[Row]) -> None:
    """Several lines of one person are several posts: the rest must agree, and no post stands there twice."""
    first: dict[str, Row] = {}
    posts: dict[tuple[str, int, str], int] = {}
    for row in rows:
        if not row.username:
            continue
        earlier = first.setdefault(row.username, row)
        for column, name in DETAILS.items():
            if name in row.details and row.details[name] != earlier.details.get(name, row.details[name]):
                row.fault(column, f"与第 {earlier.line} 行同一用户名的{column}不一样，请改成一样")
        if row.unit and row.role:
            key = (row.username, row.unit.pk, row.role)
            if posts.setdefault(key, row.line) != row.line:
                row.fault("岗位", f"与第 {posts[key]} 行重复，请删去一行")


def cell_text(value: Any) -> str:
    """A cell as the person typed it: a spreadsheet makes numbers of codes and dates of days."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime):
        value = value.date()
    return "" if value is None else str(value).strip()
