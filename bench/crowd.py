"""`make crowd`: so many signed-in people click for some minutes, with wall screens beside them; counts what went wrong.

The portal runs as in `make run`, on a database of many events. Each person waits a few seconds between two acts, as one
who reads; each wall asks again every ten seconds, and is answered 304 while nothing has changed. Every answer that is
not the expected one is an error. CROWD_PEOPLE, CROWD_SECONDS, CROWD_EVENTS, CROWD_WALLS and CROWD_SEED change it.
"""

import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from statistics import quantiles
from threading import Lock
from urllib.parse import urlencode
from uuid import uuid4

import django

from bench.chaos import CSRF, environ_for, portal
from bench.load import Call, answer, cpu_seconds
from bench.sinks import mail_sink, web_sink

PEOPLE = int(os.environ.get("CROWD_PEOPLE", "200"))
SECONDS = int(os.environ.get("CROWD_SECONDS", "600"))
EVENTS = int(os.environ.get("CROWD_EVENTS", "100000"))
WALLS = int(os.environ.get("CROWD_WALLS", "30"))
SEED = int(os.environ.get("CROWD_SEED", "") or time.time())
THINK_S = (3.0, 12.0)  # between two acts of one person
WALL_S = 10.0
OK, FOUND, SEE, SAME = 200, 302, 303, 304
SHOWN_ERRORS = 10
LINK = re.compile(r'href="(/(?:events|whistles|dispatches)/\d+/)"')
WORDS = ("井盖", "东街", "占道", "堆放", "垃圾", "沿街第12号")


@dataclass
class Tally:
    """What was asked and how long it took, by kind of page."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def add(self, name: str, seconds: float) -> None:
        with self.lock:
            self.took[name].append(seconds)

    def wrong(self, what: str) -> None:
        with self.lock:
            self.errors.append(what)


@dataclass(frozen=True)
class Crowd:
    port: int
    tally: Tally
    ends: float

    def ask(self, name: str, call: Call, *, expect: tuple[int, ...] = (OK,)) -> tuple[str, dict[str, str]]:
        """The answer's text and headers; empty where it was an error."""
        begun = time.perf_counter()
        try:
            status, body, headers = answer(self.port, call)
        except (OSError, HTTPException) as error:
            self.tally.wrong(f"{name} {call.path}: {error!r}")
            return "", {}
        self.tally.add(name, time.perf_counter() - begun)
        if status not in expect:
            self.tally.wrong(f"{name} {call.path}: {status} {body[:200]}")
            return "", {}
        return body, headers


@dataclass
class Person:
    """One who is signed in, by role; `category` is what a grid member reports."""

    crowd: Crowd
    role: str
    cookie: str
    category: int
    rng: random.Random
    seen: list[str] = field(default_factory=list)  # addresses of what the last list showed

    def run(self) -> None:
        acts, weights = zip(*self.acts(), strict=True)
        time.sleep(self.rng.uniform(0, THINK_S[1]))
        while time.monotonic() < self.crowd.ends:
            self.rng.choices(acts, weights)[0]()
            time.sleep(self.rng.uniform(*THINK_S))

    def acts(self) -> Iterator[tuple[Callable[[], None], int]]:
        """What this role does, and how often."""
        yield lambda: self.look("work list", "/worklist/"), 4
        yield lambda: self.look("bell", "/messages/"), 1
        yield lambda: self.look("events", "/events/"), 3
        yield lambda: self.look("events, filtered", self.rng.choice(("/events/?state=open", "/events/?page=3"))), 2
        yield self.open, 6
        if self.role == "grid":
            yield self.report, 2
            return
        yield lambda: self.look("whistles", "/whistles/"), 2
        yield lambda: self.look("search", f"/search/?{urlencode({'q': self.rng.choice(WORDS)})}"), 2
        if self.role == "liaison":
            yield lambda: self.look("dispatches", "/dispatches/?state=open"), 3
            yield self.sign, 1
        else:
            yield lambda: self.look("board", "/board/"), 3

    def look(self, name: str, path: str) -> str:
        body, _ = self.crowd.ask(name, Call(path, self.cookie))
        self.seen = LINK.findall(body) or self.seen
        return body

    def open(self) -> None:
        """One of what the last list showed."""
        if self.seen:
            path = self.rng.choice(self.seen)
            self.crowd.ask(f"one of {path.split('/')[1]}", Call(path, self.cookie))

    def report(self) -> None:
        self.look("report form", "/events/report/")
        form = {"place": f"东街 {self.rng.randrange(300)} 号", "facts": "占道堆放，影响通行", "is_urgent": "no"}
        self.send("report", "/events/report/", {**form, "category": str(self.category), "request_id": str(uuid4())})

    def sign(self) -> None:
        """The first that waits; a colleague may be quicker, and then the portal says so."""
        waiting = LINK.findall(self.look("dispatches", "/dispatches/?state=sent"))
        if waiting:
            self.send("sign", f"{waiting[0]}sign/", {"seen_state": "sent"})

    def send(self, name: str, path: str, form: dict[str, str]) -> None:
        call = Call(path, self.cookie, form={"csrfmiddlewaretoken": CSRF, **form})
        self.crowd.ask(name, call, expect=(FOUND, SEE))


