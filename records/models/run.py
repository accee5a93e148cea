from django.db import models
from django.utils import timezone


class TaskRunQuerySet(models.QuerySet["TaskRun"]):
    def note(self, task: str, *, succeeded: bool, seconds: float) -> None:
        """Write down that this task has just ended."""
        now = timezone.now()
        found = {"ended_at": now, "seconds": round(seconds, 3)} | ({"succeeded_at": now} if succeeded else {})
        self.update_or_create(task=task, defaults=found)


class TaskRun(models.Model):
    """How a scheduled task last went: one row a task, so that an alarm can tell the age of its last success."""

    task = models.CharField("任务", max_length=80, unique=True)
    ended_at = models.DateTimeField("上次结束")
    succeeded_at = models.DateTimeField("上次成功", null=True)
    seconds = models.FloatField("用时（秒）")

    objects = TaskRunQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "定时任务"

    def __str__(self) -> str:
        return f"{self.task} {self.ended_at:%Y-%m-%d %H:%M}"

    @property
    def is_good(self) -> bool:
        return self.succeeded_at == self.ended_at
