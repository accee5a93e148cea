from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from enforcement.models.event import Event
from enforcement.models.whistle import Whistle


class CheckQuerySet(models.QuerySet["Check"]):
    def visible_to(self, user: Any) -> Self:
        """Who may see the event."""
        return self.filter(Exists(Event.objects.visible_to(user).filter(pk=OuterRef("event_id"))))


class Check(models.Model):
    """核查: after the lead has reported back, the grid member who reported goes and looks. Photos are its attachments."""

    class State(models.TextChoices):
        ASKED = "asked", "待核查"
        PASSED = "passed", "核查通过"
        FAILED = "failed", "核查不通过"
        UNABLE = "unable", "无法核查"
        VOID = "void", "已终止"  # the township decided without waiting

    whistle = models.ForeignKey(Whistle, on_delete=models.PROTECT, verbose_name="哨单", related_name="checks")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, verbose_name="事件", related_name="checks")
    state = models.CharField("结果", max_length=12, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField("发起时间", default=timezone.now)
    asked_of = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    due = models.DateTimeField("核查期限")
    is_provisional = models.BooleanField("暂定", default=False, help_text="the due time, on plain weekdays")
    text = models.CharField("说明", max_length=400, blank=True)
    checked_at = models.DateTimeField("核查时间", null=True, blank=True)
    checked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    objects = CheckQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "核查"
        indexes = [models.Index(fields=["asked_of", "due"], condition=Q(state="asked"), name="check_to_do")]
        constraints = [
            models.UniqueConstraint(fields=["whistle"], condition=Q(state="asked"), name="check_one_open"),
            models.CheckConstraint(
                condition=Q(
                    state__in=["passed", "failed", "unable"], checked_at__isnull=False, checked_by__isnull=False
                )
                | Q(state__in=["asked", "void"], checked_at=None, checked_by=None),
                name="check_facts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.get_state_display()}"

    def get_absolute_url(self) -> str:
        return reverse("enforcement:event-detail", args=[self.event_id])

    @property
    def is_open(self) -> bool:
        return self.state == self.State.ASKED
