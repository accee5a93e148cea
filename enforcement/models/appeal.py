from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from enforcement.models.dispatch import Dispatch, ThroughDispatchQuerySet


class Appeal(models.Model):
    """A department does not accept a low rating; the guidance office upholds it or strikes it out of the figures."""

    class State(models.TextChoices):
        ASKED = "asked", "待裁定"
        UPHELD = "upheld", "维持评价"
        STRUCK = "struck", "评价不计"

    MOST_STARS: ClassVar[int] = 2  # a better rating is not appealed

    dispatch = models.OneToOneField(Dispatch, on_delete=models.PROTECT, verbose_name="派单", related_name="appeal")
    text = models.CharField("理由", max_length=400)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField("申诉时间", default=timezone.now)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("裁定时间", null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decision = models.CharField("裁定意见", max_length=400, blank=True)
    request_id = models.UUIDField(unique=True)

    objects = ThroughDispatchQuerySet["Appeal"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "评价申诉"
        indexes = [models.Index(fields=["asked_at"], condition=Q(state="asked"), name="appeal_to_decide")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="asked", decided_at=None, decided_by=None)
                | ~Q(state="asked") & Q(decided_at__isnull=False, decided_by__isnull=False) & ~Q(decision=""),
                name="appeal_decided_facts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id} {self.get_state_display()}"

    def get_absolute_url(self) -> str:
        return self.dispatch.get_absolute_url()

    @property
    def is_struck(self) -> bool:
        return self.state == self.State.STRUCK
