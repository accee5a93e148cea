from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from enforcement.models.category import Category, StepUnit
from records.models.pieces import PiecesField
from townships.models import Role, Unit

OPEN_STATES = ("reported", "verified", "squad", "whistled")


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: Any) -> Self:
        """A grid member the own reports and grid; a township its own and what is offered to it; a department what is dispatched to it."""
        post = user.acting
        if post is None or post.role == Role.ADMIN:
            return self.none()
        if post.role in (Role.GUIDANCE, Role.AUDITOR):
            return self
        if post.role == Role.GRID:
            return self.filter(Q(reported_by=user) | Q(grid_id=post.unit_id))
        if post.unit.is_township:
            return self.filter(Q(township_id=post.unit_id) | Q(offered_to_id=post.unit_id))
        dispatches = Event._meta.apps.get_model("enforcement", "Dispatch").objects.visible_to(user)
        return self.filter(Exists(dispatches.filter(event_id=OuterRef("pk"))))


class Event(models.Model):
    """What somebody saw and reported, until it is settled, handed on, closed or dismissed."""

    class State(models.TextChoices):
        REPORTED = "reported", "待受理"
        VERIFIED = "verified", "已核实"
        SQUAD = "squad", "队伍处置中"
        WHISTLED = "whistled", "已吹哨"
        SETTLED = "settled", "已办结"
        DISMISSED = "dismissed", "不予受理"
        MERGED = "merged", "已并案"

    NEXT: ClassVar[Mapping[str, frozenset[str]]] = {
        # reported again: a neighbouring township has accepted it, and verifies for itself
        "reported": frozenset({"reported", "verified", "settled", "squad", "whistled", "dismissed", "merged"}),
        "verified": frozenset({"reported", "settled", "squad", "whistled", "dismissed", "merged"}),
        "squad": frozenset({"settled", "whistled"}),
        "whistled": frozenset({"settled", "verified"}),
    }
    OPEN: ClassVar[tuple[str, ...]] = OPEN_STATES
    TO_TRIAGE: ClassVar[tuple[str, ...]] = ("reported", "verified")  # the desk has to say which way it goes

    class Source(models.TextChoices):
        GRID = "grid", "网格"
        PATROL = "patrol", "巡查"
        HOTLINE = "12345", "12345"
        CALL = "call", "群众来电"
        SUPERIOR = "superior", "上级交办"
        PLATFORM = "platform", "平台"
        INSPECTION = "inspection", "检查"

    class Dismissal(models.TextChoices):
        DUPLICATE = "duplicate", "重复上报"
        UNTRUE = "untrue", "核实不存在"
        NOT_OURS = "not_ours", "不属于本地管辖"
        UNCLEAR = "unclear", "内容不清且无法联系"
        UNREASONABLE = "unreasonable", "诉求无事实或法律依据"

    number = models.CharField("编号", max_length=40, unique=True)
    township = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="镇街", related_name="+")
    grid = models.ForeignKey(
        Unit, on_delete=models.PROTECT, null=True, blank=True, verbose_name="网格", related_name="+"
    )
    category = models.ForeignKey(Category, on_delete=models.PROTECT, verbose_name="类别", related_name="+")
    title = models.CharField("标题", max_length=60)
    place = models.CharField("地点", max_length=120)
    longitude = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True, blank=True)
    latitude = models.DecimalField("纬度", max_digits=8, decimal_places=6, null=True, blank=True)
    facts = models.TextField("情况", max_length=4000)
    is_urgent = models.BooleanField("紧急", default=False)
    source = models.CharField("来源", max_length=12, choices=Source.choices, default=Source.GRID)
    outside_number = models.CharField("来源编号", max_length=60, blank=True)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.REPORTED)

    reported_at = models.DateTimeField("上报时间", default=timezone.now)
    reported_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(
        "接收时间", null=True, blank=True, help_text="when this township accepted it from a neighbouring one"
    )
    offered_to = models.ForeignKey(
        Unit,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="移交: whose answer is awaited",
    )
    has_ties = models.BooleanField(
        default=False, db_default=False, help_text="it was offered to a neighbour, or others are merged into it"
    )
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField("办结时间", null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    result = models.TextField("结果", blank=True, max_length=4000)
    dismissal = models.CharField("不予受理原因", max_length=16, choices=Dismissal.choices, blank=True)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, verbose_name="并入", related_name="merged"
    )
    alarm_at = models.DateTimeField(null=True, blank=True, help_text="when 督办 has to look next")

    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    accept_due = models.DateTimeField("受理期限")
    squad_at = models.DateTimeField("交队时间", null=True, blank=True)
    squad_unit = models.CharField("队伍时限单位", max_length=20, choices=StepUnit.choices, blank=True)
    squad_amount = models.PositiveIntegerField("队伍时限", null=True, blank=True)
    squad_due = models.DateTimeField("队伍处置期限", null=True, blank=True)
    next_due = models.DateTimeField("当前期限", null=True, blank=True)
    provisional = ArrayField(models.CharField(max_length=20), default=list, blank=True, help_text="暂定的期限")
    request_id = models.UUIDField(unique=True)
    changed_at = models.DateTimeField(auto_now=True)
    words = PiecesField(["number", "outside_number", "title", "place"], facts=["facts"])

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "事件"
        indexes = [
            models.Index(fields=["township", "-id"], name="event_township"),
            models.Index(fields=["township", "state", "next_due"], name="event_due"),
            models.Index(fields=["township", "-changed_at"], name="event_changed"),
            models.Index(fields=["reported_by", "-id"], name="event_reporter"),
            models.Index(fields=["grid", "-id"], name="event_grid"),
            models.Index(fields=["category", "-id"], name="event_category"),
            models.Index(fields=["township", "category", "-reported_at"], name="event_like"),
            models.Index(fields=["alarm_at"], condition=Q(alarm_at__isnull=False), name="event_alarm"),
            models.Index(fields=["offered_to"], condition=Q(offered_to__isnull=False), name="event_offered"),
            models.Index(fields=["outside_number"], condition=~Q(outside_number=""), name="event_outside"),
            models.Index(fields=["township", "state"], condition=~Q(provisional=[]), name="event_provisional"),
            GinIndex(fields=["words"], name="event_words"),
            # what is open is a small part: these serve the whole city's lists, whatever lies behind
            models.Index(fields=["state", "-id"], condition=Q(state__in=OPEN_STATES), name="event_open"),
            models.Index(fields=["next_due", "id"], condition=Q(next_due__isnull=False), name="event_open_due"),
            models.Index(fields=["place", "id"], condition=Q(state__in=OPEN_STATES), name="event_open_place"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(verified_at=None, verified_by=None)
                | Q(verified_at__isnull=False, verified_by__isnull=False),
                name="event_verified_pair",
            ),
            models.CheckConstraint(
                condition=Q(claimed_at=None, claimed_by=None) | Q(claimed_at__isnull=False, claimed_by__isnull=False),
                name="event_claimed_pair",
            ),
            models.CheckConstraint(
                condition=Q(longitude=None, latitude=None) | Q(longitude__isnull=False, latitude__isnull=False),
                name="event_position_pair",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["settled", "dismissed", "merged"], closed_at__isnull=False, closed_by__isnull=False
                )
                | ~Q(state__in=["settled", "dismissed", "merged"]) & Q(closed_at=None, closed_by=None),
                name="event_closed_facts",
            ),
            models.CheckConstraint(
                condition=Q(state="merged", merged_into__isnull=False) | ~Q(state="merged") & Q(merged_into=None),
                name="event_merged_facts",
            ),
            models.CheckConstraint(
                condition=Q(state="dismissed") & ~Q(dismissal="") | ~Q(state="dismissed") & Q(dismissal=""),
                name="event_dismissal_reason",
            ),
            models.CheckConstraint(
                condition=Q(squad_at=None, squad_unit="", squad_amount=None, squad_due=None) & ~Q(state="squad")
                | Q(squad_at__isnull=False, squad_amount__isnull=False, squad_due__isnull=False) & ~Q(squad_unit=""),
                name="event_squad_facts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("enforcement:event-detail", args=[self.pk])

    @property
    def by_unit(self) -> Unit:
        """Whose matter it is, as whistles and dispatches call it."""
        return self.township

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def waits_since(self) -> Any:
        """From when the clock of taking it up runs: its report, or its acceptance from a neighbouring township."""
        return self.received_at or self.reported_at


class Caller(models.Model):
    """Who called. The township's alone, shown on a click that is logged; never in lists, messages or exports."""

    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="caller")
    name = models.CharField("来电人", max_length=40, blank=True)
    phone = models.CharField("电话", max_length=30, blank=True)

    def __str__(self) -> str:
        return f"caller of {self.event_id}"
