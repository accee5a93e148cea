"""保存期限: what is past its time is listed each month, confirmed by somebody, and then cleared, a part at a time.

Nothing is cleared unconfirmed, and never more than was listed: `before` is fixed with the list. What an open matter needs
is left out when it is found and again when it is cleared. The timeline stays for good: it names offices, not persons.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from command_room.services import retention_files
from enforcement.models import Appeal, Caller, Check, Dispatch, Event, Report, Whistle
from notifications.mail_files import is_mail
from notifications.models import Delivery, Message
from records.models import Access, Attachment, RetentionList, RetentionRule, Stage
from records.services import access, advance, lock, record

CHUNK = 500
HALF_YEAR, THREE_YEARS = 184, 1096  # in days, the longest that there are
State = RetentionList.State


@dataclass(frozen=True)
class Span:
    """How much is past its time, from when to when."""

    count: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True)
class Kind:
    """A kind of data: what of it is older than a moment, and how a part of that goes.

    `floor`: fewer days may not be set. `clear` returns how many it has cleared; 0 is the end.
    """

    code: str
    label: str
    how: str
    floor: int
    days: int
    basis: str
    find: Callable[[datetime], Span]
    clear: Callable[[datetime], int] | None  # None: only the owner of the tables can (manage.py clear_access_log)


# --- what may go --------------------------------------------------------------------------------------------------------
def _ended_events(before: datetime) -> QuerySet[Event]:
    """Closed before that, and nothing of it is open: no whistle, no appeal, no event that was merged into it."""
    appeals = Appeal.objects.filter(dispatch__event_id=OuterRef("pk"), state="asked")
    whistles = Whistle.objects.filter(event_id=OuterRef("pk"), state__in=Whistle.OPEN)
    heir = Event.objects.filter(pk=OuterRef("merged_into_id"), state__in=Event.OPEN)
    ended = Event.objects.filter(closed_at__lt=before).exclude(state__in=Event.OPEN)
    return ended.exclude(Exists(whistles)).exclude(Exists(appeals)).exclude(Exists(heir))


def _callers(before: datetime) -> QuerySet[Caller]:
    return Caller.objects.filter(event__in=_ended_events(before)).exclude(name="", phone="")


def _clear_callers(before: datetime) -> int:
    return Caller.objects.filter(pk__in=list(_first(_callers(before)))).update(name="", phone="")


def _messages(before: datetime) -> QuerySet[Message]:
    waiting = Delivery.objects.filter(message_id=OuterRef("pk"), state__in=[*Delivery.OPEN, Delivery.State.HELD])
    return Message.objects.filter(created_at__lt=before).exclude(Exists(waiting))


def _clear_messages(before: datetime) -> int:
    ids = list(_first(_messages(before)))
    Delivery.objects.filter(message_id__in=ids).delete()
    return Message.objects.filter(pk__in=ids).delete()[0]


def _sessions(before: datetime) -> QuerySet[Session]:
    return Session.objects.filter(expire_date__lt=before)


def _clear_sessions(before: datetime) -> int:
    return Session.objects.filter(pk__in=list(_first(_sessions(before)))).delete()[0]


def _attempts(before: datetime) -> QuerySet[AccessAttempt]:
    found: QuerySet[AccessAttempt] = AccessAttempt.objects.filter(attempt_time__lt=before)
    return found


def _clear_attempts(before: datetime) -> int:
    return int(AccessAttempt.objects.filter(pk__in=list(_first(_attempts(before)))).delete()[0])


def _photos(before: datetime) -> QuerySet[Attachment]:
    """Of events that have ended, of what departments reported on them and of what was seen at the check."""
    ended = _ended_events(before).values("pk")
    owners = {
        Event: ended,
        Report: Report.objects.filter(dispatch__event__in=ended).values("pk"),
        Dispatch: Dispatch.objects.filter(event__in=ended).values("pk"),
        Check: Check.objects.filter(event__in=ended).values("pk"),
    }
    wanted = Q(pk__in=[])
    for model, ids in owners.items():
        wanted |= Q(target_type=ContentType.objects.get_for_model(model), target_id__in=ids)
    return retention_files.kept(Attachment.objects.filter(wanted, kind=Attachment.Kind.PHOTO, at__lt=before))


def _clear_photos(before: datetime) -> int:
    return retention_files.remove(_photos(before).order_by("pk")[:CHUNK])


def _accesses(before: datetime) -> QuerySet[Access]:
    return Access.objects.filter(at__lt=before)


def _first(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by("pk").values_list("pk", flat=True)[:CHUNK]


def _span(rows: Callable[[datetime], QuerySet[Any]], at: str) -> Callable[[datetime], Span]:
    def find(before: datetime) -> Span:
        found = rows(before)
        ends = found.aggregate(oldest=Min(at), newest=Max(at))
        return Span(found.count(), ends["oldest"], ends["newest"])

    return find


# --- files --------------------------------------------------------------------------------------------------------------
def _mails(before: datetime) -> list[tuple[datetime, Path]]:
    folder = Path(settings.EMAIL_FILE_PATH)
    files = [path for path in folder.iterdir() if is_mail(path.name)] if folder.is_dir() else []
    dated = [(datetime.fromtimestamp(path.stat().st_mtime, UTC), path) for path in files]
    return sorted((at, path) for at, path in dated if at < before)


def _find_mails(before: datetime) -> Span:
    found = _mails(before)
    return Span(len(found), found[0][0], found[-1][0]) if found else Span(0, None, None)


def _clear_mails(before: datetime) -> int:
    found = _mails(before)[:CHUNK]
    for _, path in found:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    return len(found)


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind("caller", "来电人姓名、电话", "清空，事件留下", 90, 1096, "个人信息保护法第十九条：实现处理目的所必要的最短时间",
             _span(_callers, "event__closed_at"), _clear_callers),
        Kind("photo", "已结事件的照片", "删文件，留封签", 365, 3653, "档案保管期限由本级档案部门核定，此处按 10 年",
             _span(_photos, "at"), _clear_photos),
        Kind("message", "消息和发送记录", "删除", HALF_YEAR, 730, "网络安全法：网络日志不少于六个月",
             _span(_messages, "created_at"), _clear_messages),
        Kind("mail", "邮件文件", "删除", 30, HALF_YEAR, "与消息相同的内容，只供核对发送", _find_mails, _clear_mails),
        Kind("session", "已过期的登录会话", "删除", 1, 30, "个人信息保护法第十九条", _span(_sessions, "expire_date"), _clear_sessions),
        Kind("attempt", "登录失败计数", "删除", 1, HALF_YEAR, "网络安全法：网络日志不少于六个月",
             _span(_attempts, "attempt_time"), _clear_attempts),
        Kind("access", "查阅记录", "由运维用 clear_access_log 删除", THREE_YEARS, THREE_YEARS,
             "提供、委托处理个人信息的记录不少于三年（网络数据安全管理条例第十二条）", _span(_accesses, "at"), None),
    )
}  # fmt: skip


# --- rules --------------------------------------------------------------------------------------------------------------
def rules() -> dict[str, RetentionRule]:
    """Kind → the rule that holds. One query; kinds without one have been given theirs by `load_rules`."""
    newest = RetentionRule.objects.order_by("kind", "-id").distinct("kind").select_related("by")
    return {rule.kind: rule for rule in newest if rule.kind in KINDS}


def load_rules() -> None:
    """What an installation begins with, for kinds that have no row."""
    known = set(RetentionRule.objects.values_list("kind", flat=True))
    RetentionRule.objects.bulk_create(
        RetentionRule(kind=kind.code, days=kind.days, basis=kind.basis)
        for kind in KINDS.values()
        if kind.code not in known
    )


@transaction.atomic
def set_rule(kind: str, *, days: int, basis: str, by: Any) -> RetentionRule:
    """A new row; twice is once. A list that waits was made by the old one: it is put aside, the next month lists anew."""
    RetentionRule.objects.select_for_update().filter(kind=kind).order_by("id").first()  # the kind's first row: its lock
    old = RetentionRule.objects.filter(kind=kind).order_by("-id").first()
    if old and (old.days, old.basis) == (days, basis):
        return old
    rule = RetentionRule.objects.create(kind=kind, days=days, basis=basis, by=by)
    what = f"{KINDS[kind].label}的保存期限由 {old.days if old else '—'} 天改为 {days} 天"
    record(rule, "retention_rule_set", by=by, what=what, stage=Stage.FILE)
    for waiting in RetentionList.objects.filter(rule__kind=kind, state=State.LISTED):
        _decide(waiting, State.DECLINED, by=by, what="保存期限改了，这份清单作废")
    return rule


# --- list, decide, clear ------------------------------------------------------------------------------------------------
def list_expired() -> None:
    """The monthly look. A list that still waits is renewed, as what is past its time has grown."""
    now = timezone.now()
    for code, rule in rules().items():
        before = now - timedelta(days=rule.days)
        with transaction.atomic():
            RetentionRule.objects.select_for_update().get(pk=rule.pk)
            found = KINDS[code].find(before)
            seen = {
                "before": before,
                "count": found.count,
                "oldest": found.oldest,
                "newest": found.newest,
                "listed_at": now,
            }
            if RetentionList.objects.filter(rule=rule, state=State.CONFIRMED).exists():
                continue  # it is being cleared
            if not RetentionList.objects.filter(rule=rule, state=State.LISTED).update(**seen) and found.count:
                RetentionList.objects.create(rule=rule, **seen)


@transaction.atomic
def confirm(found: RetentionList, *, by: Any, seen_count: int) -> bool:
    """From here on the job clears it. False: the list is not the one that was seen any more."""
    locked = RetentionList.objects.select_for_update().get(pk=found.pk)
    if locked.state != State.LISTED or locked.count != seen_count:
        return False
    _decide(locked, State.CONFIRMED, by=by, what=f"确认清理到期的{KINDS[locked.rule.kind].label} {locked.count} 条")
    access.note(by, "retention_confirmed", count=locked.count, detail={"data": KINDS[locked.rule.kind].label})
    return True


@transaction.atomic
def decline(found: RetentionList, *, by: Any) -> None:
    _decide(found, State.DECLINED, by=by, what=f"这次不清理到期的{KINDS[found.rule.kind].label}")


def clear_confirmed() -> None:
    """Clear what is confirmed, each part in a transaction of its own: a job that is killed goes on where it was."""
    for found in RetentionList.objects.filter(state=State.CONFIRMED).select_related("rule"):
        clear = KINDS[found.rule.kind].clear
        if clear is not None:
            _clear(found, clear)


def _clear(found: RetentionList, clear: Callable[[datetime], int]) -> None:
    """Until nothing is left of it, or another worker has ended it."""
    while _clear_part(found, clear):
        pass


@transaction.atomic
def _clear_part(found: RetentionList, clear: Callable[[datetime], int]) -> int:
    """With the list locked: of two workers at it each clears and counts its own parts, and one ends it."""
    lock(found)
    if found.state != State.CONFIRMED:
        return 0
    gone = clear(found.before)
    if not gone:
        finish(found)
        return 0
    found.cleared += gone
    found.save(update_fields=["cleared", "changed_at"])
    return gone


def finish(found: RetentionList) -> None:
    label = KINDS[found.rule.kind].label
    what = f"已清理到期的{label} {found.cleared} 条"
    advance(found, State.DONE, by=None, verb="retention_cleared", what=what, stage=Stage.CLOSE, done_at=timezone.now())
    access.note(None, "retention_cleared", count=found.cleared, detail={"data": label})


def _decide(found: RetentionList, to: str, *, by: Any, what: str) -> None:
    verb = f"retention_{to}"
    advance(found, to, by=by, verb=verb, what=what, stage=Stage.CLOSE, decided_at=timezone.now(), decided_by=by)


# --- the access log, which no role of the portal may change ----------------------------------------------------------------
def clear_access_log() -> int:
    """As the owner of the tables, for a moment without their trigger; a part at a time, so that nobody waits long."""
    total = 0
    for found in RetentionList.objects.filter(state=State.CONFIRMED, rule__kind="access").select_related("rule"):
        _clear(found, _clear_accesses)
        total += found.cleared
    return total


def _clear_accesses(before: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE records_access DISABLE TRIGGER append_only")
        gone = Access.objects.filter(pk__in=list(_first(_accesses(before)))).delete()[0]
        cursor.execute("ALTER TABLE records_access ENABLE TRIGGER append_only")
    return gone
