"""`make run` as a person meets it: the whole process tree, in a directory of its own."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from celery import Celery

from portal import embedded
from portal.settings import BASE_DIR
from tests.portal.test_embedded import is_alive
from tests.portal.test_supervisor import wait_until
from tests.settings import SHARED

PARTS = {"web", "messages", "jobs", "beat", "postgres", "valkey"}
SERVERS = {"postgres", "valkey"}
SIGNS = {  # by what each is told in /proc/<pid>/cmdline
    "gunicorn": "web",
    "messages@": "messages",
    "jobs@": "jobs",
    "beat": "beat",
    "bin/postgres": "postgres",
    "valkey-server": "valkey",
}


class Run:
    """One `python -m portal.launcher` on a free port, with data in `var` and without demo data, started as by a shell's `&`."""

    def __init__(self, var: Path, *, port: int | None = None, **told: str) -> None:
        self.port = port or free_port()
        self.output = var.with_suffix(".out")
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        told |= {
            "ENV_FILE": os.devnull,
            "VAR_DIR": str(var),
            "PORT": str(self.port),
            "DEMO": "false",
            "WEB_WORKERS": "2",
        }
        with self.output.open("wb") as out:
            argv = [sys.executable, "-m", "portal.launcher"]
            self.process = subprocess.Popen(
                argv,
                cwd=BASE_DIR,
                env=kept | told,
                stdout=out,
                stderr=out,
                preexec_fn=ignore_interrupts,  # noqa: PLW1509
            )

    def says(self) -> str:
        return self.output.read_text()

    def ask(self, path: str) -> tuple[int, str]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            link.request("GET", path)
            answer = link.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            link.close()

    def is_whole(self) -> bool:
        return self.ask("/healthz")[0] == 200

    def children(self) -> dict[str, int]:
        """Name and number of every child that runs."""
        found = {}
        for directory in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                if int((directory / "stat").read_text().rpartition(")")[2].split()[1]) == self.process.pid:
                    told = (directory / "cmdline").read_text()
                    found |= {name: int(directory.name) for sign, name in SIGNS.items() if sign in told}
        return found

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=15)


def ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family(pids: set[int]) -> set[int]:
    """These processes and all that descend from them."""
    parents = {}
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parents[int(directory.name)] = int((directory / "stat").read_text().rpartition(")")[2].split()[1])
    while more := {pid for pid, parent in parents.items() if parent in pids} - pids:
        pids = pids | more
    return pids


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path / "var")
    yield run
    if run.process.poll() is None:
        run.stop(signal.SIGTERM)


@pytest.mark.slow
def test_whole_portal(started: Run, tmp_path: Path) -> None:
    wait_until(lambda: "ready" in started.says() or started.process.poll() is not None, 60)
    assert f"http://localhost:{started.port}/" in started.says()
    assert started.ask("/livez") == (200, "ok\n")
    wait_until(started.is_whole, 30)
    logs_are_json(tmp_path / "var" / "log")
    second_run_is_refused(started, tmp_path)
    for group in (SERVERS, PARTS - SERVERS):
        killed_children_come_back(started, group)
        sweep_runs(started, tmp_path / "var")
    killed_supervisor_leaves_nothing_behind(started)
    again = Run(tmp_path / "var")
    try:
        wait_until(lambda: "ready" in again.says(), 30)
        pids = family(set(again.children().values()))
    finally:
        code = again.stop(signal.SIGINT)
    assert code == 0
    assert not [pid for pid in pids if is_alive(pid)]


def second_run_is_refused(first: Run, tmp_path: Path) -> None:
    second = Run(tmp_path / "var")
    assert second.process.wait(timeout=20) == 1
    assert f"http://localhost:{first.port}" in second.says()
    assert "already running" in second.says()
    other_data = Run(tmp_path / "other", port=first.port)
    assert other_data.process.wait(timeout=20) == 1
    assert f"Port {first.port} is taken" in other_data.says()


def killed_children_come_back(run: Run, names: set[str]) -> None:
    before = run.children()
    assert before.keys() == PARTS
    for name in names:
        os.kill(before[name], signal.SIGKILL)
    wait_until(lambda: {name for name, pid in run.children().items() if pid != before[name]} == names, 30)
    wait_until(run.is_whole, 60)


def sweep_runs(run: Run, var: Path) -> None:
    """A task goes through the queue and the worker into the database."""
    sent = time.monotonic()
    with Celery(broker=embedded.broker_url(embedded.redis_url(var)), set_as_current=False) as app:
        app.send_task("notifications.sweep", queue="messages")

    def has_run() -> bool:
        age = json.loads(run.ask("/healthz")[1])["last_sweep_age_s"]
        return age is not None and age < time.monotonic() - sent

    wait_until(has_run, 30)


def killed_supervisor_leaves_nothing_behind(run: Run) -> None:
    pids = family(set(run.children().values()))
    run.process.kill()
    run.process.wait()
    wait_until(lambda: not [pid for pid in pids if is_alive(pid)], 20)


def logs_are_json(folder: Path) -> None:
    for name in ("web", "messages", "jobs", "beat"):
        lines = (folder / f"{name}.log").read_text().splitlines()
        assert lines, name
        for line in lines:
            assert json.loads(line)["event"], name
    assert re.search(r'"request_id": "[0-9a-f-]{36}"', (folder / "web.log").read_text())


@pytest.mark.slow
def test_given_servers_are_used_and_none_started(tmp_path: Path) -> None:
    name = f"given_{os.getpid()}"
    with closing(psycopg2.connect(embedded.database_url(SHARED, database="postgres"))) as link:
        link.autocommit = True
        link.cursor().execute(f"CREATE DATABASE {name}")
        run = Run(
            tmp_path / "var",
            DATABASE_URL=embedded.database_url(SHARED, database=name),
            WEB_DATABASE_URL=embedded.database_url(SHARED, role=embedded.WEB_ROLE, database=name),
            WEB_DB_ROLE=embedded.WEB_ROLE,
            REDIS_URL=embedded.redis_url(SHARED, number=60),
        )
        try:
            wait_until(run.is_whole, 60)
            assert run.children().keys() == PARTS - {"postgres", "valkey"}
        finally:
            code = run.stop(signal.SIGTERM)
        assert code == 0
        assert not (tmp_path / "var" / "postgres").exists()
        assert not (tmp_path / "var" / "demo-accounts.csv").exists()
        link.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_port_that_is_no_number_is_told(tmp_path: Path) -> None:
    run = Run(tmp_path / "var", port=99999)
    assert run.process.wait(timeout=20) == 1
    assert "PORT" in run.says()
