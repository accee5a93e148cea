"""What runs by itself and needs care: messages, periodic jobs, due times on years without a holiday list."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Func, IntegerField, Sum, Value
from django.urls import reverse
from django.utils import timezone

from command_room.services.care_card import FEW, Card, Line, counted_to
from enforcement.models import Dispatch, Event, Whistle
from notifications.kinds import restore
from notifications.models import Delivery
from notifications.models.message import OVERDUE
from records.services.job_run import Job
from townships.models import CalendarYear

LABELS = {
    "notifications.sweep": "补发消息",
    "notifications.summarise": "消息日报",
    "enforcement.escalate": "督办巡查",
    "enforcement.recompute_provisional": "重算暂定期限",
    "enforcement.resume_suspended": "恢复挂账",
    "townships.retire_accounts": "停用到期账号",
    "records.sweep_jobs": "接续中断的任务",
    "command_room.list_expired": "列出超过保存期限的数据",
    "command_room.clear_confirmed": "清理已确认的数据",
}
DELIVERIES = "admin:notifications_delivery_changelist"


def failed_messages() -> Card:
    rows = Delivery.objects.filter(state=Delivery.State.FAILED).select_related("message")
    number, few = counted_to(rows, "-id")
    link = f"{reverse(DELIVERIES)}?attention=failed"
    press = (reverse("admin:notifications_resend"), "全部重新发送")
    lines, well = _deliveries(few), "消息都已发出"
    return Card("发送失败的消息", number, "条", lines, link, "查看", well, is_grave=True, press=press)


def stuck_messages(now: datetime) -> Card:
    number, few = counted_to(Delivery.objects.stuck(now).select_related("message"), "created_at")
    title = f"等待发送超过 {OVERDUE // timedelta(minutes=1)} 分钟的消息"
    link = f"{reverse(DELIVERIES)}?attention=stuck"
    return Card(title, number, "条", _deliveries(few), link, "查看", "没有积压", is_grave=True)


def _deliveries(few: Sequence[Delivery]) -> list[Line]:
    """No address: what it is, by which channel, and what went wrong."""
    return [
        Line(
            f"{restore(row.message.kind, row.message.data).title} {row.message.data['number']}",
            f"{row.get_channel_display()} {row.error.partition(':')[0]}".strip(),
        )
        for row in few
    ]


# --- periodic jobs --------------------------------------------------------------------------------------------------
def label_of(found: Job) -> str:
    return LABELS.get(found.task, found.task)


def jobs(found: Sequence[Job]) -> Card:
    ill = [one for one in found if not one.is_well]
    lines = [Line(label_of(one), said_of(one)) for one in ill[:FEW]]
    return Card(
        "没有按时完成的定时任务", len(ill), "个", lines, "#jobs", "看全部任务", "定时任务都按时完成", is_grave=True
    )


def said_of(found: Job) -> str:
    """What is wrong with it, as the card says it."""
    if found.run is None:
        return "还没有运行过，请检查后台任务进程"
    if found.is_late and found.run.started_at is None:
        return f"{timezone.localtime(found.run.known_at):%m-%d %H:%M} 列入计划，一次也没有运行"
    if found.is_late and found.run.started_at:
        return f"上次 {timezone.localtime(found.run.started_at):%m-%d %H:%M}，没有按时再来"
    return f"上次出错（{found.run.error}），连续 {found.run.failures} 次"


# --- due times on plain weekdays ------------------------------------------------------------------------------------
class Cardinality(Func):
    function = "CARDINALITY"
    output_field = IntegerField()


def missing_years(now: datetime) -> Card:
    """This year and the next without a holiday list, and how many due times of open rows were computed without one."""
    this_year = timezone.localdate(now).year
    loaded = set(CalendarYear.objects.values_list("year", flat=True))
    missing = [year for year in (this_year, this_year + 1) if year not in loaded]
    provisional = _provisional()
    lines = [Line(f"{year} 年放假安排未导入") for year in missing]
    if provisional:
        lines.append(Line(f"{provisional} 个期限为暂定", "导入后自动重算" if missing else "正在重新计算"))
    link = reverse("admin:load-holidays")
    number = len(missing) or int(bool(provisional))
    return Card(
        "放假安排", number, "年缺" if missing else "项", lines, link, "导入放假安排", "放假安排齐全，没有暂定期限"
    )


def _provisional() -> int:
    """Of all three kinds in one query, each by its own index."""
    counts = [
        model._default_manager.filter(state__in=model.OPEN)
        .exclude(provisional=[])
        .order_by()
        .annotate(one=Value(1))
        .values("one")
        .annotate(n=Sum(Cardinality("provisional")))
        .values_list("n", flat=True)
        for model in (Event, Whistle, Dispatch)
    ]
    return sum(n or 0 for n in counts[0].union(*counts[1:], all=True))
