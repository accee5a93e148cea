"""gunicorn's settings, read by `gunicorn -c python:portal.webserver portal.wsgi`."""

import gc
import logging
import os
from pathlib import Path
from typing import Any

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

bind = f"{os.environ.get('BIND', '127.0.0.1')}:{settings.PORT}"
workers = int(os.environ.get("WEB_WORKERS", "3"))
worker_class = "sync"  # threads halved the rate: templates hold the interpreter's lock
preload_app = True  # imported once, shared by the workers
control_socket_disable = True
timeout = 120  # a phone on a weak network takes its time to send nine photos
graceful_timeout = 5
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # the heartbeat must not wait for a disk
logconfig_dict = settings.LOGGING  # django-structlog writes the access log, one JSON object a request

logging.captureWarnings(True)


def count_together() -> None:
    """The workers add their figures up in files of this server's own, which begin at nought with it."""
    folder = settings.VAR_DIR / "metrics" / settings.PORT
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in folder.glob("*.db"):
        earlier.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # read by prometheus_client when the application imports it


count_together()


def post_fork(_server: Any, _worker: Any) -> None:
    """Look for cycles among what requests left behind, seldom, and not among the program: a fifth of a page's time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
