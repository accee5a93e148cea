"""The Celery application: two queues, JSON logs, and the request id that a task inherits from the page that queued it."""

import logging
import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging, task_prerun
from django.conf import settings
from django.db import close_old_connections
from django_structlog.celery.steps import DjangoStructLogInitStep

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
def check_connections(**_: Any) -> None:
    """What Django does before a request: a connection that is kept (CELERY_DB_REUSE_MAX) may have died meanwhile."""
    close_old_connections()
