"""The servers under measurement, each in a process id of its own so that its CPU time can be told apart."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from portal import embedded

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 20


@contextmanager
def storage() -> Iterator[tuple[Path, embedded.Postgres, int]]:
    """A durable PostgreSQL and a Valkey in a directory of their own: (directory, postgres, its process id)."""
    var = Path(tempfile.mkdtemp(prefix="bench-"))
    postgres = embedded.Postgres(var, var / "postgres.log", settings={"max_wal_size": "4GB", "shared_buffers": "1GB"})
    valkey = embedded.Valkey(var, var / "valkey.log")
    running = [(service, service.spawn()) for service in (postgres, valkey)]
    try:
        for service, process in running:
            service.wait(process)
        postgres.provide()
        yield var, postgres, running[0][1].pid
    finally:
        for service, process in running:
            process.send_signal(service.stop_signal)
            process.wait(STOP_SECONDS)
        shutil.rmtree(var, ignore_errors=True)


def copy_database(postgres: embedded.Postgres, source: str, target: str) -> None:
    with closing(postgres.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {target} TEMPLATE {source} OWNER portal_owner")


def checkpoint(postgres: embedded.Postgres) -> None:
    """Write out what a fill has left behind: else the first pages are measured beside that."""
    with closing(postgres.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def program(arguments: list[str], environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """Run a Python program in its own process id; yields its process id."""
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield process.pid
    except Exception:
        print(log.read_text(errors="replace")[-3000:])
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
