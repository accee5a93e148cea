from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from enforcement.models.dispatch import Dispatch, ThroughDispatchQuerySet
from townships.models import Unit


class Return(models.Model):
    """退哨: a department says, before its time to sign is over and once a whistle, that the dispatch is not its own.

    《浙江省综合行政执法条例》 art 17: where it is in dispute whose duty a matter is, the guidance office co-ordinates.
    """

    class Ground(models.TextChoices):
        NOT_OURS = "not_ours", "不属本部门法定职责"
        WRONG_LEAD = "wrong_lead", "主办部门应为其他部门"
        DUPLICATE = "duplicate", "同一事项重复派单"
        UNCLEAR = "unclear", "事实不清，无法办理"
        ONGOING = "ongoing", "本部门已在办理"

    NEEDS_ARTICLE: ClassVar[tuple[str, ...]] = ("not_ours", "wrong_lead")

    class State(models.TextChoices):
        LEADER = "leader", "待部门领导同意"
        ARBITRATION = "arbitration", "待仲裁"
        DECLINED = "declined", "部门领导未同意"
        REASSIGNED = "reassigned", "已改派"
        RELEASED = "released", "准予退出"
        UPHELD = "upheld", "维持原派"
        VOID = "void", "已终止"  # the whistle was withdrawn or closed meanwhile

    OPEN: ClassVar[tuple[str, ...]] = ("leader", "arbitration")

    dispatch = models.OneToOneField(Dispatch, on_delete=models.PROTECT, verbose_name="派单", related_name="returning")
    ground = models.CharField("理由", max_length=12, choices=Ground.choices)
    article = models.CharField("依据条款", max_length=120, blank=True)
    text = models.CharField("说明", max_length=400)
    state = models.CharField("状态", max_length=12, choices=State.choices)
    asked_at = models.DateTimeField("申请时间", default=timezone.now)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    leader_at = models.DateTimeField("部门领导答复时间", null=True, blank=True)
    leader_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    leader_text = models.CharField("部门领导意见", max_length=400, blank=True)
    arb_at = models.DateTimeField("送仲裁时间", null=True, blank=True)
    arb_due = models.DateTimeField("仲裁期限", null=True, blank=True)
    decided_at = models.DateTimeField("裁定时间", null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decision = models.CharField("裁定意见", max_length=400, blank=True)
    to_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, verbose_name="改派给", related_name="+")
    provisional = ArrayField(models.CharField(max_length=20), default=list, blank=True, help_text="暂定的期限")
    request_id = models.UUIDField(unique=True)

    objects = ThroughDispatchQuerySet["Return"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "退哨"
        indexes = [
            models.Index(fields=["arb_due"], condition=Q(state="arbitration"), name="return_to_decide"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(ground__in=["not_ours", "wrong_lead"]) | ~Q(article=""), name="return_names_article"
            ),
            models.CheckConstraint(
                condition=~Q(state="arbitration") | Q(arb_at__isnull=False, arb_due__isnull=False),
                name="return_arbitration_has_clock",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["reassigned", "released", "upheld"])
                & Q(decided_at__isnull=False, decided_by__isnull=False)
                & ~Q(decision="")
                | ~Q(state__in=["reassigned", "released", "upheld"]) & Q(decided_at=None, decided_by=None, decision=""),
                name="return_decided_facts",
            ),
            models.CheckConstraint(
                condition=Q(state="reassigned", to_unit__isnull=False) | ~Q(state="reassigned") & Q(to_unit=None),
                name="return_reassigned_to",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id} {self.get_ground_display()}"

    def get_absolute_url(self) -> str:
        return self.dispatch.get_absolute_url()

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        return f"改派{self.to_unit}" if self.to_unit else self.get_state_display()
