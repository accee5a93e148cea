"""`make topology`: what docker-compose.yml runs, as processes here; one web is killed with -9 under load and comes back.

nginx with the very configuration of the containers and a self-made certificate, two webs, two workers a queue, beat,
PostgreSQL and Valkey. Clients read pages and blow whistles; a POST without an answer is sent again with its request_id.
Lost may be only what the killed web had in hand, and no whistle. TOPOLOGY_S changes how long the load lasts.
"""

import os
import random
import shutil
import signal
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from statistics import quantiles
from subprocess import run
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import uuid4

import django

from bench import proxy
from bench.load import until
from bench.servers import ROOT, free_port, program, storage
from portal import embedded
from portal.launcher import CELERY, PROGRAMS, WORKER

if TYPE_CHECKING:
    from bench.receipts import Job

SECONDS = float(os.environ.get("TOPOLOGY_S", "24"))
CLIENTS, WEB_WORKERS, PATIENCE_S = 4, 2, 15
WHISTLES = 400  # events to whistle for; the load ends by time
PAGES = ("/worklist/", "/board/", "/events/", "/whistles/")
CSRF = "a" * 32


@dataclass
class Seen:
    """What the clients saw. `lost`: when, and what, of those that got no good answer."""

    times: list[tuple[float, float]] = field(default_factory=list)  # (when it was sent, how long it took)
    lost: list[tuple[float, str]] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    repeats: int = 0
    lock: Lock = field(default_factory=Lock)


