"""What happened and who looked, for the auditor: the timeline, the log of accesses and the admin's changes as one list.

Newest first, a page from each of the three by its index, merged here; nothing is ever counted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from enforcement.models import Dispatch, Escalation, Event, Whistle
from records.models import Access, Entry
from townships.models import User

PAGE, MOST_EXPORTED = 50, 5000
MOST_PEOPLE = 50  # who may be meant by a part of a name
ATTEMPTS = 20
NAMED_BY = {"category", "rule", "township", "unit", "user"}  # relations that the names of rows are made of
IN_ACCESS_OR_ADMIN = ("caller_viewed", "admin_add", "admin_change")  # entries that another source tells better

WORDS: dict[str, str] = {
    "logged_in": "登录",
    "login_failed": "登录失败",
    "logged_out": "退出登录",
    "timed_out": "久未操作，自动退出",
    "second_factor_passed": "通过二次验证",
    "second_factor_failed": "二次验证码不对",
    "recovery_code_used": "用了一个恢复码",
    "second_factor_set_up": "设置二次验证",
    "second_factor_off": "关闭二次验证",
    "second_factor_reset": "重置他人的二次验证",
    "caller_viewed": "查看来电人信息",
    "person_viewed": "查看人员资料",
    "mail_viewed": "打开邮件文件",
    "file_opened": "下载附件",
    "exported": "导出",
    "job_file_fetched": "下载导出文件",
    "wall_link_made": "生成大屏链接",
    "wall_link_revoked": "作废大屏链接",
    "city_wall_link_made": "生成全市大屏链接",
    "city_wall_link_revoked": "作废全市大屏链接",
    "retention_confirmed": "确认清理到期数据",
    "retention_cleared": "清理到期数据",
}
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "login": ("登录和退出", ("logged_in", "login_failed", "logged_out", "timed_out")),
    "factor": ("二次验证", tuple(what for what in WORDS if what.startswith(("second_factor", "recovery")))),
    "caller": ("查看来电人", ("caller_viewed",)),
    "person": ("查看个人资料", ("person_viewed", "mail_viewed")),
    "file": ("下载附件", ("file_opened",)),
    "export": ("导出", ("exported", "job_file_fetched")),
    "link": ("大屏链接", tuple(what for what in WORDS if "wall_link" in what)),
    "retention": ("到期清理", ("retention_confirmed", "retention_cleared")),
}
ACT, ADMIN = "act", "admin"
CHOICES = (
    ("", "全部"),
    (ACT, "办理流水"),
    (ADMIN, "后台修改"),
    *((code, label) for code, (label, _) in KINDS.items()),
)
REASONS = {"idle": "久未操作", "age": "登录满时限"}

Targets = Mapping[type, Collection[int]]  # model → ids


@dataclass(frozen=True)
class Asked:
    """What is looked for. None: not asked. An empty collection: asked for, and there is none."""

    people: Collection[int] | None = None
    targets: Targets | None = None
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None  # not included


@dataclass(frozen=True, order=True)
class Place:
    """Where a line stands in the list: pages go on below it. Of one moment, first by source, then by key."""

    at: datetime
    source: int
    pk: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}_{self.source}_{self.pk}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        at, _, rest = text.partition("_")
        source, _, pk = rest.partition("_")
        try:
            found = cls(datetime.fromisoformat(at), int(source), int(pk[:18]))
        except ValueError:
            return None
        return found if found.at.tzinfo else None


@dataclass
class Line:
    place: Place
    who: str
    office: str
    what: str
    target: tuple[str, int] | None  # (room.model, id)
    more: str = ""
    address: str = ""
    about: str = ""
    url: str = field(default="")

    @property
    def at(self) -> datetime:
        return self.place.at


# --- what is meant ------------------------------------------------------------------------------------------------------
def people_named(text: str) -> list[int]:
    """Who is called so, by account or by a part of the name."""
    found = User.objects.filter(Q(username=text) | Q(name__icontains=text))
    return list(found.values_list("pk", flat=True)[:MOST_PEOPLE])


def targets_named(text: str) -> Targets:
    """The object of this number with all that hangs on it: an event with its whistles and their dispatches; an account."""
    events = set(Event.objects.filter(number=text).values_list("pk", flat=True))
    whistles = set(Whistle.objects.filter(Q(number=text) | Q(event_id__in=events)).values_list("pk", flat=True))
    dispatches = Dispatch.objects.filter(Q(number=text) | Q(whistle_id__in=whistles)).values_list("pk", flat=True)
    found = {
        Event: events,
        Whistle: whistles,
        Dispatch: set(dispatches),
        Escalation: set(Escalation.objects.filter(number=text).values_list("pk", flat=True)),
        User: set(User.objects.filter(username=text).values_list("pk", flat=True)),
    }
    return {model: ids for model, ids in found.items() if ids}


# --- the list -----------------------------------------------------------------------------------------------------------
def lines(asked: Asked, *, below: Place | None = None, most: int = PAGE) -> list[Line]:
    """At most `most` lines below a place, with their objects named. Four queries at most, and one a model of the objects."""
    if asked.targets is not None and not asked.targets:
        return []
    if asked.people is not None and not asked.people:
        return []
    found = [
        *(_access(row) for rows in _accesses(asked) for row in _part(rows, asked, 2, "at", below)[:most]),
        *(_entry(row) for row in _part(_entries(asked), asked, 1, "at", below)[:most]),
        *(_change(row) for row in _part(_changes(asked), asked, 0, "action_time", below)[:most]),
    ]
    chosen = sorted(found, key=lambda line: line.place, reverse=True)[:most]
    _name(chosen)
    return chosen


def _part(rows: QuerySet[Any], asked: Asked, source: int, at: str, below: Place | None) -> QuerySet[Any]:
    """One source's rows in the time asked for and below the place, newest first."""
    if asked.since:
        rows = rows.filter(**{f"{at}__gte": asked.since})
    if asked.until:
        rows = rows.filter(**{f"{at}__lt": asked.until})
    if below:
        # the first condition is the one that the index answers, the second looks at the rows of one moment
        rows = rows.filter(**{f"{at}__lte": below.at})
        if source == below.source:
            rows = rows.exclude(Q(**{at: below.at}, pk__gte=below.pk))
        elif source > below.source:
            rows = rows.exclude(**{at: below.at})
    return rows.order_by(f"-{at}", "-pk")


