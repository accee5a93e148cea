from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from enforcement.models.whistle import Whistle


class SuspensionQuerySet(models.QuerySet["Suspension"]):
    def visible_to(self, user: Any) -> Self:
        """Who may see the whistle."""
        return self.filter(Exists(Whistle.objects.visible_to(user).filter(pk=OuterRef("whistle_id"))))


class Suspension(models.Model):
    """挂账: all clocks of a whistle stand still until a day, for a reason from the closed list; none of them loses a minute.

    Asked for by the lead or the whistling unit's desk, approved by that unit's leader.
    """

    class Reason(models.TextChoices):
        APPROVAL = "approval", "等待上级批复"
        SEASON = "season", "受季节、天气限制"
        LITIGATION = "litigation", "权属争议或诉讼未决"
        WORKS = "works", "待工程施工或资金到位"
        PARTY = "party", "当事人在法定期限内自行改正"

    class State(models.TextChoices):
        ASKED = "asked", "待批准"
        RUNNING = "running", "挂账中"
        REFUSED = "refused", "未批准"
        ENDED = "ended", "已恢复"
        VOID = "void", "已终止"

    OPEN: ClassVar[tuple[str, ...]] = ("asked", "running")
    LONGEST_DAYS: ClassVar[int] = 180

    whistle = models.ForeignKey(Whistle, on_delete=models.PROTECT, verbose_name="哨单", related_name="suspensions")
    reason = models.CharField("理由", max_length=12, choices=Reason.choices)
    text = models.CharField("说明", max_length=400)
    resume_due = models.DateTimeField("恢复期限", help_text="then the clocks go on by themselves")
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField("申请时间", default=timezone.now)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_office = models.CharField(max_length=80)
    decided_at = models.DateTimeField("答复时间", null=True, blank=True, help_text="the clocks stand still from here")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decision = models.CharField("答复意见", max_length=400, blank=True)
    ended_at = models.DateTimeField("恢复时间", null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", help_text="null: by itself"
    )
    request_id = models.UUIDField(unique=True)

    objects = SuspensionQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "挂账"
        indexes = [models.Index(fields=["resume_due"], condition=Q(state="running"), name="suspension_to_end")]
        constraints = [
            models.UniqueConstraint(
                fields=["whistle"], condition=Q(state__in=["asked", "running"]), name="suspension_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "void"], decided_at=None)
                | Q(state__in=["running", "refused", "ended"], decided_at__isnull=False, decided_by__isnull=False),
                name="suspension_decided_facts",
            ),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False) | ~Q(state="ended") & Q(ended_at=None),
                name="suspension_ended_facts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.whistle_id} {self.get_reason_display()}"

    def get_absolute_url(self) -> str:
        return self.whistle.get_absolute_url()

    @property
    def is_asked(self) -> bool:
        """It waits for its answer."""
        return self.state == self.State.ASKED
