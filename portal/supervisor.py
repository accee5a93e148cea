"""Keeps the portal's processes running: starts them in order, restarts what ends, stops all of them cleanly.

Nothing here needs Django: the servers are started, watched and stopped even when the portal itself cannot be imported.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from portal.embedded.process import StartError, last_lines

TICK = 0.1  # seconds between two looks at the children
STABLE = 30.0  # a child that ran this long starts again with the shortest delay
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
LOOP_SHOWS_LOG = 3  # failures in a row after which the terminal shows the end of the log
PREPARE_ATTEMPTS = 3  # a database killed under the migrations is back at the next attempt
SLOW_START = 20.0  # the workers wait for the first page no longer than this
LOG_LIMIT = 20_000_000  # bytes
LOGS_EVERY = 60.0  # seconds between two looks at their length
GRACE = 6.0  # seconds for requests and tasks to end by themselves


def say(text: str = "") -> None:
    """A line for the person at the terminal; a closed terminal is no reason to stop serving."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        return


@dataclass(eq=False)
class Child:
    """One process that is kept running. `launch` starts it; after a failure it waits, twice as long each time."""

    name: str
    launch: Callable[[], subprocess.Popen[bytes]]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    next_start: float = 0.0
    failures: int = 0

    def start(self) -> subprocess.Popen[bytes]:
        self.started_at = time.monotonic()
        self.process = self.launch()
        return self.process

    def tick(self) -> None:
        """Notice an end, and start again when it is time."""
        if self.process is None:
            if time.monotonic() >= self.next_start:
                self.try_start()
        elif has_ended(self.process):
            kill_group(self.process.pid)  # an orphan would hold the port, or run tasks twice
            code = self.process.wait()
            self.process = None
            self.back_off(f"exit {code}" if code >= 0 else signal.Signals(-code).name)

    def try_start(self) -> None:
        try:
            self.start()
        except (StartError, OSError) as error:
            self.back_off(str(error))

    def back_off(self, reason: str) -> None:
        now = time.monotonic()
        self.failures = 1 if now - self.started_at >= STABLE else self.failures + 1
        delay = min(FIRST_DELAY * 2 ** (self.failures - 1), LONGEST_DELAY)
        self.next_start = now + delay
        say(f"  {self.name} 意外退出（{reason}），{delay:g} 秒后重启 · ended, restarting in {delay:g} s")
        if self.failures >= LOOP_SHOWS_LOG:
            say(f"  {self.log}:\n{last_lines(self.log)}")

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and not has_ended(self.process):
            self.process.send_signal(number)


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended. Its number stays taken until `wait`, so that its process group can still be named by it."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill_group(leader: int) -> None:
    """Kill whatever is left of the session that `leader` began."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def stop(children: Sequence[Child], *, grace: float) -> None:
    """Ask; after `grace` seconds insist (SIGQUIT: Celery drops its tasks, PostgreSQL its clients); then kill."""
    alive = [child for child in children if child.process is not None]
    for child in alive:
        child.send(child.stop_signal)
    for number, seconds in ((signal.SIGQUIT, grace), (signal.SIGKILL, 3.0)):
        for child in still_running(alive, seconds):
            child.send(number)
    for child in alive:
        if child.process is not None:
            kill_group(child.process.pid)
            child.process.wait()
            child.process = None


def still_running(children: Sequence[Child], seconds: float) -> list[Child]:
    """Those that have not ended after at most `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        left = [child for child in children if child.process is not None and not has_ended(child.process)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def rotate(log: Path) -> None:
    """Keep one earlier log; called before the children open theirs."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))


def trim(log: Path) -> None:
    """Cut a log that has grown too long; its writers append, so they carry on at the new end."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


class Gate:
    """What holds the web back until the database is prepared: a pipe whose other end closes when it may begin.

    So the web is imported while the migrations are looked at, on the second core.
    """

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.is_open = False

    def open(self) -> None:
        if not self.is_open:
            self.is_open = True
            os.close(self.writer)
            os.close(self.reader)

    def descriptors(self) -> tuple[int, ...]:
        """What a child inherits to wait by; nothing once the gate is open."""
        return () if self.is_open else (self.reader,)


@dataclass
class Supervisor:
    """`servers` start first and stop last. `prepare` runs to its end before `web` passes the gate, and the `others` start
    when `is_ready` says that the web answers: on a small machine they would double the time to the first page.
    Without a web it ends when it has prepared.
    """

    servers: Sequence[Child]
    wait_for_servers: Callable[[Callable[[], bool]], None]
    prepare: Callable[[], subprocess.Popen[bytes]]
    prepare_log: Path
    gate: Gate
    web: Child | None
    others: Sequence[Child]
    is_ready: Callable[[], bool]
    announce: Callable[[], object]
    stop_requests: int = 0
    running: list[Child] = field(default_factory=list)

    def run(self) -> int:
        """Start all, watch until told to stop, stop all; the exit code. Raises StartError with nothing left running."""
        self.catch_signals()
        try:
            if self.web is not None:
                self.keep(self.web)
            self.start_servers()
            self.run_prepare()
            self.gate.open()
            if self.web is not None:
                self.serve(self.web)
        finally:
            self.stop_all()
        return 0

    def catch_signals(self) -> None:
        """The handlers only count: an exception raised in one was lost once, and the wish to stop with it."""
        signal.signal(signal.SIGINT, self.on_signal)  # explicitly: under a shell's `&` it arrives ignored
        signal.signal(signal.SIGTERM, self.on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup wants it to run on
            signal.signal(signal.SIGHUP, self.on_signal)

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_requests += 1

    def is_stopping(self) -> bool:
        return self.stop_requests > 0

    def keep(self, child: Child) -> None:
        """Start a child and keep it running."""
        if not self.is_stopping():
            self.running.append(child)
            child.try_start()

    def start_servers(self) -> None:
        for child in self.servers:
            self.running.append(child)
            child.start()
        self.wait_for_servers(self.is_stopping)

    def run_prepare(self) -> None:
        """Run `prepare` to its end, again if it fails; a wish to stop ends it at once, and its transaction with it."""
        for attempt in range(PREPARE_ATTEMPTS):
            if attempt:
                self.watch(1.0)
            if self.is_stopping():
                return
            process = self.prepare()
            while not has_ended(process) and not self.is_stopping():
                self.watch(TICK / 5)
            kill_group(process.pid)
            if process.wait() == 0:
                return
        if not self.is_stopping():
            tail = last_lines(self.prepare_log)
            raise StartError(f"数据库准备失败 · The database could not be prepared, see {self.prepare_log}:\n{tail}")

    def serve(self, web: Child) -> None:
        self.wait_for_first_page(web)
        for child in self.others:
            self.keep(child)
        while not self.is_stopping():
            self.watch(LOGS_EVERY)
            for child in self.running:
                trim(child.log)

    def wait_for_first_page(self, web: Child) -> None:
        deadline = time.monotonic() + SLOW_START
        while not self.is_stopping():
            if self.is_ready():
                self.announce()
                return
            if time.monotonic() > deadline:
                say(f"  网页尚未应答 · The web does not answer yet, see {web.log}:\n{last_lines(web.log)}")
                return
            self.watch(TICK / 2)

    def watch(self, seconds: float) -> None:
        """Look after the children for a while."""
        deadline = time.monotonic() + seconds
        while not self.is_stopping():
            for child in self.running:
                child.tick()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(TICK, left))

    def stop_all(self) -> None:
        """The portal's own programs first, then the servers they write to."""
        if self.is_stopping():
            say("\n  正在停止 · stopping")
        stop([child for child in self.running if child not in self.servers], grace=GRACE)
        stop([child for child in self.running if child in self.servers], grace=10.0)
