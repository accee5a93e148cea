from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from enforcement.models.event import Event
from townships.models import Role, Unit


class HandoverQuerySet(models.QuerySet["Handover"]):
    def visible_to(self, user: Any) -> Self:
        """Both townships, their grid members excepted; guidance office and auditors all."""
        post = user.acting
        if post is None or post.role in (Role.ADMIN, Role.GRID):
            return self.none()
        if post.role in (Role.GUIDANCE, Role.AUDITOR):
            return self
        return self.filter(Q(from_township_id=post.unit_id) | Q(to_township_id=post.unit_id))


class Handover(models.Model):
    """An event of a neighbouring township is offered to it; it stays with the giver until it is accepted there."""

    class State(models.TextChoices):
        ASKED = "asked", "待接收"
        ACCEPTED = "accepted", "已接收"
        REFUSED = "refused", "不接收"
        VOID = "void", "已收回"  # taken back, or the event took another way meanwhile

    event = models.ForeignKey(Event, on_delete=models.PROTECT, verbose_name="事件", related_name="handovers")
    from_township = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="移交", related_name="+")
    to_township = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="接收", related_name="+")
    reason = models.CharField("理由", max_length=400)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.ASKED)
    due = models.DateTimeField("接收期限")
    is_provisional = models.BooleanField("暂定", default=False, help_text="the due time, on plain weekdays")
    asked_at = models.DateTimeField("移交时间", default=timezone.now)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("答复时间", null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decision = models.CharField("答复意见", max_length=400, blank=True)
    request_id = models.UUIDField(unique=True)

    objects = HandoverQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "移交"
        indexes = [
            models.Index(fields=["to_township", "due"], condition=Q(state="asked"), name="handover_to_accept"),
            models.Index(fields=["from_township", "due"], condition=Q(state="asked"), name="handover_given"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["event"], condition=Q(state="asked"), name="handover_one_open"),
            models.CheckConstraint(condition=~Q(from_township=models.F("to_township")), name="handover_to_another"),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "void"], decided_at=None, decided_by=None)
                | Q(state__in=["accepted", "refused"], decided_at__isnull=False, decided_by__isnull=False),
                name="handover_decided_facts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.to_township}"

    def get_absolute_url(self) -> str:
        """A page of its own: the giver reads it too when the event is no longer theirs."""
        return reverse("enforcement:handover-detail", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state == self.State.ASKED
