"""`make chaos`: whistles through the web server while worker, broker and database are killed with -9, over and over.

Clients repeat a POST that got no answer. At the end the real receivers are asked, a mail server and a web hook in this
process: no acknowledged whistle may be lost, none may be there twice, no message may be missing. A message that came
twice has to be one that was tried twice. CHAOS_WHISTLES, CHAOS_KILLS and CHAOS_SEED change the size and the course.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

import django
from django.db import connection

from bench.load import Call, answer
from bench.servers import ROOT, free_port
from bench.sinks import MailSink, WebSink, mail_sink, web_sink
from portal import embedded

if TYPE_CHECKING:
    from bench.receipts import Job

WHISTLES = int(os.environ.get("CHAOS_WHISTLES", "500"))
KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "") or time.time())
CLIENTS = 4
PATIENCE_S = 20  # of a client with one answer
LIFE_S = 3  # before it is killed again: it is to be killed at its work, not while it starts
START_S, STUCK_S, DRAIN_S = (
    120,
    300,
    420,
)  # the sweep comes each minute, and what was in a dead worker's hands waits for two
VICTIMS = {
    "worker": "messages@",
    "broker": "valkey-server",
    "database": "bin/postgres",
}  # → its sign in /proc/<pid>/cmdline
CSRF = "a" * 32
GROUPS = ("yjgl", "sthj", "scjg", "zrzy")  # departments with a robot; of the others each liaison has a mail


@dataclass
class Portal:
    """The portal as `make run` starts it, under a supervisor that takes two seconds of life for stability."""

    var: Path
    port: int
    told: dict[str, str]  # its environment
    process: subprocess.Popen[bytes]

    def pid_of(self, sign: str) -> int | None:
        """The process with this sign that the supervisor itself has started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in map(int, children):
            with contextlib.suppress(OSError):
                if sign in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                    return pid
        return None

    def is_healthy(self) -> bool:
        with contextlib.suppress(OSError, HTTPException):
            return answer(self.port, Call("/livez", ""))[0] == 200
        return False


@contextmanager
def portal(var: Path, mails: MailSink, hooks: WebSink) -> Iterator[Portal]:
    port = free_port()
    robots = {code: {"url": f"{hooks.origin}/{code}", "secret": "SEC"} for code in GROUPS}
    told = {
        "ENV_FILE": os.devnull,
        "VAR_DIR": str(var),
        "PORT": str(port),
        "DEMO": "false",
        "LOG_LEVEL": "WARNING",
        "CHANNELS": "robot,mail",
        "CHANNEL_HOSTS": f"127.0.0.1,http://127.0.0.1:{hooks.port}",
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mails.port),
        "MAIL_ALLOW": "*",
        "ROBOT_SECRETS": json.dumps(robots),
        "QUIET_HOURS": "",
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (var.parent / "portal.out").open("wb") as out:
        argv = [sys.executable, "-m", "bench.impatient"]
        process = subprocess.Popen(argv, cwd=ROOT, env=kept | told, stdout=out, stderr=out, start_new_session=True)
    running = Portal(var, port, told, process)
    try:
        wait(running.is_healthy, START_S, "the portal does not start")
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def wait(true: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.1)


# --- the monkey -----------------------------------------------------------------------------------------------------
@dataclass
class Monkey:
    """Kills one of the three after the other, at random, each KILLS times, and only what is alive."""

    target: Portal
    rng: random.Random
    answered: Callable[[], int]  # how many whistles have been acknowledged
    kills: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        left = [name for name in VICTIMS for _ in range(KILLS)]
        self.rng.shuffle(left)
        for name in left:
            wait(self.is_due, STUCK_S, "the clients get no answer any more")
            time.sleep(self.rng.uniform(0.1, 1.0))
            wait(lambda name=name: self.kill(name), 60, f"{name} does not come back")

    def is_due(self) -> bool:
        """Killing goes on as the clients do: on a slow machine as on a fast one they get through between two kills."""
        return self.answered() >= self.kills.total() * WHISTLES / (KILLS * len(VICTIMS)) - 2 * CLIENTS

    def kill(self, name: str) -> bool:
        pid = self.target.pid_of(VICTIMS[name])
        if pid is None or age(pid) < LIFE_S:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.kills[name] += 1
        return True