def watch(crowd: Crowd, path: str, rng: random.Random) -> None:
    """A wall screen: the page once, then what has changed."""
    time.sleep(rng.uniform(0, WALL_S))
    crowd.ask("wall", Call(path, ""))
    mark = ""
    while time.monotonic() < crowd.ends:
        headers = (("HX-Request", "true"), *((("If-None-Match", mark),) if mark else ()))
        _, told = crowd.ask("wall, columns", Call(f"{path}rows/", "", headers=headers), expect=(OK, SAME))
        mark = told.get("ETag", mark)
        time.sleep(WALL_S)


def main() -> int:
    print(f"CROWD_SEED={SEED}  {PEOPLE} people, {WALLS} walls, {EVENTS:,} events, {SECONDS} s", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="crowd-"))
    try:
        with mail_sink() as mails, web_sink() as hooks, portal(folder / "var", mails, hooks) as running:
            environ_for(running)
            django.setup()
            from bench import crowd_cast  # noqa: PLC0415 - its models need the settings above

            people, walls, category = crowd_cast.gather(PEOPLE, WALLS, EVENTS)
            crowd, rng = Crowd(running.port, Tally(), time.monotonic() + SECONDS), random.Random(SEED)
            begun = cpu_seconds([running.process.pid])
            with ThreadPoolExecutor(PEOPLE + WALLS) as pool:
                going = [pool.submit(watch, crowd, path, random.Random(rng.random())) for path in walls]
                for role, cookie in people:
                    person = Person(crowd, role, cookie, category, random.Random(rng.random()))
                    going.append(pool.submit(person.run))
            for one in going:
                one.result()  # nobody goes home without a word
            return told(crowd.tally, cpu_seconds([running.process.pid]) - begun)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def told(tally: Tally, cpu: float) -> int:
    """Print the figures; 1 where there was an error, or nothing was asked."""
    print("| page | requests | p50 ms | p95 ms | longest ms |\n|---|---:|---:|---:|---:|")
    every = [one for some in tally.took.values() for one in some]
    for name, times in [*sorted(tally.took.items()), ("all", every)]:
        cuts = quantiles(times * 2, n=100, method="inclusive")  # twice: of a single one there are no quantiles
        print(f"| {name} | {len(times)} | {cuts[49] * 1000:.0f} | {cuts[94] * 1000:.0f} | {max(times) * 1000:.0f} |")
    print(f"{len(every) / SECONDS:.1f} requests a second, {cpu / SECONDS:.2f} of {os.cpu_count()} cores")
    print(f"errors: {len(tally.errors)}", *tally.errors[:SHOWN_ERRORS], sep="\n")
    return 1 if tally.errors or not every else 0


if __name__ == "__main__":
    sys.exit(main())
