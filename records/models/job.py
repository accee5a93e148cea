from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: Any) -> Self:
        """A person's own, whatever post they act in."""
        return self.filter(by=user)


class Job(models.Model):
    """What takes longer than a page may: an export, an import, a nightly screening. The row, not the broker, is the truth.

    What is done for a kind, `settings.JOB_KINDS` names; it is done with the sight of the post in which it was asked for,
    if the person still holds that post when it runs.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "排队中"
        RUNNING = "running", "进行中"
        DONE = "done", "已完成"
        FAILED = "failed", "没有完成"
        CANCELLED = "cancelled", "已取消"
        EXPIRED = "expired", "文件已删除"

    NEXT: ClassVar[Mapping[str, frozenset[str]]] = {
        "waiting": frozenset({"running", "failed", "cancelled"}),
        "running": frozenset({"waiting", "done", "failed", "cancelled"}),  # waiting again: its worker has died
        "done": frozenset({"expired"}),
    }
    OPEN: ClassVar[tuple[str, ...]] = ("waiting", "running")

    kind = models.CharField("种类", max_length=40)
    title = models.CharField("任务", max_length=60)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, verbose_name="谁要的", related_name="+")
    post_id = models.BigIntegerField(help_text="the post acted in when it was asked for")
    office = models.CharField("岗位", max_length=80)
    about = models.CharField("范围", max_length=400, blank=True, help_text="what it works on, in words")
    arguments = models.JSONField(default=dict)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    done = models.PositiveIntegerField("已办", default=0)
    total = models.PositiveIntegerField("总数", null=True, blank=True)
    message = models.CharField("结果", max_length=400, blank=True)
    files = models.JSONField(default=list, blank=True, help_text="[{name, path under MEDIA_ROOT, size, rows}]")
    asked_at = models.DateTimeField("提出时间", default=timezone.now)
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True, help_text="the last sign of life of its worker")
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)
    expires_at = models.DateTimeField("文件保留到", null=True, blank=True)
    request_id = models.UUIDField(unique=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "后台任务"
        indexes = [
            models.Index(fields=["by", "-id"], name="job_by"),
            models.Index(fields=["state", "id"], condition=Q(state__in=["waiting", "running"]), name="job_open"),
            models.Index(fields=["expires_at"], condition=Q(state="done"), name="job_expires"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", started_at__isnull=False, beat_at__isnull=False) | ~Q(state="running"),
                name="job_running_facts",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running"], finished_at=None)
                | Q(state__in=["done", "failed", "cancelled", "expired"], finished_at__isnull=False),
                name="job_finished_facts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("records:job-detail", args=[self.pk])

    @property
    def number(self) -> str:
        return f"任务 {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
