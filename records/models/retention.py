from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone


class RetentionRule(models.Model):
    """How long a kind of data is kept, and why. Never edited: a change is a new row, the newest of a kind holds.

    What the kinds are, and how each is found and cleared, the highest room says: it reads from all.
    """

    kind = models.CharField("数据", max_length=30)
    days = models.PositiveIntegerField("保存天数")
    basis = models.CharField("依据", max_length=200)
    at = models.DateTimeField("设定时间", default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = verbose_name_plural = "保存期限"
        indexes = [models.Index(fields=["kind", "-id"], name="retention_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.days}"

    def get_absolute_url(self) -> str:
        return reverse("command_room:retention")


class ClearedFile(models.Model):
    """The file of this attachment was cleared after its time; the row with its seal stays."""

    attachment = models.OneToOneField("records.Attachment", on_delete=models.PROTECT, related_name="cleared")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.attachment_id} {self.at:%Y-%m-%d}"


class RetentionList(models.Model):
    """What one kind has past its time, as it was found: how much, from when to when. Cleared only when confirmed."""

    class State(models.TextChoices):
        LISTED = "listed", "待确认"
        CONFIRMED = "confirmed", "清理中"
        DONE = "done", "已清理"
        DECLINED = "declined", "不清理"

    NEXT: ClassVar[Mapping[str, frozenset[str]]] = {
        "listed": frozenset({"confirmed", "declined"}),
        "confirmed": frozenset({"done"}),
    }

    rule = models.ForeignKey(RetentionRule, on_delete=models.PROTECT, related_name="+")
    before = models.DateTimeField("早于", help_text="nothing younger is cleared, however late it is confirmed")
    count = models.PositiveIntegerField("条数")
    oldest = models.DateTimeField("最早", null=True)
    newest = models.DateTimeField("最晚", null=True)
    listed_at = models.DateTimeField("列出时间", default=timezone.now)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.LISTED)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    cleared = models.PositiveIntegerField("已清理", default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "到期清单"
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=Q(state__in=["listed", "confirmed"]), name="retention_list_open_once"
            ),
            models.CheckConstraint(
                condition=Q(state="listed", decided_at=None, decided_by=None)
                | ~Q(state="listed") & Q(decided_at__isnull=False, decided_by__isnull=False),
                name="retention_list_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule.kind} {self.before:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return reverse("command_room:retention")

    def may_decide(self, user: Any) -> bool:
        """Four eyes: not who set how long it is kept."""
        return self.state == self.State.LISTED and self.rule.by_id != user.pk
