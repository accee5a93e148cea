"""One PostgreSQL and one Valkey for the whole run, a database for each xdist worker, no socket beyond this machine."""

import fcntl
import gc
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.template import Template
from django.test import TransactionTestCase

from portal import embedded
from tests.kept import tables_with_rows

pytest_plugins = ["tests.cast"]
SHARED = Path(os.environ["PORTAL_TEST_DIR"])  # set by tests/settings.py
ROOT = Path(__file__).parent.parent
LOCK, MIGRATED = SHARED / "migrate.lock", SHARED / "migrated"


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    socket.socket.connect = connect_here_only  # type: ignore[method-assign]
    if not is_worker(config):
        config.add_cleanup(lambda: shutil.rmtree(SHARED, ignore_errors=True))


@pytest.hookimpl(optionalhook=True)  # of xdist
def pytest_xdist_auto_num_workers() -> int:
    """One for each processor that we may use. xdist itself counts cores, of which a virtual machine says what it likes."""
    return len(os.sched_getaffinity(0))


def pytest_collection_finish() -> None:
    """What has been loaded stays: looking through it again and again is a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Before the xdist workers exist, so that they find the servers running."""
    if is_worker(session.config) or session.config.option.collectonly:
        return
    services = [
        embedded.Postgres(SHARED, SHARED / "postgres.log", durable=False),
        embedded.Valkey(SHARED, SHARED / "valkey.log", durable=False),
    ]
    running = [(service, service.spawn()) for service in services]
    for service, process in running:
        session.config.add_cleanup(process.wait)
        session.config.add_cleanup(lambda stop=service.stop_signal, child=process: child.send_signal(stop))
    for service, process in running:
        service.wait(process)
    services[0].provide()
    session.config.add_cleanup(migrate_template().wait)


def migrate_template() -> subprocess.Popen[bytes]:
    """The portal's own database is migrated while the tests are collected; whoever waits for the lock finds it ready."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        setup = "import django; django.setup(); from django.core.management import call_command as call; "
        work = f"{setup} call('migrate', verbosity=0); from pathlib import Path; Path({str(MIGRATED)!r}).touch()"
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        return subprocess.Popen([sys.executable, "-c", work], env=env, cwd=ROOT, pass_fds=[lock.fileno()])


@pytest.fixture(scope="session")
def django_db_setup(django_db_modify_db_settings: None, django_db_blocker: Any) -> Iterator[None]:
    """In place of pytest-django's, which migrates a database for each worker: a copy of the migrated one."""
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    assert MIGRATED.exists(), "the migrations have failed, see above"
    template, copy = connection.settings_dict["NAME"], connection.creation._get_test_db_name()
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {copy} TEMPLATE {template}")
    connection.close()
    connection.settings_dict["NAME"] = copy
    yield
    connection.close()


plain_connect = socket.socket.connect


def connect_here_only(self: socket.socket, address: Any) -> None:
    """Refuse whatever leaves this machine: a test that needs the network is a test that fails elsewhere."""
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = address[0]
        if host != "localhost" and not ipaddress.ip_address(host.split("%")[0]).is_loopback:
            raise PermissionError(f"a test tried to reach {host}")
    return plain_connect(self, address)


STAYS = {"django_migrations", "django_content_type", "auth_permission"}  # what the migrations have written


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """After a test that commits, only tables with rows in them are emptied; Django empties all and fills some again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty_tables())
        yield


def empty_tables() -> None:
    if full := tables_with_rows() - STAYS:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(sorted(full))} CASCADE")


@pytest.fixture(scope="session", autouse=True)
def _one_context_a_page(django_test_environment: None) -> Iterator[None]:
    """What a page was told is kept for the test, and not once more for each part that it includes."""
    told = Template._render

    def render(self: Template, context: Any) -> Any:
        return told(self, context) if context.template is self else self.nodelist.render(context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", render)
        yield


@pytest.fixture(scope="session")
def web_role_url(django_db_setup: None, django_db_blocker: Any) -> str:
    """The URL of this worker's test database for the web role, which has been granted what it needs and no more."""
    with django_db_blocker.unblock():
        call_command("grant_web_role")
        name = connection.settings_dict["NAME"]
    return embedded.database_url(SHARED, role=embedded.WEB_ROLE, database=name)
