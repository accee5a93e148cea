from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from enforcement.models.event import Event
from enforcement.models.whistle import ALL, NOTHING, Whistle
from townships.models import Role, Unit

OPEN_STATES = ("sent", "signed", "arrived", "reported", "rework", "returning", "arbitration", "suspended")


def dispatch_sight(user: Any) -> Q:
    """A township what it has sent and what is sent to it; so a department's desk; a sub-unit or officer what is theirs."""
    post = user.acting
    if post is None or post.role in (Role.ADMIN, Role.GRID):
        return NOTHING
    if post.role in (Role.GUIDANCE, Role.AUDITOR):
        return ALL
    if post.unit.is_township:
        return Q(by_unit_id=post.unit_id) | Q(department_id=post.unit_id)
    if post.unit.kind == Unit.Kind.SUBUNIT:
        return Q(assigned_unit_id=post.unit_id) | Q(assigned_officer=user, department_id=post.organ_id)
    if post.role == Role.OFFICER:
        return Q(assigned_officer=user, department_id=post.unit_id)
    return Q(department_id=post.unit_id) | Q(by_unit_id=post.unit_id)


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def visible_to(self, user: Any) -> Self:
        """Those that `dispatch_sight` tells of."""
        return self.filter(dispatch_sight(user))

    def with_sight(self, user: Any) -> Self:
        """Each row with `is_mine_to_see`: whether this person may open it."""
        return self.annotate(is_mine_to_see=models.ExpressionWrapper(dispatch_sight(user), models.BooleanField()))

    def rated(self) -> Self:
        """Those whose stars count in any figure: given, and not struck out on an appeal."""
        return self.filter(stars__isnull=False).exclude(appeal__state="struck")


