"""Puts the portal together on this machine: which servers, which programs, with which rights, in which order."""

import argparse
import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from django.conf import settings

from portal import embedded
from portal.embedded.process import StartError, die_with_parent, lock_directory, remove_tree, spawn
from portal.supervisor import Child, Gate, Supervisor, rotate, say
from portal.welcome import demo_accounts, first_words, ready_words

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

CELERY = ("-m", "celery", "-q", "--skip-checks", "-A", "portal")
WORKER = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO")
PROGRAMS = {
    "web": ("-m", "gunicorn", "-c", "python:portal.webserver", "portal.wsgi"),
    "messages": (*CELERY, "worker", "-Q", "messages", "-n", "messages@%h", "-c", "2", *WORKER),
    # one hand for a long job, one for the sweeps of each minute, which may not wait for it (settings.JOBS_AT_ONCE)
    "jobs": (*CELERY, "worker", "-Q", "jobs", "-n", "jobs@%h", "-c", "2", *WORKER),
    # never `worker -B`: its beat outlives a kill -9 of the worker, and then everything is scheduled twice
    "beat": (*CELERY, "beat", "--pidfile=", "--loglevel", "INFO"),
}
PORTS = range(1, 65536)
BUSY_PORT_SECONDS = 2.0  # how long an earlier web server may take to let go of the port


def main() -> int:
    """`python -m portal.launcher`: what `make run` calls. It reads the settings but does not set Django up, which takes as
    long as all the rest. The exit code."""
    parser = argparse.ArgumentParser(prog="run", description="The portal: database, queue, web, workers, schedule.")
    parser.add_argument("--with-parent", action="store_true", help="stop when the calling process ends")
    parser.add_argument("--reset-demo", action="store_true", help="empty the embedded database, load demo data, end")
    options = parser.parse_args()
    if options.with_parent:
        die_with_parent(signal.SIGTERM, os.getppid())
    try:
        return reset_demo() if options.reset_demo else run()
    except StartError as error:
        say(str(error))
    except (OSError, subprocess.SubprocessError) as error:
        say(f"无法启动 · cannot start: {error}")
    return 1


def run() -> int:
    """Run the portal until it is told to stop. Raises StartError with a sentence when it cannot start."""
    begun = time.monotonic()
    say(first_words())
    lock = lock_var()
    try:
        check_port(bind_address(), port())
        (settings.VAR_DIR / "address").write_text(settings.PORTAL_URL)

        def announce() -> None:
            say(ready_words(time.monotonic() - begun))

        return assemble(PROGRAMS, announce).run()
    finally:
        os.close(lock)


def reset_demo() -> int:
    """Empty the embedded database, its files and its queue, and load the demo data anew."""
    if not settings.EMBEDDED_DATABASE:
        raise StartError("DATABASE_URL 已设置：只有自带的数据库可以重置。Only the embedded database can be reset.")
    lock = lock_var()
    try:
        for name in ("valkey/appendonlydir", "files", "mail"):
            remove_tree(settings.VAR_DIR / name)
        code = assemble({}, fresh_database=True).run()
    finally:
        os.close(lock)
    say(demo_accounts())
    return code


def lock_var() -> int:
    """The lock that only one `manage.py run` at a time can hold."""
    var: Path = settings.VAR_DIR
    var.mkdir(parents=True, exist_ok=True, mode=0o700)
    address = var / "address"
    where = address.read_text() if address.exists() else settings.PORTAL_URL
    return lock_directory(
        var,
        seconds=0,
        message=f"平台已在运行：{where} ，请先停止它。The portal is already running here, stop it first.",
    )


def port() -> int:
    if not settings.PORT.isdecimal() or int(settings.PORT) not in PORTS:
        raise StartError(f"PORT={settings.PORT} 不是端口号。PORT must be a number from 1 to 65535.")
    return int(settings.PORT)


def bind_address() -> str:
    return os.environ.get("BIND", "127.0.0.1")


def check_port(host: str, number: int) -> None:
    """Raise StartError when something else listens there."""
    deadline = time.monotonic() + BUSY_PORT_SECONDS
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, number))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise StartError(f"无法使用端口 {number}：{error.strerror}。Cannot use this port.") from None
                if time.monotonic() > deadline:
                    raise StartError(
                        f"端口 {number} 已被其他程序占用，可换一个：PORT={number + 1} make run · "
                        f"Port {number} is taken by another program; choose another one with PORT="
                    ) from None
            else:
                return
        time.sleep(0.1)


