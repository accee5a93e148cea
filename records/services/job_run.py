"""When each periodic job ran last and what became of it. The schedule is code, the runs are rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery.schedules import maybe_schedule
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from records.models import JobRun

GRACE = timedelta(minutes=4)  # a job that comes each minute is late after five, as the health page has it


@dataclass(frozen=True)
class Job:
    """One line of the schedule with its row; `run` is None where beat has never heard of it."""

    task: str
    run: JobRun | None
    is_late: bool

    @property
    def is_well(self) -> bool:
        return self.run is not None and not self.is_late and not self.run.error

    @property
    def is_awaited(self) -> bool:
        """In the schedule, and its first time has not come."""
        return self.is_well and self.run is not None and self.run.started_at is None


def scheduled() -> dict[str, Any]:
    """Task → when it is due, as beat has it."""
    entries: dict[str, dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE
    return {entry["task"]: entry["schedule"] for entry in entries.values()}


def expect() -> None:
    """Beat has started: whatever it will call and has never called is awaited from now on."""
    known = set(JobRun.objects.values_list("task", flat=True))
    fresh = [JobRun(task=task) for task in scheduled() if task not in known]
    JobRun.objects.bulk_create(fresh, ignore_conflicts=True)


def note(task: str, *, started_at: datetime, took: timedelta, error: str = "") -> None:
    """Write over the row of this job; nothing for a task that is not in the schedule."""
    if task not in scheduled():
        return
    said = {"started_at": started_at, "took_ms": took // timedelta(milliseconds=1), "error": error[:200]}
    if not error:
        said |= {"succeeded_at": started_at + took, "failures": 0}
    run, is_new = JobRun.objects.get_or_create(task=task, defaults={**said, "failures": int(bool(error))})
    if not is_new:
        more = {"failures": F("failures") + 1} if error else {}
        JobRun.objects.filter(pk=run.pk).update(**said, **more)


def jobs(now: datetime) -> list[Job]:
    """All of the schedule, those that need somebody first. One query."""
    runs = {run.task: run for run in JobRun.objects.all()}
    found = [Job(task, runs.get(task), _is_late(runs.get(task), due, now)) for task, due in scheduled().items()]
    return sorted(found, key=lambda job: (job.is_well, job.task))


def _is_late(run: JobRun | None, due: Any, now: datetime) -> bool:
    """Whether the next run should have been long ago."""
    if run is None:
        return True
    since = run.started_at or run.known_at
    if isinstance(due, int | float):
        return since + timedelta(seconds=due) + GRACE < now
    plan: Any = maybe_schedule(due)
    left: timedelta = plan.remaining_estimate(timezone.localtime(since))
    return left < -GRACE
