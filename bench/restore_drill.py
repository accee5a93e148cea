"""`make restore-drill`: back up, restore on fresh servers, compare. What an operator would do, timed.

From demo data, or from the portal that DATABASE_URL, MEDIA_ROOT and SEAL_KEY name (only read). The comparison is this
script's own: rows and checksums of every table in both databases, the SHA-256 of every file, its seal, the triggers and
the rights of the web's role, and the whole portal started on what was restored.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from urllib.request import urlopen

import psycopg2

from bench.load import until
from bench.servers import ROOT, STOP_SECONDS, free_port
from portal import embedded

KEPT = ("originals", "previews")
ROWS = "SELECT count(*), md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM {} t"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
START_S = 90
T = TypeVar("T")


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="restore-drill-"))
    key = os.environ.get("SEAL_KEY", "the-drill's-own")
    try:
        if given := os.environ.get("DATABASE_URL"):
            return drill(given, Path(os.environ["MEDIA_ROOT"]), folder, key)
        with server(folder / "source"):
            source = embedded.database_url(folder / "source")
            timed("demo data", lambda: manage(source, folder / "source", key, "prepare"))
            return drill(source, folder / "source/files", folder, key)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def drill(source: str, files: Path, folder: Path, key: str) -> int:
    target_var = folder / "target"
    target = embedded.database_url(target_var)
    backups = folder / "backups"
    timed("back up", lambda: manage(source, folder / "source", key, "backup", str(backups), MEDIA_ROOT=str(files)))
    (made,) = backups.glob("2*Z")
    with server(target_var):
        timed("restore, verify", lambda: print(manage(target, target_var, key, "restore", str(made)).strip()))
        wrong = compare(source, target) + compare_files(files, target_var / "files") + rights(target, target_var)
    size = sum(file.stat().st_size for file in backups.rglob("*") if file.is_file())
    print(f"  {'backup':18} {size / 1e6:.1f} MB")
    wrong += timed("portal is whole", lambda: start(target_var, key))
    print("\n".join(wrong) or "ok")
    return 1 if wrong else 0


def timed(what: str, do: Callable[[], T]) -> T:
    begun = time.monotonic()
    result = do()
    print(f"  {what:18} {time.monotonic() - begun:.1f} s", flush=True)
    return result


@contextmanager
def server(var: Path) -> Iterator[None]:
    """A fresh PostgreSQL with the two roles and an empty database."""
    var.mkdir(parents=True, exist_ok=True)
    postgres = embedded.Postgres(var, var / "postgres.log")
    process = postgres.spawn()
    try:
        postgres.wait(process)
        postgres.provide()
        yield
    finally:
        process.send_signal(postgres.stop_signal)
        process.wait(STOP_SECONDS)


def environment(database: str, var: Path, key: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    told = {"ENV_FILE": os.devnull, "VAR_DIR": str(var), "SECRET_KEY": "the-drill's-own", "SEAL_KEY": key}
    return {**kept, **told, "DATABASE_URL": database, "WEB_DB_ROLE": embedded.WEB_ROLE, "LOG_LEVEL": "WARNING"}


def manage(database: str, var: Path, key: str, *command: str, **more: str) -> str:
    """What a management command said. Raises CalledProcessError, after its words."""
    told = {**environment(database, var, key), **more}
    argv = [sys.executable, "manage.py", *command]
    done = subprocess.run(argv, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-3000:])
    done.check_returncode()
    return done.stdout


def compare(source: str, target: str) -> list[str]:
    first, second = (measure(url) for url in (source, target))
    print(f"  {'tables':18} {len(first)}, {sum(rows for rows, _ in first.values())} rows, checksums compared")
    return [f"{name}: {first.get(name)} and {second.get(name)}" for name in first if first[name] != second.get(name)]


def measure(url: str) -> dict[str, tuple[int, str]]:
    with closing(psycopg2.connect(url)) as link, link.cursor() as cursor:
        cursor.execute("SET timezone = 'UTC'")
        cursor.execute(TABLES)
        found = {}
        for (name,) in cursor.fetchall():
            cursor.execute(ROWS.format(f'"{name}"'))
            found[name] = cursor.fetchone()
        return found


def compare_files(source: Path, target: Path) -> list[str]:
    first, second = (digests(folder) for folder in (source, target))
    print(f"  {'files':18} {len(first)}, SHA-256 compared, each seal checked by `restore`")
    return [f"{name} differs" for name in first if first[name] != second.get(name)]


def digests(folder: Path) -> Mapping[str, str]:
    found = (file for kept in KEPT for file in (folder / kept).rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest() for file in found}


def rights(target: str, var: Path) -> list[str]:
    """The timeline refuses a change, to the owner by its trigger and to the web by its rights."""
    web = embedded.database_url(var, role=embedded.WEB_ROLE)
    tries = [(target, "UPDATE records_entry SET what = ''"), (target, "DELETE FROM records_attachment")]
    tries += [(web, "UPDATE records_entry SET what = ''"), (web, "DROP TABLE records_entry")]
    wrong = [f"not refused: {statement}" for url, statement in tries if not is_refused(url, statement)]
    print(f"  {'refused':18} {len(tries) - len(wrong)} of {len(tries)} forbidden statements")
    return wrong


def is_refused(url: str, statement: str) -> bool:
    with closing(psycopg2.connect(url)) as link, link.cursor() as cursor:
        try:
            cursor.execute(statement)
        except psycopg2.errors.InsufficientPrivilege:
            return True
        return False


def start(var: Path, key: str) -> list[str]:
    """The whole portal on what was restored; it must say that all its parts work."""
    port = free_port()
    told = environment("", var, key) | {"PORT": str(port), "DEMO": "false", "WEB_WORKERS": "1"}
    del told["DATABASE_URL"]
    with (var / "portal.out").open("wb") as out:
        argv = [sys.executable, "-m", "portal.launcher"]
        process = subprocess.Popen(argv, cwd=ROOT, env=told, stdout=out, stderr=out, start_new_session=True)
    try:
        until(lambda: health(port) == "ok", START_S)
    except TimeoutError:
        return [f"/healthz does not say ok:\n{(var / 'portal.out').read_text()[-2000:]}"]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)
    return []


def health(port: int) -> str:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return str(json.load(answer)["status"])
    except OSError:
        return "down"


if __name__ == "__main__":
    sys.exit(main())
