"""`manage.py run`: the whole portal on this machine, with PostgreSQL and Valkey of its own unless it is given others."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Runs the portal: database, queue, web, workers and schedule, supervised. Ctrl-C stops all."
    requires_system_checks = []

    def handle(self, *_: Any, **__: Any) -> None:
        """Become the launcher, which is Django-free and so has less in memory and less that can fail."""
        os.chdir(settings.BASE_DIR)
        os.environ["VAR_DIR"] = str(settings.VAR_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "portal.launcher"])  # noqa: S606
