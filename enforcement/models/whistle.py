from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from enforcement.models.event import Event
from enforcement.rules import deadlines
from enforcement.rules.deadlines import NAMES
from records.models.pieces import PiecesField
from townships.models import DESKS, Role, Unit

OPEN_STATES = ("submitted", "signing", "signed", "handling", "reported", "suspended")
NOTHING, ALL = Q(pk__in=[]), ~Q(pk__in=[])


def own_sight(user: Any) -> Q:
    """Without any dispatch: a unit what it has blown, of a department its desk alone; guidance office and auditors all."""
    post = user.acting
    if post is None or post.role in (Role.ADMIN, Role.GRID):
        return NOTHING
    if post.role in (Role.GUIDANCE, Role.AUDITOR):
        return ALL
    return Q(by_unit_id=post.unit_id) if post.unit.is_township or post.role in DESKS else NOTHING


def whistle_sight(user: Any) -> Q:
    """What is one's own, and that of which one may see a dispatch: what a unit, sub-unit or officer is asked to do."""
    dispatches = Whistle._meta.apps.get_model("enforcement", "Dispatch").objects.visible_to(user)
    own, asked = own_sight(user), Q(Exists(dispatches.filter(whistle_id=OuterRef("pk"))))
    return own if own == ALL else own | asked


class WhistleQuerySet(models.QuerySet["Whistle"]):
    def visible_to(self, user: Any) -> Self:
        """Those that `whistle_sight` tells of."""
        return self.filter(whistle_sight(user))

    def with_own_sight(self, user: Any) -> Self:
        """Each row with `is_mine_to_see`, which leaves out its dispatches: who has them at hand looks at those too."""
        return self.annotate(is_mine_to_see=models.ExpressionWrapper(own_sight(user), models.BooleanField()))


