from datetime import datetime
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import JSONObject
from django.utils import timezone

from notifications.models.message import Delivery

MOST_AT_ONCE = 50


class ChannelRuleQuerySet(models.QuerySet["ChannelRule"]):
    def on(self, now: datetime) -> Self:
        """The one that holds now, first."""
        return self.filter(valid_from__lte=now).order_by("-valid_from")

    def as_json(self, now: datetime) -> Any:
        """The same as one value, for the SELECT of another query."""
        names = ("channels", "quiet_from", "quiet_to", "burst_after")
        return self.on(now).values(json=JSONObject(**{name: name for name in names}))[:1]


class ChannelRule(models.Model):
    """By which channels the house tells people, and when not, from a moment on until the next row. Never edited.

    What a channel needs to reach anybody (addresses, secrets) is in the environment; a row can only leave it out.
    """

    valid_from = models.DateTimeField("起用时间", unique=True, default=timezone.now)
    channels = ArrayField(
        models.CharField(max_length=10, choices=Delivery.Channel.choices),
        verbose_name="渠道，依次",
        blank=True,
        default=list,
    )
    quiet_from = models.TimeField("免打扰开始", null=True, blank=True)
    quiet_to = models.TimeField("免打扰结束", null=True, blank=True)
    burst_after = models.PositiveSmallIntegerField(
        "连发合并", default=3, help_text="两分钟内同一收件处超过几条就合成一条；0 为不合并"
    )
    reason = models.CharField("理由", max_length=200)

    objects = ChannelRuleQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "消息渠道"
        ordering = ["-valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_to=None)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False) & ~Q(quiet_from=F("quiet_to")),
                name="channel_rule_quiet_hours",
                violation_error_message="免打扰的开始和结束须都填，且不能相同；或者都不填。",
            ),
            models.CheckConstraint(
                condition=Q(burst_after__lte=MOST_AT_ONCE),
                name="channel_rule_burst",
                violation_error_message=f"连发合并最多填 {MOST_AT_ONCE}。",
            ),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.valid_from):%Y-%m-%d %H:%M} 起"
