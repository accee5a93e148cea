"""gunicorn's settings, read by `gunicorn -c python:portal.webserver portal.wsgi`."""

import importlib
import logging
import os
from pathlib import Path

import django
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


def pass_gate() -> None:
    """Wait until the supervisor has prepared database and static files: it closes the other end of the pipe."""
    gate = os.environ.pop("START_GATE", "")
    if gate:
        os.read(int(gate), 1)
        os.close(int(gate))


# All that takes long is imported before the gate; the application, which looks at the static files, is made behind it.
django.setup()
logging.captureWarnings(True)
importlib.import_module(settings.ROOT_URLCONF)
pass_gate()
