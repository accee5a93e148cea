from datetime import time

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from notifications.models.message import Delivery
from notifications.rules.hold import Hours

LAST_HOUR = 23


class MessagePreference(models.Model):
    """By which channels a person is told, and when not. Without a row, the house's defaults hold (settings.CHANNELS)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="message_preference",
        verbose_name="人员",
    )
    channels = ArrayField(
        models.CharField(max_length=10, choices=Delivery.Channel.choices),
        verbose_name="渠道",
        help_text="依次尝试，用逗号隔开：mail 邮件、robot 群机器人、sms 短信",
    )
    quiet_from = models.TimeField("免打扰开始", null=True, blank=True)
    quiet_to = models.TimeField("免打扰结束", null=True, blank=True)
    digest_hour = models.PositiveSmallIntegerField("每日汇总", null=True, blank=True, help_text="几点发；不填不汇总")

    class Meta:
        verbose_name = verbose_name_plural = "消息设置"
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_to=None)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False) & ~Q(quiet_from=F("quiet_to")),
                name="preference_quiet_hours",
                violation_error_message="免打扰的开始和结束须都填，且不能相同；或者都不填。",
            ),
            models.CheckConstraint(
                condition=Q(digest_hour=None) | Q(digest_hour__lte=LAST_HOUR),
                name="preference_digest_hour",
                violation_error_message="每日汇总的时间是 0 到 23 点。",
            ),
            models.CheckConstraint(
                condition=Q(channels__len__gte=1),
                name="preference_some_channel",
                violation_error_message="至少留一个渠道。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}的消息设置"

    @property
    def quiet(self) -> Hours | None:
        return hours(self.quiet_from, self.quiet_to)


def hours(start: time | None, end: time | None) -> Hours | None:
    return Hours(start, end) if start is not None and end is not None else None
