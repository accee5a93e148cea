"""What happens around every task of a worker: the last run of each periodic job is written down."""

import logging
import time
from datetime import timedelta
from typing import Any

from celery.signals import beat_init, task_postrun, task_prerun
from django.db import Error
from django.utils import timezone

from records.services import job_run

log = logging.getLogger(__name__)


@beat_init.connect
def expect_jobs(**_: Any) -> None:
    """What beat will call is awaited from its start, so that a job which never comes is seen too."""
    try:
        job_run.expect()
    except Error:
        log.warning("the schedule was not written down", exc_info=True)


@task_prerun.connect
def begin(task: Any = None, **_: Any) -> None:
    task.request.begun = time.monotonic()


@task_postrun.connect
def note_run(task: Any = None, state: str = "", retval: Any = None, **_: Any) -> None:
    """For the administrators' front page. A note that is lost is no reason for the task to fail."""
    took = timedelta(seconds=time.monotonic() - getattr(task.request, "begun", time.monotonic()))
    error = "" if state == "SUCCESS" else type(retval).__name__
    try:
        job_run.note(task.name, started_at=timezone.now() - took, took=took, error=error)
    except Error:
        log.warning("the run of %s was not noted", task.name, exc_info=True)