class Dispatch(models.Model):
    """One department's part of a whistle, with its own clocks."""

    class State(models.TextChoices):
        SENT = "sent", "待签收"
        SIGNED = "signed", "已签收"
        ARRIVED = "arrived", "已到场"
        REPORTED = "reported", "已反馈"
        REWORK = "rework", "返工中"
        RETURNING = "returning", "退哨待领导同意"
        ARBITRATION = "arbitration", "退哨待仲裁"
        SUSPENDED = "suspended", "挂账"
        RETURNED = "returned", "已退哨"
        CLOSED = "closed", "已办结"
        WITHDRAWN = "withdrawn", "已撤哨"

    class Tag(models.TextChoices):
        FAST = "fast", "到得快"
        SOLVES = "solves", "管得住"
        EXPLAINS = "explains", "讲清楚"

    NEXT: ClassVar[Mapping[str, frozenset[str]]] = {
        "sent": frozenset({"signed", "returning", "arbitration", "suspended", "closed", "withdrawn"}),
        "signed": frozenset({"arrived", "suspended", "closed", "withdrawn"}),
        "arrived": frozenset({"reported", "suspended", "closed", "withdrawn"}),
        "reported": frozenset({"rework", "closed", "withdrawn"}),
        "rework": frozenset({"reported", "suspended", "withdrawn"}),
        "returning": frozenset({"sent", "arbitration", "closed", "withdrawn"}),
        "arbitration": frozenset({"signed", "returned", "closed", "withdrawn"}),  # upheld: it was answered in time
        "suspended": frozenset({"sent", "signed", "arrived", "rework", "withdrawn"}),
    }
    OPEN: ClassVar[tuple[str, ...]] = OPEN_STATES
    IN_HAND: ClassVar[tuple[str, ...]] = ("sent", "signed", "arrived", "rework")  # the department has to act
    GONE: ClassVar[tuple[str, ...]] = ("returned", "withdrawn")  # ended without having done it

    number = models.CharField("编号", max_length=44, unique=True)
    whistle = models.ForeignKey(Whistle, on_delete=models.PROTECT, verbose_name="哨单", related_name="dispatches")
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, null=True, verbose_name="事件", related_name="dispatches"
    )
    by_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="吹哨单位", related_name="+")
    department = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="部门", related_name="+")
    is_lead = models.BooleanField("主办", default=False)
    lead_at = models.DateTimeField(
        "主办起于",
        null=True,
        blank=True,
        help_text="of a helper that has taken the lead over; it finishes from here on",
    )
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.SENT)
    task = models.CharField("任务", max_length=200, blank=True, help_text="in a joint action")
    suspended_from = models.CharField(max_length=12, choices=State.choices, blank=True, help_text="where it goes on")

    sent_at = models.DateTimeField("派出时间")
    sign_due = models.DateTimeField("签收期限")
    arrive_due = models.DateTimeField("到场期限")
    report_due = models.DateTimeField("首报期限", null=True, blank=True)
    finish_due = models.DateTimeField("办结期限", null=True, blank=True, help_text="the lead's only")
    rework_due = models.DateTimeField("返工期限", null=True, blank=True)
    return_due = models.DateTimeField("退哨答复期限", null=True, blank=True)
    next_due = models.DateTimeField("当前期限", null=True, blank=True)
    signed_at = models.DateTimeField("签收时间", null=True, blank=True)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    assigned_unit = models.ForeignKey(
        Unit, on_delete=models.PROTECT, null=True, blank=True, verbose_name="承办机构", related_name="+"
    )
    assigned_officer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        verbose_name="承办人",
        related_name="+",
    )
    arrived_at = models.DateTimeField("到场时间", null=True, blank=True)
    arrived_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    interim_at = models.DateTimeField("首报时间", null=True, blank=True)
    reported_at = models.DateTimeField("反馈时间", null=True, blank=True)
    first_reported_at = models.DateTimeField("首次反馈时间", null=True, blank=True)
    rework_at = models.DateTimeField("返工时间", null=True, blank=True)
    rework_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    rework_reason = models.CharField("返工要求", max_length=400, blank=True)
    closed_at = models.DateTimeField("办结时间", null=True, blank=True)
    stars = models.PositiveSmallIntegerField("评价", null=True, blank=True)
    rated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    tags = ArrayField(models.CharField(max_length=12, choices=Tag.choices), default=list, blank=True)
    rating_text = models.CharField("评价说明", max_length=400, blank=True, help_text="for the guidance office alone")
    alarm_at = models.DateTimeField(null=True, blank=True, help_text="when 督办 has to look next")

    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    provisional = ArrayField(models.CharField(max_length=20), default=list, blank=True, help_text="暂定的期限")
    changed_at = models.DateTimeField(auto_now=True)

    objects = DispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "派单"
        indexes = [
            models.Index(fields=["department", "-id"], name="dispatch_department"),
            models.Index(fields=["department", "state", "next_due"], name="dispatch_due"),
            models.Index(fields=["by_unit", "-id"], name="dispatch_by_unit"),
            models.Index(fields=["alarm_at"], condition=Q(alarm_at__isnull=False), name="dispatch_alarm"),
            models.Index(
                fields=["assigned_officer", "-id"], condition=Q(assigned_officer__isnull=False), name="dispatch_officer"
            ),
            models.Index(
                fields=["assigned_unit", "-id"], condition=Q(assigned_unit__isnull=False), name="dispatch_subunit"
            ),
            models.Index(fields=["by_unit", "state"], condition=~Q(provisional=[]), name="dispatch_provisional"),
            models.Index(fields=["state", "-id"], condition=Q(state__in=OPEN_STATES), name="dispatch_open"),
            models.Index(fields=["next_due", "id"], condition=Q(next_due__isnull=False), name="dispatch_open_due"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["whistle", "department"],
                condition=~Q(state="returned"),
                name="dispatch_once_per_department",
            ),
            models.UniqueConstraint(
                fields=["whistle"], condition=Q(is_lead=True) & ~Q(state="returned"), name="dispatch_one_lead"
            ),
            models.CheckConstraint(
                condition=Q(state="suspended") & ~Q(suspended_from="") | ~Q(state="suspended") & Q(suspended_from=""),
                name="dispatch_suspended_from",
            ),
            models.CheckConstraint(
                condition=Q(tags=[], rating_text="") | Q(stars__isnull=False), name="dispatch_tags_with_stars"
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None) | Q(signed_at__isnull=False, signed_by__isnull=False),
                name="dispatch_signed_pair",
            ),
            models.CheckConstraint(
                condition=Q(arrived_at=None, arrived_by=None)
                | Q(arrived_at__isnull=False, arrived_by__isnull=False, signed_at__isnull=False),
                name="dispatch_arrived_pair",
            ),
            models.CheckConstraint(
                condition=Q(rework_at=None, rework_by=None, rework_due=None, rework_reason="")
                | Q(rework_at__isnull=False, rework_by__isnull=False, rework_due__isnull=False) & ~Q(rework_reason=""),
                name="dispatch_rework_facts",
            ),
            models.CheckConstraint(condition=Q(stars=None) | Q(stars__range=(1, 5)), name="dispatch_stars"),
            models.CheckConstraint(
                condition=Q(stars=None, rated_by=None) | Q(stars__isnull=False, rated_by__isnull=False),
                name="dispatch_rated_pair",
            ),
            models.CheckConstraint(
                condition=Q(claimed_at=None, claimed_by=None) | Q(claimed_at__isnull=False, claimed_by__isnull=False),
                name="dispatch_claimed_pair",
            ),
            models.CheckConstraint(
                condition=Q(is_lead=True, finish_due__isnull=False) | Q(is_lead=False, finish_due=None),
                name="dispatch_lead_finishes",
            ),
            models.CheckConstraint(condition=Q(lead_at=None) | Q(is_lead=True), name="dispatch_lead_since"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.department}"

    def get_absolute_url(self) -> str:
        return reverse("enforcement:dispatch-detail", args=[self.pk])

    @property
    def role_label(self) -> str:
        return "主办" if self.is_lead else "协办"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_unrated(self) -> bool:
        """It came, it has ended, and nobody has said how it was: silence is not praise."""
        return self.state == self.State.CLOSED and self.arrived_at is not None and self.stars is None

    @property
    def rating_words(self) -> str:
        """Stars and tags, as the department may read them; empty where there are none."""
        if self.stars is None:
            return ""
        tags = "、".join(self.Tag(tag).label for tag in self.tags)
        return f"{self.stars} 星 · {tags}" if tags else f"{self.stars} 星"

    @property
    def its_appeal(self) -> Any:
        """The department's appeal against the rating, or None. No query for the many that have no stars."""
        return None if self.stars is None else getattr(self, "appeal", None)

    @property
    def current_finish_due(self) -> Any:
        return self.rework_due or self.finish_due


