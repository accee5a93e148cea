from typing import ClassVar

from django.db import models
from django.utils import timezone

from records.models.attachment import Attachment


class Reseal(models.Model):
    """A further seal of a file, by a later key: made only where the file was intact under an earlier one.

    The attachment's own row is append-only and keeps its first seal. Rows are append-only too.
    """

    append_only: ClassVar[bool] = True

    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, related_name="reseals")
    key_id = models.CharField("钥匙编号", max_length=16, help_text="tells keys apart and tells nothing about them")
    seal = models.CharField("封签", max_length=64)
    at = models.DateTimeField("时间", default=timezone.now)

    class Meta:
        verbose_name = verbose_name_plural = "换签"
        constraints = [models.UniqueConstraint(fields=["attachment", "key_id"], name="reseal_once")]

    def __str__(self) -> str:
        return f"{self.attachment_id} {self.key_id}"