@dataclass
class Clients:
    running: proxy.Proxy
    jobs: "list[Job]"
    end: float
    seen: Seen = field(default_factory=Seen)

    def go(self, number: int) -> None:
        rng = random.Random(number)
        cookies = [job.desk for job in self.jobs]
        while time.monotonic() < self.end:
            with self.seen.lock:
                job = self.jobs.pop() if self.jobs and rng.random() < 0.2 else None
            if job is None:
                self.read(rng.choice(PAGES), rng.choice(cookies))
            else:
                self.blow(job)

    def read(self, path: str, cookie: str) -> None:
        status, _ = self.ask(path, cookie)
        if status != 200:
            self.lose(f"GET {path}: {status}")

    def blow(self, job: "Job") -> None:
        form = {"csrfmiddlewaretoken": CSRF, "request_id": str(uuid4()), "seen_state": "reported", "kind": job.kind}
        form |= {"facts": "请立即到场检测和封控", "why": "emergency" if job.kind == "emergency" else "no_power"}
        form |= {"why_text": "", "lead": str(job.lead), "helpers": str(job.helper)}
        while True:
            status, where = self.ask(f"/events/{job.event}/whistle/", job.desk, form)
            if status in (302, 303):
                with self.seen.lock:
                    self.seen.acknowledged.append(job.event)
                return
            self.lose(f"POST whistle: {status} {where}")
            with self.seen.lock:
                self.seen.repeats += 1
            time.sleep(0.2)

    def lose(self, what: str) -> None:
        with self.seen.lock:
            self.seen.lost.append((time.monotonic(), what))

    def ask(self, path: str, cookie: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """(status, where it leads); 0 without an answer."""
        context = ssl.create_default_context(cafile=self.running.certificate)
        link = HTTPSConnection(proxy.HOST, self.running.port, timeout=PATIENCE_S, context=context)
        origin = f"https://{proxy.HOST}:{self.running.port}"
        headers = {"Cookie": cookie, "Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
        begun = time.monotonic()
        try:
            link.request("POST" if form else "GET", path, urlencode(form) if form else None, headers)
            answer = link.getresponse()
            answer.read()
            return answer.status, answer.headers.get("Location", "")
        except (OSError, HTTPException) as error:
            return 0, type(error).__name__
        finally:
            link.close()
            with self.seen.lock:
                self.seen.times.append((begun, time.monotonic() - begun))


@dataclass
class Web:
    """One gunicorn on a port of its own, as one container has."""

    port: int
    log: Path
    told: dict[str, str]
    pid: int = 0
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        told = {**self.told, "PORT": str(self.port), "WEB_WORKERS": str(WEB_WORKERS)}
        self.pid = self.stack.enter_context(program(list(PROGRAMS["web"]), told, self.log))
        until(self.answers, 60)

    def answers(self) -> bool:
        probe = run([sys.executable, "-m", "portal.probe", "web"], env={"PORT": str(self.port)}, cwd=ROOT, check=False)
        return probe.returncode == 0

    def kill(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)


def main() -> int:
    if not proxy.is_here():
        print(proxy.MISSING)
        return 0
    with storage() as (var, _, _):
        told = provided(var)
        django.setup()
        from bench import receipts  # noqa: PLC0415 - its models need the settings above

        jobs = receipts.jobs_for(WHISTLES, random.Random(1))
        with topology(var, told) as (webs, running):
            return judge(*storm(webs, running, jobs), running)


def provided(var: Path) -> dict[str, str]:
    """Tables made by their owner, whose rights this process keeps; the environment of the others, with the web's."""
    told = {"DJANGO_SETTINGS_MODULE": "portal.settings", "VAR_DIR": str(var), "ENV_FILE": os.devnull, "DEMO": "false"}
    told |= {"SECRET_KEY": "topology", "HTTPS": "true", "PROXY_COUNT": "1", "LOG_LEVEL": "WARNING", "QUIET_HOURS": ""}
    os.environ.update(told, DATABASE_URL=embedded.database_url(var), WEB_DB_ROLE=embedded.WEB_ROLE)
    with (var / "prepare.log").open("wb") as log:
        run([sys.executable, "manage.py", "prepare"], cwd=ROOT, check=True, stderr=log, stdout=sys.stderr)
    web = embedded.database_url(var, role=embedded.WEB_ROLE)
    return {**told, "DATABASE_URL": web, "REDIS_URL": embedded.redis_url(var)}


@contextmanager
def topology(var: Path, told: dict[str, str]) -> Iterator[tuple[list[Web], proxy.Proxy]]:
    """All of it, up and answering."""
    with ExitStack() as stack:
        webs = [Web(free_port(), var / f"web-{number}.log", told, stack=stack) for number in (1, 2)]
        for web in webs:
            web.start()
        for queue in ("messages", "jobs"):
            for number in ("one", "two"):
                argv = [*CELERY, "worker", "-Q", queue, "-n", f"{queue}@{number}", "-c", "1", *WORKER]
                stack.enter_context(program(argv, told, var / f"{queue}-{number}.log"))
        stack.enter_context(program(list(PROGRAMS["beat"]), told, var / "beat.log"))
        folder = Path(tempfile.mkdtemp(prefix="nginx-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield webs, stack.enter_context(proxy.proxy(folder, var, (webs[0].port, webs[1].port)))


def storm(webs: list[Web], running: proxy.Proxy, jobs: "list[Job]") -> tuple[Seen, float, float]:
    """The load, and in it the death of one web and its return: what was seen, when it died, when it was back."""
    clients = Clients(running, jobs, time.monotonic() + SECONDS)
    with ThreadPoolExecutor(CLIENTS) as pool:
        done = [pool.submit(clients.go, number) for number in range(CLIENTS)]
        time.sleep(SECONDS / 3)
        webs[0].kill()
        died = time.monotonic()
        time.sleep(SECONDS / 3)
        webs[0].start()
        back = time.monotonic()
        for one in done:
            one.result()
    return clients.seen, died, back


def judge(seen: Seen, died: float, back: float, running: proxy.Proxy) -> int:
    """Print what was seen; 0 if nothing was lost but what the killed web had in hand."""
    from enforcement.models import Whistle  # noqa: PLC0415
    from notifications.models import Delivery  # noqa: PLC0415

    def p95(first: float, last: float) -> str:
        took = [seconds for at, seconds in seen.times if first <= at < last]
        return (
            f"{len(took)} requests, p95 {quantiles(took, n=20)[18] * 1000:.0f} ms" if len(took) > 20 else f"{len(took)}"
        )

    with suppress(TimeoutError):
        until(lambda: not Delivery.objects.filter(state__in=Delivery.OPEN).exists(), 90)
    open_left = Delivery.objects.filter(state__in=Delivery.OPEN).count()
    whistles = Counter(Whistle.objects.filter(event__in=seen.acknowledged).values_list("event", flat=True))
    late = [what for at, what in seen.lost if not died - 1 < at < died + 2]
    answered = Counter(line.split('"web":"')[1].split('"')[0].count(",") for line in running.log() if '"web":"' in line)
    print(
        f"  two webs         {p95(0, died)}\n  one web          {p95(died, back)}\n  two again        {p95(back, back + 1e6)}"
    )
    print(f"  asked again      {answered[1]} requests that nginx gave to the other web")
    print(
        f"  not answered     {len(seen.lost)} ({', '.join(what for _, what in seen.lost) or 'none'}); in hand {WEB_WORKERS} at most"
    )
    print(f"  whistles         {len(seen.acknowledged)} acknowledged, {len(whistles)} kept, {seen.repeats} sent again")
    print(f"  messages         {Delivery.objects.filter(state='sent').count()} sent, {open_left} waiting")
    good = len(seen.lost) <= WEB_WORKERS and not late and not open_left
    good = good and len(whistles) == len(seen.acknowledged) > 0 and set(whistles.values()) == {1}
    print("ok" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
