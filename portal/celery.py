"""The Celery application: two queues, JSON logs, and the request id that a task inherits from the page that queued it."""

import logging
import os
import time
from logging.config import dictConfig
from typing import Any

from celery import Celery, states
from celery.signals import celeryd_init, setup_logging, task_postrun, task_prerun
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django_structlog.celery.steps import DjangoStructLogInitStep

log = logging.getLogger(__name__)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


@celeryd_init.connect
@setup_logging.connect
def configure_logging(**_: Any) -> None:
    """Django's LOGGING instead of Celery's own: one JSON object a line, warnings too."""
    dictConfig(settings.LOGGING)
    logging.captureWarnings(True)


@task_prerun.connect
def check_connections(task: Any, **_: Any) -> None:
    """What Django does before a request: a connection that is kept (CELERY_DB_REUSE_MAX) may have died meanwhile."""
    close_old_connections()
    task.request.began = time.monotonic()


@task_postrun.connect
def note_run(task: Any, state: str | None, **_: Any) -> None:
    """How a scheduled task went, for /metrics and whoever watches; that it cannot be written down ends nothing."""
    if task.name not in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}:
        return
    took = time.monotonic() - getattr(task.request, "began", time.monotonic())
    try:
        apps.get_model("records", "TaskRun").objects.note(task.name, succeeded=state == states.SUCCESS, seconds=took)
    except DatabaseError:
        log.exception("the run of a task was not written down")