def _accesses(asked: Asked) -> list[QuerySet[Access]]:
    """Of people two: what they did, and what others did with their accounts. As one, no index would answer it."""
    rows = Access.objects.select_related("by")
    if asked.kind in (ACT, ADMIN):
        return []
    if asked.kind:
        rows = rows.filter(what__in=KINDS[asked.kind][1])
    if asked.targets is not None:
        rows = rows.filter(_any(asked.targets, lambda model: model._meta.label_lower, "object_type"))
    if asked.people is None:
        return [rows]
    theirs = rows.filter(object_type=User._meta.label_lower, object_id__in=asked.people)
    return [rows.filter(by__in=asked.people), theirs.exclude(by__in=asked.people, by__isnull=False)]


def _entries(asked: Asked) -> QuerySet[Entry]:
    rows = Entry.objects.select_related("by", "target_type").exclude(verb__in=IN_ACCESS_OR_ADMIN)
    if asked.kind not in ("", ACT):
        return rows.none()
    if asked.people is not None:
        rows = rows.filter(by__in=asked.people)
    if asked.targets is None:
        return rows
    return rows.filter(_any(asked.targets, ContentType.objects.get_for_model, "target_type", "target_id"))


def _changes(asked: Asked) -> QuerySet[LogEntry]:
    rows = LogEntry.objects.select_related("user", "content_type")
    if asked.kind not in ("", ADMIN):
        return rows.none()
    if asked.people is not None:
        rows = rows.filter(user__in=asked.people)
    if asked.targets is None:
        return rows
    texts = {model: [str(pk) for pk in ids] for model, ids in asked.targets.items()}
    return rows.filter(_any(texts, ContentType.objects.get_for_model, "content_type"))


def _any(targets: Mapping[type, Collection[Any]], name: Any, type_field: str, id_field: str = "object_id") -> Q:
    wanted = Q(pk__in=[])
    for model, ids in targets.items():
        wanted |= Q(**{type_field: name(model), f"{id_field}__in": ids})
    return wanted


# --- lines of the three sources -----------------------------------------------------------------------------------------
def _access(row: Access) -> Line:
    target = (row.object_type, row.object_id) if row.object_type and row.object_id else None
    who = row.by.name if row.by else "—"
    what = WORDS.get(row.what, row.what)
    return Line(Place(row.at, 2, row.pk), who, row.office, what, target, _details(row), row.address)


def _details(row: Access) -> str:
    """The few words of it that say more: never what was read."""
    said = [f"{row.count:,} 条"] if row.count is not None else []
    for key, value in row.detail.items():
        if key == "why":
            said.append(REASONS.get(value, str(value)))
        elif key == "unknown":
            said.append("没有这个账号")
        elif key == "days":
            said.append(f"{value} 天")
        elif key == "list":
            said.append(_list_title(str(value)))
        elif key == "format":
            said.append(str(value).upper())
        elif value and key != "file" and not (key == "query" and "words" in row.detail):
            said.append(str(value))
    return "，".join(said)


def _list_title(code: str) -> str:
    return str(import_string(settings.LISTINGS[code]).title) if code in settings.LISTINGS else code


def _entry(row: Entry) -> Line:
    model = f"{row.target_type.app_label}.{row.target_type.model}"
    who = row.by.name if row.by else "—"
    return Line(Place(row.at, 1, row.pk), who, row.by_office, row.what, (model, row.target_id))


def _change(row: LogEntry) -> Line:
    kind = row.content_type
    model = f"{kind.app_label}.{kind.model}" if kind else ""
    pk = row.object_id or ""
    target = (model, int(pk)) if model and pk.isdigit() else None
    noun = kind.name if kind else ""
    what = f"{row.get_action_flag_display()}{noun}"
    place, said = Place(row.action_time, 0, row.pk), row.get_change_message()
    return Line(place, row.user.name, "管理后台", what, target, said, about=row.object_repr)


def _name(found: Sequence[Line]) -> None:
    """Say what each line is about, with its page where it has one. One query a model."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for line in found:
        if line.target:
            wanted[line.target[0]].add(line.target[1])
    known = {label: _objects(label, ids) for label, ids in wanted.items()}
    for line in found:
        obj = known[line.target[0]].get(line.target[1]) if line.target else None
        if obj is not None:
            line.about = getattr(obj, "number", "") or str(obj)
            line.url = obj.get_absolute_url() if hasattr(obj, "get_absolute_url") and not isinstance(obj, User) else ""


def _objects(label: str, ids: Iterable[int]) -> Mapping[int, Any]:
    try:
        model = apps.get_model(label)
    except LookupError:
        return {}
    related = NAMED_BY & {one.name for one in model._meta.fields if one.is_relation}
    found: Mapping[int, Any] = model._default_manager.select_related(*related).in_bulk(ids)
    return found


def failing_now(since: datetime) -> list[AccessAttempt]:
    """Where log-ins fail at present, as the lock-out counts them; forgotten with the next success."""
    return list(AccessAttempt.objects.filter(attempt_time__gte=since).order_by("-attempt_time")[:ATTEMPTS])