def age(pid: int) -> float:
    """Seconds since this process was started; 0 if it is gone."""
    try:
        began = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")


# --- the clients ----------------------------------------------------------------------------------------------------
@dataclass
class Clients:
    """Each job is sent until it is answered, and once more if the answer was an error: as a person would."""

    target: Portal
    monkey: Monkey
    acknowledged: list[int]  # the events whose whistle was answered for
    repeats: int = 0
    lock: Lock = field(default_factory=Lock)

    def run(self, jobs: "Sequence[Job]") -> None:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self.blow, jobs, range(len(jobs))))

    def blow(self, job: "Job", place: int) -> None:
        share = place / WHISTLES * KILLS * len(VICTIMS)
        wait(lambda: self.monkey.kills.total() >= share - 1, STUCK_S, "the monkey is asleep")
        form = {
            "request_id": str(uuid4()),
            "seen_state": "reported",
            "kind": job.kind,
            "facts": "请立即到场检测和封控",
            "why": "emergency" if job.kind == "emergency" else "no_power",
            "why_text": "",
            "lead": str(job.lead),
            "helpers": str(job.helper),
        }
        where = self.post(f"/events/{job.event}/whistle/", job.desk, form)
        if job.kind != "emergency":
            self.post(f"{where}approve/", job.leader, {"seen_state": "submitted"})
        with self.lock:
            self.acknowledged.append(job.event)

    def post(self, path: str, cookie: str, form: dict[str, str]) -> str:
        """Where the answer leads. Repeated until there is one, with the same form."""
        call = Call(path, cookie, form={"csrfmiddlewaretoken": CSRF, **form})
        deadline = time.monotonic() + STUCK_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, HTTPException):
                status, _, headers = answer(self.target.port, call, PATIENCE_S)
                if status in (302, 303):
                    return headers["Location"]
                if status < 500:
                    raise AssertionError(f"{path}: {status}")
            with self.lock:
                self.repeats += 1
            time.sleep(0.3)
        raise AssertionError(f"{path}: no answer")


def main() -> int:
    print(f"CHAOS_SEED={SEED}  {WHISTLES} whistles, {KILLS} kills each", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    begun = time.monotonic()
    try:
        with mail_sink() as mails, web_sink() as hooks, portal(folder / "var", mails, hooks) as running:
            is_good = False
            try:
                is_good = storm(running, mails, hooks)
            except (AssertionError, TimeoutError) as error:
                print(f"  {error}")
        print(f"  {'seconds':14} {time.monotonic() - begun:.0f}\n{'ok' if is_good else 'FAILED'}")
        if not is_good:
            for log in (folder / "portal.out", folder / "var/log/web.log"):
                print(f"{log.name}:\n{log.read_text(errors='replace')[-4000:]}")
        return 0 if is_good else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environ_for(running: Portal) -> None:
    """What this process needs to look into the portal's database and queue, with the rights of the owner."""
    os.environ.update(
        running.told,
        DJANGO_SETTINGS_MODULE="portal.settings",
        DATABASE_URL=embedded.database_url(running.var),
    )


def storm(running: Portal, mails: MailSink, hooks: WebSink) -> bool:
    """Kill and whistle at the same time, wait until all is quiet, ask the receivers."""
    environ_for(running)
    django.setup()
    from bench import receipts  # noqa: PLC0415 - its models need the settings above

    rng = random.Random(SEED)
    jobs = receipts.jobs_for(WHISTLES, rng)
    connection.close()  # the database is about to be killed
    acknowledged: list[int] = []
    monkey = Monkey(running, rng, lambda: len(acknowledged))
    clients = Clients(running, monkey, acknowledged)
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(monkey.run)
        clients.run(jobs)
        killing.result()
    wait(running.is_healthy, START_S, "the portal does not come back")
    wait(lambda: receipts.waiting() == 0, DRAIN_S, "messages are still waiting")
    counted = receipts.count(clients.acknowledged, mails, hooks, GROUPS)
    found = {"kills": dict(monkey.kills), "repeats": clients.repeats, "acknowledged": len(clients.acknowledged)}
    for name, value in {**found, **vars(counted)}.items():
        print(f"  {name:14} {value}")
    return counted.is_good and len(clients.acknowledged) == WHISTLES and min(monkey.kills.values()) >= KILLS


if __name__ == "__main__":
    sys.exit(main())
