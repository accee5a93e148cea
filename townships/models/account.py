from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from townships.models.person import User


class AccountBatch(models.Model):
    """批量开户: one file of people and posts that was applied, and whose one-time passwords are still to be handed out.

    The passwords themselves are made when the list is fetched, and are kept nowhere but as hashes.
    """

    FILE: ClassVar[int] = 100

    at = models.DateTimeField("时间", default=timezone.now)
    by = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name="经办", related_name="+")
    file_name = models.CharField("文件", max_length=FILE)
    counts = models.JSONField("结果", default=dict, help_text="{new, changed, unchanged, posts, left_out}")
    waiting = ArrayField(
        models.BigIntegerField(), default=list, verbose_name="待发密码", help_text="user ids, until they are handed out"
    )
    handed_out = models.PositiveIntegerField("已发密码", default=0)
    handed_out_at = models.DateTimeField("发放时间", null=True, blank=True)
    handed_out_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, verbose_name="发放", related_name="+"
    )
    request_id = models.UUIDField(unique=True)

    class Meta:
        verbose_name = verbose_name_plural = "批量开户"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(handed_out_at=None, handed_out_by=None)
                | Q(handed_out_at__isnull=False, handed_out_by__isnull=False, waiting=[]),
                name="account_batch_handed_out",
            )
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%Y-%m-%d %H:%M} {self.file_name}"

    def get_absolute_url(self) -> str:
        return reverse("admin:account-batch", args=[self.pk])
