"""`manage.py prepare`: what must be true before the first page. Run it as the owner of the tables, as often as you like."""

import hashlib
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from command_room.demo.load import is_loaded
from command_room.services import retention


class Command(BaseCommand):
    help = (
        "Migrates, grants the web role its rights, loads reference data and static files, and demo data where it may."
    )
    requires_system_checks = []

    def handle(self, *_: Any, **__: Any) -> None:
        migrate()
        if settings.WEB_DB_ROLE:
            call_command("grant_web_role")
        call_command("load_reference", stdout=sys.stderr)
        retention.load_rules()
        if not settings.STATIC_IS_GIVEN:
            collect_static()
        if settings.DEMO_DATA:
            load_demo_once()


def say(text: str) -> None:
    """A line for the person who waits; all else goes to stderr, which is a log."""
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


def migrate() -> None:
    """Migrate when there is something to migrate; asking costs a tenth of what an idle `migrate` does."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("更新数据库结构 · migrating the database")
        call_command("migrate", interactive=False, stdout=sys.stderr)


def load_demo_once() -> None:
    """Fill the database that `make run` made, the first time only. A load that was killed left nothing: it is repeated."""
    if not is_loaded():
        say("载入演示数据，约半分钟 · loading demo data, about half a minute")
        call_command("load_demo", stdout=sys.stderr)


def collect_static() -> None:
    """Hash and compress the static files, unless none has changed since the last time."""
    mark = Path(settings.STATIC_ROOT).with_suffix(".fingerprint")
    fingerprint = static_fingerprint()
    if mark.exists() and mark.read_text() == fingerprint and Path(settings.STATIC_ROOT, "staticfiles.json").exists():
        return
    say("整理静态文件 · collecting static files")
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, stdout=sys.stderr)
    mark.write_text(fingerprint)


def static_fingerprint() -> str:
    """A digest of every static file's name, size and time."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            facts = Path(storage.path(name)).stat()
            digest.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