def log_file(name: str) -> Path:
    """var/log/<name>.log, the earlier one moved aside."""
    folder: Path = settings.VAR_DIR / "log"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    rotate(log)
    return log


def program(name: str, arguments: Sequence[str], gate: Gate) -> Child:
    """One of the portal's own programs, run with the rights of the web."""
    log = log_file(name)

    def launch() -> subprocess.Popen[bytes]:
        wait = gate.descriptors() if name == "web" else ()
        told = environment() | ({"START_GATE": str(wait[0])} if wait else {})
        # A worker that has lost its supervisor drops its tasks, which are redelivered: one that finished a long job first
        # would run beside the next worker.
        death = signal.SIGTERM if name == "web" else signal.SIGQUIT
        argv = [sys.executable, *arguments]
        with log.open("ab") as stream:
            return spawn(argv, log=stream, env=told, death_signal=death, pass_fds=wait, cwd=settings.BASE_DIR)

    return Child(name, launch, log)


def preparation(log: Path) -> Callable[[], subprocess.Popen[bytes]]:
    """`manage.py prepare`, as the owner of the tables. Its short messages go to the terminal."""

    def launch() -> subprocess.Popen[bytes]:
        argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "prepare"]
        with log.open("ab") as stream:
            return spawn(argv, log=stream, out=sys.stdout.fileno(), cwd=settings.BASE_DIR)

    return launch


def environment() -> dict[str, str]:
    """What the programs are told: where everything is, and the web role's way into the database."""
    told = {
        "VAR_DIR": str(settings.VAR_DIR),
        "REDIS_URL": settings.REDIS_URL,
        "PORT": settings.PORT,
        "PORTAL_URL": settings.PORTAL_URL,
        "PYTHONUNBUFFERED": "1",
    }
    kept = dict(os.environ)
    if settings.WEB_DATABASE_URL:
        kept.pop("DATABASE_URL_FILE", None)  # the owner's; django-environ would prefer it
        told["DATABASE_URL"] = settings.WEB_DATABASE_URL
    return kept | told


def assemble(
    programs: Mapping[str, Sequence[str]], announce: Callable[[], object] = bool, *, fresh_database: bool = False
) -> Supervisor:
    """The supervisor of `programs`, the first of which is the web, and of the servers that the environment does not give."""
    postgres = embedded.Postgres(settings.VAR_DIR, log_file("postgres")) if settings.EMBEDDED_DATABASE else None
    valkey = embedded.Valkey(settings.VAR_DIR, log_file("valkey")) if settings.EMBEDDED_BROKER else None
    services = [service for service in (postgres, valkey) if service is not None]
    servers = [Child(service.name, service.spawn, service.log, service.stop_signal) for service in services]

    def wait_for_servers(cancelled: Callable[[], bool]) -> None:
        for service, child in zip(services, servers, strict=True):
            if child.process is not None:
                service.wait(child.process, cancelled=cancelled)
            service.lock_seconds = 1.0  # from now on a start must not hold up the watch over the others
        if postgres is not None and not cancelled():
            if fresh_database:
                postgres.drop()
            postgres.provide()

    gate = Gate()
    children = [program(name, arguments, gate) for name, arguments in programs.items()]
    prepare_log = log_file("prepare")
    return Supervisor(
        servers=servers,
        wait_for_servers=wait_for_servers,
        prepare=preparation(prepare_log),
        prepare_log=prepare_log,
        gate=gate,
        web=children[0] if children else None,
        others=children[1:],
        is_ready=answers,
        announce=announce,
    )


def answers() -> bool:
    """Whether the web answers /livez; a refusal of the host name is an answer too."""
    bound = bind_address()
    connection = http.client.HTTPConnection("127.0.0.1" if bound in ("0.0.0.0", "::", "") else bound, port(), timeout=2)  # noqa: S104
    try:
        connection.request("GET", "/livez", headers={"Host": "localhost"})
        return connection.getresponse().status in (http.client.OK, http.client.BAD_REQUEST)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
