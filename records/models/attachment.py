from typing import ClassVar

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.urls import reverse
from django.utils import timezone


class Attachment(models.Model):
    """A file as it was received: the original byte for byte, sealed, and for photos a resized copy without EXIF.

    Who may see it is who may see its target. Rows are append-only.
    """

    append_only: ClassVar[bool] = True

    class Kind(models.TextChoices):
        PHOTO = "photo", "照片"
        DOCUMENT = "document", "文件"

    class Phase(models.TextChoices):
        BEFORE = "before", "处置前"
        AFTER = "after", "处置后"

    target_type = models.ForeignKey(ContentType, on_delete=models.PROTECT, related_name="+")
    target_id = models.BigIntegerField()
    target = GenericForeignKey("target_type", "target_id")
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    phase = models.CharField("阶段", max_length=8, choices=Phase.choices)
    name = models.CharField("文件名", max_length=200)
    mime = models.CharField("类型", max_length=100)
    size = models.PositiveBigIntegerField("字节数")
    sha256 = models.CharField("SHA-256", max_length=64)
    seal = models.CharField("封签", max_length=64, help_text="HMAC-SHA256 of sha256, time and person")
    original = models.CharField(max_length=120, help_text="path under MEDIA_ROOT, named by content")
    preview = models.CharField(max_length=120, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField("时间", default=timezone.now)

    class Meta:
        verbose_name = verbose_name_plural = "附件"
        indexes = [models.Index(fields=["target_type", "target_id", "id"], name="attachment_target")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("records:attachment", args=[self.pk])

    @property
    def preview_url(self) -> str:
        return reverse("records:attachment-preview", args=[self.pk])