class Whistle(models.Model):
    """A unit's call to others, mostly a township's to departments. Its state is computed from its dispatches and stored.

    Mostly for an event; a joint action (联合行动) has none, but an area, a time and a place to assemble.
    """

    class Kind(models.TextChoices):
        EMERGENCY = deadlines.Kind.EMERGENCY, NAMES[deadlines.Kind.EMERGENCY]
        URGENT = deadlines.Kind.URGENT, NAMES[deadlines.Kind.URGENT]
        ROUTINE = deadlines.Kind.ROUTINE, NAMES[deadlines.Kind.ROUTINE]
        CAMPAIGN = deadlines.Kind.CAMPAIGN, NAMES[deadlines.Kind.CAMPAIGN]

    class State(models.TextChoices):
        SUBMITTED = "submitted", "待审核"
        SIGNING = "signing", "待签收"
        SIGNED = "signed", "已签收"
        HANDLING = "handling", "处置中"
        REPORTED = "reported", "待评价"
        SUSPENDED = "suspended", "挂账"
        CLOSED = "closed", "已办结"
        REJECTED = "rejected", "未批准"
        WITHDRAWN = "withdrawn", "已撤哨"

    NEXT: ClassVar[Mapping[str, frozenset[str]]] = {
        "submitted": frozenset({"signing", "rejected", "withdrawn"}),
        # a department that takes over from another starts anew: then the whistle stands where its slowest one stands
        "signing": frozenset({"signed", "handling", "reported", "suspended", "withdrawn"}),
        "signed": frozenset({"signing", "handling", "reported", "suspended", "withdrawn"}),
        "handling": frozenset({"signing", "signed", "reported", "suspended", "withdrawn"}),
        "suspended": frozenset({"signing", "signed", "handling", "withdrawn"}),
        # so it is where a rework sends the lead back
        "reported": frozenset({"closed", "handling", "signed", "signing", "withdrawn"}),
    }
    OPEN: ClassVar[tuple[str, ...]] = OPEN_STATES

    UNDERWAY: ClassVar[tuple[str, ...]] = ("signing", "signed", "handling")  # the departments have to act

    class Why(models.TextChoices):
        NO_POWER = "no_power", "需部门法定职权，镇街无权处置"
        JOINT = "joint", "涉及两个以上部门职责"
        TECHNICAL = "technical", "需专业检测、鉴定或设备"
        EMERGENCY = "emergency", "危及人身财产安全，须即时处置"
        TRIED = "tried", "镇街已处置，仍未解决"

    number = models.CharField("编号", max_length=40, unique=True)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, verbose_name="事件", related_name="whistles")
    by_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="吹哨单位", related_name="+")
    kind = models.CharField("哨种", max_length=12, choices=Kind.choices)
    title = models.CharField("标题", max_length=60)
    facts = models.TextField("情况和请求", max_length=4000)
    why = models.CharField("为何吹哨", max_length=12, choices=Why.choices)
    why_text = models.CharField("补充说明", max_length=400, blank=True)
    departments = models.JSONField(help_text="[lead unit id, helper unit ids…] as submitted")
    area = models.CharField("行动范围", max_length=120, blank=True, help_text="of a joint action")
    assemble_at = models.DateTimeField("集合时间", null=True, blank=True)
    assemble_place = models.CharField("集合地点", max_length=120, blank=True)
    tasks = models.JSONField(default=dict, blank=True, help_text="{unit id: what it is to do}, of a joint action")
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.SUBMITTED)

    submitted_at = models.DateTimeField("提交时间", default=timezone.now)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approve_due = models.DateTimeField("审核期限", null=True, blank=True)
    sent_at = models.DateTimeField("吹哨时间", null=True, blank=True, help_text="the clocks start here")
    approved_at = models.DateTimeField(
        "审核时间", null=True, blank=True, help_text="an emergency is confirmed afterwards"
    )
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    confirm_due = models.DateTimeField("事后确认期限", null=True, blank=True)
    rejected_at = models.DateTimeField(null=True, blank=True)
    rejected_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    rejection = models.CharField("未批准原因", max_length=400, blank=True)
    finish_due = models.DateTimeField("办结期限", null=True, blank=True)
    eval_due = models.DateTimeField("评价期限", null=True, blank=True)
    resume_due = models.DateTimeField("恢复期限", null=True, blank=True, help_text="of a suspended one")
    next_due = models.DateTimeField("当前期限", null=True, blank=True)
    closed_at = models.DateTimeField("办结时间", null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField("撤哨时间", null=True, blank=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawal = models.CharField("撤哨原因", max_length=400, blank=True)
    alarm_at = models.DateTimeField(null=True, blank=True, help_text="when 督办 has to look next")

    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    provisional = ArrayField(models.CharField(max_length=20), default=list, blank=True, help_text="暂定的期限")
    request_id = models.UUIDField(unique=True)
    changed_at = models.DateTimeField(auto_now=True)
    words = PiecesField(["number", "title", "area", "assemble_place"], facts=["facts"])

    objects = WhistleQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "哨单"
        indexes = [
            models.Index(fields=["by_unit", "-id"], name="whistle_by_unit"),
            models.Index(fields=["by_unit", "state", "next_due"], name="whistle_due"),
            models.Index(fields=["by_unit", "-changed_at"], name="whistle_changed"),
            models.Index(fields=["by_unit", "-closed_at"], name="whistle_closed"),
            models.Index(fields=["alarm_at"], condition=Q(alarm_at__isnull=False), name="whistle_alarm"),
            models.Index(
                fields=["by_unit", "confirm_due"],
                condition=Q(approved_at=None, sent_at__isnull=False),
                name="whistle_to_confirm",
            ),
            models.Index(fields=["by_unit", "state"], condition=~Q(provisional=[]), name="whistle_provisional"),
            models.Index(fields=["state", "-id"], condition=Q(state__in=OPEN_STATES), name="whistle_open"),
            models.Index(fields=["next_due", "id"], condition=Q(next_due__isnull=False), name="whistle_open_due"),
            GinIndex(fields=["words"], name="whistle_words"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["event"],
                condition=~Q(state__in=["closed", "rejected", "withdrawn"]),
                name="whistle_one_open_per_event",
            ),
            models.CheckConstraint(
                condition=Q(approved_at=None, approved_by=None)
                | Q(approved_at__isnull=False, approved_by__isnull=False),
                name="whistle_approved_pair",
            ),
            models.CheckConstraint(
                condition=Q(state="rejected", rejected_at__isnull=False, rejected_by__isnull=False)
                | ~Q(state="rejected") & Q(rejected_at=None, rejected_by=None),
                name="whistle_rejected_facts",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False, closed_by__isnull=False)
                | ~Q(state="closed") & Q(closed_at=None, closed_by=None),
                name="whistle_closed_facts",
            ),
            models.CheckConstraint(
                condition=Q(claimed_at=None, claimed_by=None) | Q(claimed_at__isnull=False, claimed_by__isnull=False),
                name="whistle_claimed_pair",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["submitted", "rejected", "withdrawn"], sent_at=None)
                | ~Q(state__in=["submitted", "rejected"])
                & Q(sent_at__isnull=False, finish_due__isnull=False, eval_due__isnull=False),
                name="whistle_sent_has_clocks",
            ),
            models.CheckConstraint(
                condition=Q(state="suspended", resume_due__isnull=False) | ~Q(state="suspended") & Q(resume_due=None),
                name="whistle_suspended_until",
            ),
            models.CheckConstraint(
                condition=Q(state="withdrawn", withdrawn_at__isnull=False, withdrawn_by__isnull=False)
                & ~Q(withdrawal="")
                | ~Q(state="withdrawn") & Q(withdrawn_at=None, withdrawn_by=None, withdrawal=""),
                name="whistle_withdrawn_facts",
            ),
            models.CheckConstraint(
                condition=Q(event__isnull=False, area="", assemble_at=None, assemble_place="")
                | Q(event=None, assemble_at__isnull=False) & ~Q(area="") & ~Q(assemble_place=""),
                name="whistle_event_or_action",
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=False)
                | Q(sent_at=None)
                | Q(kind="emergency", confirm_due__isnull=False),
                name="whistle_only_emergency_unapproved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("enforcement:whistle-detail", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_action(self) -> bool:
        """A joint action, which no event has called for."""
        return self.event_id is None

    @property
    def awaits_confirmation(self) -> bool:
        return self.sent_at is not None and self.approved_at is None and self.state != self.State.WITHDRAWN
