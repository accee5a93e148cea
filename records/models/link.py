from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone


class PublicLinkQuerySet(models.QuerySet["PublicLink"]):
    def valid(self, now: datetime) -> Self:
        return self.filter(revoked_at=None, expires_at__gt=now)


class PublicLink(models.Model):
    """A way in without an account: it shows one thing, for one purpose, until a day or until somebody takes it back.

    The token is in the address alone; here is its hash. What a purpose shows, its own room says.
    """

    class Purpose(models.TextChoices):
        WALL = "wall", "大屏"
        CITY_WALL = "city_wall", "全市大屏"

    purpose = models.CharField("用途", max_length=20, choices=Purpose.choices)
    target_type = models.ForeignKey(ContentType, on_delete=models.PROTECT, related_name="+")
    target_id = models.BigIntegerField()
    target = GenericForeignKey("target_type", "target_id")
    label = models.CharField("放在哪里", max_length=40)
    token_hash = models.CharField(max_length=64, unique=True, help_text="HMAC-SHA256 of the token")
    made_at = models.DateTimeField("生成时间", default=timezone.now)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField("有效期至")
    used_at = models.DateTimeField("最近使用", null=True, blank=True, help_text="to the minute")
    revoked_at = models.DateTimeField("作废时间", null=True, blank=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    request_id = models.UUIDField(unique=True)

    objects = PublicLinkQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "公开链接"
        indexes = [models.Index(fields=["purpose", "target_type", "target_id", "-id"], name="public_link_target")]
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="public_link_revoked_pair",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.label}"

    def get_absolute_url(self) -> str:
        return reverse("command_room:wall-links")
