from django.db import models
from django.utils import timezone


class JobRun(models.Model):
    """The last run of each periodic job: one row a job, written over, so that a person sees what has stopped."""

    task = models.CharField("任务", max_length=80, unique=True)
    known_at = models.DateTimeField(
        "列入计划", default=timezone.now, help_text="until its first run it is late from here"
    )
    started_at = models.DateTimeField("开始", null=True, blank=True)
    took_ms = models.PositiveIntegerField("用时（毫秒）", default=0)
    error = models.CharField("错误", max_length=200, blank=True, help_text="the kind of fault; empty if it went well")
    succeeded_at = models.DateTimeField("上次成功", null=True, blank=True)
    failures = models.PositiveIntegerField("连续失败", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "定时任务"
        ordering = ["task"]

    def __str__(self) -> str:
        return self.task
