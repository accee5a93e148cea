from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from enforcement.models.dispatch import Dispatch
from enforcement.models.event import Event
from enforcement.models.whistle import Whistle
from enforcement.rules import escalation as rules
from townships.models import Role, Unit


class EscalationQuerySet(models.QuerySet["Escalation"]):
    def visible_to(self, user: Any) -> Self:
        """The late unit and the one that waits for it; guidance office and auditors all."""
        post = user.acting
        if post is None or post.role in (Role.ADMIN, Role.GRID, Role.OFFICER):
            return self.none()
        if post.role in (Role.GUIDANCE, Role.AUDITOR):
            return self
        return self.filter(Q(unit_id=post.unit_id) | Q(by_unit_id=post.unit_id))

    def running(self) -> Self:
        """Those whose clock still runs as it did: the act has not come, and nothing has moved the due time."""
        confirming = Q(clock="confirm_due", whistle__confirm_due=F("due"), whistle__approved_at=None)
        return self.filter(
            Q(dispatch__next_due=F("due")) | Q(whistle__next_due=F("due")) | Q(event__next_due=F("due")) | confirming
        )


class Escalation(models.Model):
    """督办: a reminder at 80 % of a limit, yellow when it is over, red with a slip when it is over by as much again.

    One row a clock, due time and level: a second sweep finds it and does nothing.
    """

    class Level(models.IntegerChoices):
        REMINDER = rules.Level.REMINDER.value, "提醒"
        YELLOW = rules.Level.YELLOW.value, "黄牌"
        RED = rules.Level.RED.value, "红牌"

    event = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, related_name="escalations")
    whistle = models.ForeignKey(Whistle, on_delete=models.PROTECT, null=True, related_name="escalations")
    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, null=True, related_name="escalations")
    clock = models.CharField("环节", max_length=20, help_text="the name of the field that holds the due time")
    since = models.DateTimeField("起算")
    limit = models.CharField("时限", max_length=40, help_text="in words, as on that day")
    due = models.DateTimeField("期限")
    level = models.PositiveSmallIntegerField("级别", choices=Level.choices)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="责任单位", related_name="+")
    by_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="吹哨单位", related_name="+")
    number = models.CharField("督办单号", max_length=40, blank=True, help_text="of a red one")
    at = models.DateTimeField("时间", default=timezone.now)

    objects = EscalationQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "督办"
        indexes = [
            models.Index(fields=["unit", "-id"], name="escalation_unit"),
            models.Index(fields=["by_unit", "-id"], name="escalation_by_unit"),
            models.Index(fields=["level", "-id"], name="escalation_level"),
            models.Index(fields=["unit", "at"], condition=Q(level=3), name="escalation_reds"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(event__isnull=False, whistle=None, dispatch=None)
                | Q(event=None, whistle__isnull=False, dispatch=None)
                | Q(event=None, whistle=None, dispatch__isnull=False),
                name="escalation_of_one",
            ),
            *(
                models.UniqueConstraint(
                    fields=[target, "clock", "due", "level"],
                    condition=Q(**{f"{target}__isnull": False}),
                    name=f"escalation_once_{target}",
                )
                for target in ("event", "whistle", "dispatch")
            ),
            models.CheckConstraint(
                condition=Q(level=3) & ~Q(number="") | ~Q(level=3) & Q(number=""), name="escalation_red_has_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.get_level_display()} {timezone.localtime(self.due):%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        return reverse("enforcement:escalation-detail", args=[self.pk])

    @property
    def late_by(self) -> timedelta:
        """By how much the clock was over when this level was reached."""
        return self.at - self.due

    @property
    def target(self) -> Event | Whistle | Dispatch:
        target = self.dispatch or self.whistle or self.event
        assert target is not None  # noqa: S101 - the constraint escalation_of_one
        return target
