"""The manual: which topics there are, for whom, and the numbers they name, which are read and never written in the text.

A topic's words are in `templates/help/<slug>.html`, its pictures in `command_room/pictures.py`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from axes.helpers import get_cool_off
from django.conf import settings
from django.template.loader import get_template

from enforcement.models import Limit, Suspension
from enforcement.rules import escalation, extension
from enforcement.rules.deadlines import NAMES, SHIPPED_LIMITS, Kind, Step
from enforcement.services.limit import steps_on
from notifications.services.route import house_now
from records.services.attachment import MAX_BYTES, MAX_FILES
from townships.models import Role
from townships.rules import idle
from townships.services.account import ONE_TIME_HOURS

MEGABYTE = 1024 * 1024
HEADING = re.compile(r"<(?:h2|h3|dt)[^>]*>(.*?)</(?:h2|h3|dt)>", re.DOTALL)
MARKUP = re.compile(r"<[^>]*>|{[%#].*?[%#]}")
IDLE = {"admin": "admin", "phone": "grid", "desk": "*"}  # how the text calls those who may rest equally long
USUAL = ("什么时候", "怎么做", "时限", "遇到问题")  # what every topic has is no heading to search for

GRID, OFFICER, DUTY, LEADER = Role.GRID, Role.OFFICER, Role.DUTY, Role.LEADER
LIAISON, DEPT_LEADER, GUIDANCE, ADMIN, AUDITOR = (
    Role.LIAISON,
    Role.DEPT_LEADER,
    Role.GUIDANCE,
    Role.ADMIN,
    Role.AUDITOR,
)
TOWN = (DUTY, LEADER)
DEPARTMENT = (LIAISON, DEPT_LEADER)
FILES = (OFFICER, *TOWN, *DEPARTMENT, GUIDANCE, AUDITOR)
ALL = tuple(Role)


@dataclass(frozen=True)
class Topic:
    """One page of the manual. `words`: what else people call it; `group`: under which heading the contents list it."""

    slug: str
    title: str
    about: str
    roles: tuple[str, ...]
    group: str
    words: str = ""
    is_public: bool = False

    @property
    def template(self) -> str:
        return f"help/{self.slug}.html"

    @property
    def readers(self) -> str:
        """The roles it is for, in words."""
        return "所有岗位" if set(self.roles) == set(ALL) else "、".join(str(Role(role).label) for role in self.roles)


FIRST_DAY, EVENTS, WHISTLES, EXCEPTIONS, TEAM, PORTAL = (
    "第一天", "事件", "吹哨和派单", "办不下去、不该办的", "队伍和督办", "平台"
)  # fmt: skip


def _first(role: str, slug: str, about: str) -> Topic:
    return Topic(slug, f"{Role(role).label}的第一天", about, (role,), FIRST_DAY, "入门 新手 上手")


TOPICS: tuple[Topic, ...] = (
    _first(GRID, "first-grid", "用手机上报，去看处置好了没有，其余不用填。"),
    _first(OFFICER, "first-officer", "看手上有什么，到现场，把结果填回来。"),
    _first(DUTY, "first-duty", "接班、受理、吹哨、确认，一个班次怎么过。"),
    _first(LEADER, "first-leader", "等您审核的、等您批准的，在一张清单里。"),
    _first(LIAISON, "first-liaison", "派单来了先签收，派人去，办完反馈。"),
    _first(DEPT_LEADER, "first-dept-leader", "本单位的退哨、联合行动等您点头，超期会告诉您。"),
    _first(GUIDANCE, "first-guidance", "裁定退哨、延期和申诉，看全市超期。"),
    _first(ADMIN, "first-admin", "账号、岗位、时限、没有送达的消息。"),
    _first(AUDITOR, "first-auditor", "全市都能看，什么都不用改。"),
    Topic("report", "怎样上报一件事", "写清在哪里、什么情况，选最像的一类。",
          (GRID, OFFICER, *TOWN), EVENTS, "登记 事件 拍照 照片 12345 群众来电"),
    Topic("check", "怎样去核查", "部门说处置好了，去看一眼，按三个按钮中的一个。", (GRID,), EVENTS, "回访 复查 不通过"),
    Topic("accept", "怎样受理", "核实，再定去向：自办、交队伍、吹哨、不予受理。", TOWN, EVENTS, "分派 核实 不予受理 办结"),
    Topic("squad-job", "执法队怎样处置并反馈", "指挥室交过来的事，办完填结果。", (OFFICER, DUTY), EVENTS, "处置结果 队伍"),
    Topic("merge", "怎样并案和移交", "两件是一件的并案，不在本镇街的移交邻近镇街。", TOWN, EVENTS, "重复 合并 转办 收回"),
    Topic("whistle", "怎样吹哨", "选哨种、请谁来、写清要部门做什么。", TOWN, WHISTLES, "应急哨 日常哨 攻坚哨 派单"),
    Topic("approve", "怎样审核哨单", "日常的先批后发，应急的先发后核。", (LEADER, DEPT_LEADER), WHISTLES, "批准 事后确认 不批准"),
    Topic("action", "怎样发起联合行动", "不为哪一件事，几家在同一时间一起去。", (*TOWN, *DEPARTMENT), WHISTLES, "集合 整治"),
    Topic("dispatch", "收到派单先做什么", "先签收，再派人，到了报到。",
          (*DEPARTMENT, OFFICER, DUTY), WHISTLES, "签收 承办 报到 到场"),
    Topic("report-back", "怎样首报和反馈", "到现场先说一句，办完写结果。", (*DEPARTMENT, OFFICER), WHISTLES, "进展 办结 结果"),
    Topic("close", "怎样确认、返工和评价", "部门反馈以后，看过再确认办结。", TOWN, WHISTLES, "办结 星 退回 评价"),
    Topic("return", "怎样退哨", "不该本单位办的，签收之前退，只能一次。", (*DEPARTMENT, OFFICER), EXCEPTIONS, "退单 不是我们的"),
    Topic("extension", "怎样申请和答复延期", "按期办不完，期限到以前申请。",
          (*DEPARTMENT, *TOWN, GUIDANCE), EXCEPTIONS, "延时 宽限"),
    Topic("suspension", "怎样挂账和恢复", "一时办不下去，暂停计时到某一天。", (*TOWN, *DEPARTMENT), EXCEPTIONS, "暂停 中止"),
    Topic("withdraw", "怎样撤哨", "不用部门来了，把整张哨单收回。", TOWN, EXCEPTIONS, "取消 撤回"),
    Topic("appeal", "怎样申诉评价", "不接受低星评价，请指导办裁定。", (*DEPARTMENT, GUIDANCE), EXCEPTIONS, "差评 星级"),
    Topic("arbitrate", "怎样仲裁和裁定", "退哨、第二次延期、评价申诉，由指导办定。", (GUIDANCE,), EXCEPTIONS, "改派 维持"),
    Topic("worklist", "怎样看待办", "等您办的都在一张清单里，先到期的在前。", (GRID, *FILES), TEAM, "现在该我做的 认领"),
    Topic("board", "怎样看指挥台", "一列一个状态，一张卡片一张哨单。", (OFFICER, *TOWN, GUIDANCE, AUDITOR), TEAM, "大屏 看板"),
    Topic("shift", "怎样交接班和排班", "没办结的自动列上，下一班按名字接。", (OFFICER, *TOWN), TEAM, "值班 交班 接班"),
    Topic("squad", "一支队伍，谁现在能来", "编成、证件、在岗状态和电话。", (OFFICER, *TOWN, GUIDANCE, AUDITOR), TEAM, "1+1+3+X 执法证"),
    Topic("escalation", "提醒、黄牌、红牌", "什么时候亮牌、告诉谁、怎么办。", (*TOWN, *DEPARTMENT, GUIDANCE, AUDITOR), TEAM, "督办 督办单 催办 超期"),
    Topic("lists", "怎样查找和筛选", "事件、吹哨、派单三张表，怎样找到要的那一件。", (GRID, *FILES), PORTAL, "搜索 列表"),
    Topic("messages", "消息和消息设置", "什么会告诉您，用什么方式，夜里发不发。", ALL, PORTAL, "短信 邮件 群机器人 免打扰"),
    Topic("people", "怎样管账号和岗位", "成批开户、换岗位、离岗移交、看历史。", (ADMIN,), PORTAL, "人员 代理 导入 离职 密码单"),
    Topic("settings", "怎样改时限、分派规则和放假安排", "从某天起改，旧的留着，历史看得到。", (ADMIN,), PORTAL, "类别 节假日 期限 渠道"),
    Topic("undelivered", "消息没有送达怎么办", "看为什么，改好了再发。", (ADMIN,), PORTAL, "发送失败 邮箱"),
    Topic("trail", "怎样查经过", "谁在什么时候做了什么，改不掉也删不掉。", (AUDITOR, GUIDANCE, *TOWN, *DEPARTMENT), PORTAL, "流水 审计 留痕"),
    Topic("export", "怎样导出、批量办和打印", "筛选好再导出，勾选好再批量办。", FILES, PORTAL, "Excel 表格 催办 打印 下载"),
    Topic("second-factor", "二次验证", "登录时再输一个手机上的数字。", ALL, PORTAL, "验证器 恢复码 TOTP 自动退出"),
    Topic("wall", "怎样上大屏", "一块大屏一个链接，不用登录，随时作废。", (LEADER, GUIDANCE, ADMIN), PORTAL, "大屏链接 投屏 全市"),
    Topic("retention", "保存期限和清理", "到期的先列出，另一位管理员确认才清理。", (ADMIN, AUDITOR), PORTAL, "删除 归档"),
    Topic("audit", "怎样审计", "按人、按编号、按时间查。", (AUDITOR,), PORTAL, "日志 登录记录 谁看过"),
    Topic("login", "忘记密码、第一次登录", "一次性密码怎么用，锁定了怎么办。", ALL, PORTAL, "锁定 改密码 登不上", is_public=True),
    Topic("opinion", "怎样提意见", "每一页最下面都有，提了有编号，答了有消息。", ALL, PORTAL, "意见反馈 投诉 建议 减负"),
)  # fmt: skip
BY_SLUG = {topic.slug: topic for topic in TOPICS}


def contents(role: str) -> list[tuple[str, list[Topic]]]:
    """(heading, topics) of one role, in the order of the manual."""
    mine = [topic for topic in TOPICS if role in topic.roles]
    groups = dict.fromkeys(topic.group for topic in mine)
    return [(group, [topic for topic in mine if topic.group == group]) for group in groups]


def find(wanted: str) -> list[tuple[Topic, list[str]]]:
    """Topics whose headings hold every word of `wanted`, each with those of its own headings that hold one."""
    words = wanted.casefold().split()
    found = []
    for topic in TOPICS if words else ():
        inner = headings(topic)
        text = " ".join([topic.title, topic.about, topic.words, *inner]).casefold()
        if all(word in text for word in words):
            found.append((topic, [line for line in inner if _holds(line, words)]))
    return sorted(found, key=lambda pair: not _holds(pair[0].title, words))


def _holds(line: str, words: Iterable[str]) -> bool:
    return any(word in line.casefold() for word in words)


@lru_cache(maxsize=128)
def headings(topic: Topic) -> list[str]:
    """What stands in bold inside a topic, without what all topics have. Read once a process."""
    source: str = get_template(topic.template).template.source  # type: ignore[attr-defined]
    lines = (" ".join(MARKUP.sub("", text).split()) for text in HEADING.findall(source))
    return [line for line in lines if line not in USUAL]


# --- the numbers ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class KindLimits:
    """The limits of one kind of whistle, as people say them."""

    name: str
    sign: str
    arrive: str
    report: str
    finish: str


def whistle_limits(day: date) -> list[KindLimits]:
    """One line a kind, from the rows of that day. One query."""
    rows = steps_on(day, *Kind)
    return [KindLimits(NAMES[kind], *(_said(rows, kind, step) for step in KINDS_STEPS)) for kind in Kind]


KINDS_STEPS = ("sign", "arrive", "report", "finish")


def _said(rows: dict[tuple[str, str], Step], kind: Kind, name: str) -> str:
    step = rows.get((kind, name)) or getattr(SHIPPED_LIMITS[kind], name)
    return str(step) if step else "不用"


def limits(day: date) -> dict[str, list[tuple[str, str]]]:
    """Step → (kind, how long), for the steps that are not of one kind of whistle alone. One query."""
    found: dict[str, list[tuple[str, str]]] = {}
    for (kind, step), length in steps_on(day, *Limit.Kind.values).items():
        if step not in KINDS_STEPS:
            found.setdefault(step, []).append((str(Limit.Kind(kind).label), str(length)))
    return {step: _named(pairs) for step, pairs in found.items()}


def _named(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """`全部` is all where it stands alone, and what remains where it does not."""
    everything, alone = str(Limit.Kind.ALL.label), len(pairs) == 1
    named = [("其他" if name == everything else name, length) for name, length in pairs]
    return [("", named[0][1])] if alone else sorted(named, key=lambda pair: pair[0] == "其他")


def facts() -> dict[str, object]:
    """The other numbers that the text names."""
    quiet = house_now().quiet
    return {
        "photos": MAX_FILES,
        "megabytes": MAX_BYTES // MEGABYTE,
        "failures": settings.AXES_FAILURE_LIMIT,
        "lock": get_cool_off(),
        "one_time_hours": ONE_TIME_HOURS,
        "otp_grace": settings.OTP_GRACE_HOURS,
        "session_hours": settings.SESSION_MOST_HOURS,
        **{f"idle_{name}": timedelta(seconds=idle.limit(role, settings.IDLE_MINUTES)) for name, role in IDLE.items()},
        "password_days": settings.PASSWORD_MAX_AGE_DAYS,
        "password_history": settings.PASSWORD_HISTORY,
        "quiet_from": quiet.start if quiet else None,
        "quiet_to": quiet.end if quiet else None,
        "export_at_once": settings.EXPORT_AT_ONCE,
        "feedback_per_day": settings.FEEDBACK_PER_DAY,
        "suspension_days": Suspension.LONGEST_DAYS,
        "extensions": extension.USUALLY,
        "campaign_extensions": extension.most(Kind.CAMPAIGN),
        "remind_percent": round(escalation.REMIND_AT * 100),
        "emergency_red": escalation.EMERGENCY,
        "longest_red": escalation.LONGEST,
    }