class Attendance(models.Model):
    """Who came, and whether the certificate was valid on that day: a snapshot, so that a later renewal changes nothing."""

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="attendances")
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, verbose_name="到场人员", related_name="+"
    )
    certificate_number = models.CharField("证号", max_length=20, blank=True)
    certificate_valid = models.BooleanField("证件当日有效")

    class Meta:
        verbose_name = verbose_name_plural = "到场人员"
        constraints = [models.UniqueConstraint(fields=["dispatch", "officer"], name="attendance_once")]

    def __str__(self) -> str:
        return f"{self.dispatch_id} {self.officer_id}"


M = TypeVar("M", bound=models.Model)


class ThroughDispatchQuerySet(models.QuerySet[M]):
    def visible_to(self, user: Any) -> Self:
        """Who may see the dispatch."""
        return self.filter(Exists(Dispatch.objects.visible_to(user).filter(pk=OuterRef("dispatch_id"))))


class Report(models.Model):
    """What a department reports back: in between (首报), or finally (反馈). Photos and files are its attachments."""

    class Kind(models.TextChoices):
        INTERIM = "interim", "首报"
        FINAL = "final", "反馈"

    class Result(models.TextChoices):
        SOLVED = "solved", "已解决"
        ORDERED = "ordered", "已责令改正"
        FILED = "filed", "已立案"
        PARTLY = "partly", "部分解决，继续跟进"
        NOT_FOUND = "not_found", "现场未发现"

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="reports")
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    result = models.CharField("结果", max_length=12, choices=Result.choices, blank=True)
    measures = models.TextField("措施和情况", max_length=4000)
    at = models.DateTimeField("时间", default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_office = models.CharField(max_length=80)
    is_late = models.BooleanField("超期", default=False)
    request_id = models.UUIDField(unique=True)

    objects = ThroughDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "反馈"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="interim") | Q(kind="final") & ~Q(result=""), name="report_final_result"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id} {self.get_kind_display()}"

    def get_absolute_url(self) -> str:
        return self.dispatch.get_absolute_url()


class Remark(models.Model):
    """留言 on a dispatch, from either side; the other side is told."""

    class Side(models.TextChoices):
        TOWNSHIP = "township", "镇街"
        DEPARTMENT = "department", "部门"

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="remarks")
    side = models.CharField(max_length=12, choices=Side.choices)
    text = models.CharField("留言", max_length=1000)
    at = models.DateTimeField("时间", default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_office = models.CharField(max_length=80)
    request_id = models.UUIDField(unique=True)

    objects = ThroughDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "留言"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.dispatch_id} {self.side}"

    def get_absolute_url(self) -> str:
        return self.dispatch.get_absolute_url()
