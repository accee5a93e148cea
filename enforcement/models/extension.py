from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from enforcement.models.category import StepUnit
from enforcement.models.dispatch import Dispatch, ThroughDispatchQuerySet


class Extension(models.Model):
    """延期: more time to finish, asked for before the time is over; by half the kind's finish limit.

    Once for every kind, granted by the command room; a 攻坚哨 a second time, granted by the guidance office (domain D1).
    """

    class State(models.TextChoices):
        ASKED = "asked", "待答复"
        GRANTED = "granted", "同意延期"
        REFUSED = "refused", "不同意延期"
        VOID = "void", "已终止"

    FIRST: ClassVar[int] = 1
    SECOND: ClassVar[int] = 2

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, verbose_name="派单", related_name="extensions")
    turn = models.PositiveSmallIntegerField("第几次")
    reason = models.CharField("理由", max_length=400)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.ASKED)
    unit = models.CharField("延长单位", max_length=20, choices=StepUnit.choices)
    amount = models.PositiveIntegerField("延长")
    asked_at = models.DateTimeField("申请时间", default=timezone.now)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("答复时间", null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decision = models.CharField("答复意见", max_length=400, blank=True)
    request_id = models.UUIDField(unique=True)

    objects = ThroughDispatchQuerySet["Extension"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "延期"
        indexes = [models.Index(fields=["turn", "asked_at"], condition=Q(state="asked"), name="extension_to_decide")]
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "turn"], name="extension_once_a_turn"),
            models.CheckConstraint(condition=Q(turn__range=(1, 2)) & Q(amount__gte=1), name="extension_turn"),
            models.CheckConstraint(
                condition=Q(state__in=["granted", "refused"], decided_at__isnull=False, decided_by__isnull=False)
                | Q(state__in=["asked", "void"], decided_at=None, decided_by=None),
                name="extension_decided_facts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id} 第{self.turn}次延期"

    def get_absolute_url(self) -> str:
        return self.dispatch.get_absolute_url()

    @property
    def is_asked(self) -> bool:
        """It waits for its answer."""
        return self.state == self.State.ASKED
