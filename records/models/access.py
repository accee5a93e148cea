from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class Access(models.Model):
    """Somebody came in, or has read or taken away what is worth knowing afterwards: an export, a caller's data. Append-only.

    The timeline tells what became of a matter; this tells who looked. What was read is never in it.
    """

    append_only: ClassVar[bool] = True

    at = models.DateTimeField("时间", default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        verbose_name="人员",
        related_name="+",
        help_text="nobody: a log-in that failed",
    )
    office = models.CharField("岗位", max_length=80)
    what = models.CharField(
        "动作", max_length=40, help_text="in snake case and the past tense, as a verb of the timeline"
    )
    object_type = models.CharField("对象", max_length=60, blank=True, help_text="room.model in lower case")
    object_id = models.BigIntegerField(null=True, blank=True)
    count = models.PositiveIntegerField("条数", null=True, blank=True)
    address = models.CharField("地址", max_length=60, blank=True)
    detail = models.JSONField("详情", default=dict, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "查阅记录"
        indexes = [
            models.Index(fields=["by", "-at"], name="access_by"),
            models.Index(fields=["-at"], name="access_at"),
            models.Index(fields=["what", "-at"], name="access_what"),
            models.Index(fields=["object_type", "object_id", "-at"], name="access_object"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.office} {self.what}"
