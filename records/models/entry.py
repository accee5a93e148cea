from typing import ClassVar, Self

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone


class Stage(models.TextChoices):
    """The seven stages of GB/T 30428 (信息采集 … 综合评价)."""

    COLLECT = "collect", "信息采集"
    FILE = "file", "案卷建立"
    DISPATCH = "dispatch", "任务派遣"
    HANDLE = "handle", "任务处理"
    FEEDBACK = "feedback", "处理反馈"
    CLOSE = "close", "核查结案"
    EVALUATE = "evaluate", "综合评价"


class EntryQuerySet(models.QuerySet["Entry"]):
    def about(self, *objects: models.Model | None) -> Self:
        """Entries of these objects together, oldest first."""
        wanted = models.Q(pk__in=[])
        for obj in filter(None, objects):
            wanted |= models.Q(target_type=ContentType.objects.get_for_model(obj), target_id=obj.pk)
        return self.filter(wanted).order_by("id")


class Entry(models.Model):
    """One line of the append-only timeline. A trigger refuses UPDATE and DELETE; the web role may only INSERT and SELECT.

    `what` is a sentence made by the software: it names offices, states and due times, never persons or facts.
    """

    append_only: ClassVar[bool] = True

    target_type = models.ForeignKey(ContentType, on_delete=models.PROTECT, related_name="+")
    target_id = models.BigIntegerField()
    target = GenericForeignKey("target_type", "target_id")
    verb = models.CharField("动作", max_length=40)
    what = models.CharField("经过", max_length=200)
    stage = models.CharField("阶段", max_length=10, choices=Stage.choices)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    by_office = models.CharField("经办岗位", max_length=80)
    data = models.JSONField(default=dict)
    at = models.DateTimeField("时间", default=timezone.now)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "流水"
        indexes = [
            models.Index(fields=["target_type", "target_id", "id"], name="entry_target"),
            models.Index(fields=["by", "-at"], name="entry_by"),
            models.Index(fields=["-at", "-id"], name="entry_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.by_office} {self.what}"
