from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

OVERDUE = timedelta(minutes=10)  # open for longer: an admin should look


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: Any) -> Self:
        """A person's own, whatever post they act in."""
        return self.filter(recipient=user)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class Message(models.Model):
    """What a person is told: at once the line in the inbox, and the source of every delivery that leaves the portal."""

    key = models.CharField(max_length=160, unique=True, help_text="a second notify() with the same key is harmless")
    kind = models.CharField("种类", max_length=40)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    data = models.JSONField(help_text="the frozen dataclass of this kind: number, matter, unit, due, link; no facts")
    link = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "消息"
        indexes = [
            models.Index(fields=["recipient", "-id"], name="message_inbox"),
            models.Index(fields=["recipient"], condition=Q(read_at=None), name="message_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime, stuck_before: datetime) -> Self:
        """Pending, held or up for another try until now, or claimed by somebody who died before sending."""
        return self.filter(
            Q(state="pending")
            | Q(state__in=["retry", "held"], next_at__lte=now)
            | Q(state="sending", claimed_at__lte=stuck_before)
        )

    def stuck(self, now: datetime) -> Self:
        """Open for longer than any retry but the last ones explains."""
        return self.filter(state__in=Delivery.OPEN, created_at__lte=now - OVERDUE)


class Delivery(models.Model):
    """One message on one channel. The table, not the broker, is the truth about it."""

    class Channel(models.TextChoices):
        MAIL = "mail", "邮件"
        ROBOT = "robot", "群机器人"
        SMS = "sms", "短信"

    class State(models.TextChoices):
        HELD = "held", "到时再发"
        PENDING = "pending", "待发送"
        SENDING = "sending", "发送中"
        RETRY = "retry", "待重试"
        SENT = "sent", "已发送"
        PASSED_ON = "passed_on", "改走下一渠道"
        FAILED = "failed", "发送失败"

    OPEN: ClassVar[tuple[str, ...]] = ("pending", "sending", "retry")  # what is held waits for its hour, not for us

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField("渠道", max_length=10, choices=Channel.choices)
    address = models.CharField("地址", max_length=200, help_text="a mail address, a phone number, a group's code")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    next_at = models.DateTimeField("下次", null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField("发出时间", null=True, blank=True)
    error = models.CharField("错误", max_length=300, blank=True)
    batch = models.BigIntegerField("同一条发出", null=True, blank=True, help_text="the first of those that went as one")
    created_at = models.DateTimeField(default=timezone.now, help_text="of one that was held: when its hour had come")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "发送记录"
        constraints = [
            models.UniqueConstraint(fields=["message", "channel"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | ~Q(state="sent"), name="delivery_sent_at"
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(state__in=["pending", "sending", "retry"]), name="delivery_open"
            ),
            models.Index(fields=["-id"], condition=Q(state="failed"), name="delivery_failed"),
            models.Index(fields=["next_at"], condition=Q(state="held"), name="delivery_held"),
            models.Index(  # one entry a message that went out, however many rows it stands for
                fields=["channel", "address", "sent_at"],
                condition=Q(state="sent", batch=F("id")),
                name="delivery_recent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state}"


class Sweep(models.Model):
    """The last run of the sweep; one row, so that the health page can tell its age."""

    ran_at = models.DateTimeField()
    poked = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.ran_at} {self.poked}"
