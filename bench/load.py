"""A bounded load on this machine, and what it cost the server in CPU time."""

import http.client
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode

TICKS = os.sysconf("SC_CLK_TCK")
CLIENTS = 4
PERCENTILES = 100


@dataclass(frozen=True)
class Call:
    path: str
    cookie: str
    form: dict[str, str] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    expect: tuple[int, ...] = (200,)


@dataclass(frozen=True)
class Figures:
    requests: int
    per_second: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float  # user + system of web and database processes, a request


def cpu_seconds(roots: Sequence[int]) -> float:
    """User + system time of these processes and all below them; of ended ones it is their parent's to tell."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        parents[int(stat.parent.name)] = int(fields[1])
        ticks[int(stat.parent.name)] = sum(map(int, fields[11:15]))
    counted = set(roots)
    while grown := {pid for pid, parent in parents.items() if parent in counted} - counted:
        counted |= grown
    return sum(ticks.get(pid, 0) for pid in counted) / TICKS


def run(port: int, calls: Sequence[Call], roots: Sequence[int]) -> Figures:
    """Send all calls, a few at a time. Raises AssertionError at the first answer that is not expected."""
    before, begun = cpu_seconds(roots), time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        times = list(pool.map(lambda call: _timed(port, call), calls))
    took = time.perf_counter() - begun
    cpu = cpu_seconds(roots) - before
    cuts = quantiles(times, n=PERCENTILES)
    return Figures(
        requests=len(calls),
        per_second=round(len(calls) / took, 1),
        p50_ms=round(cuts[49] * 1000, 1),
        p95_ms=round(cuts[94] * 1000, 1),
        cpu_ms=round(cpu / len(calls) * 1000, 2),
    )


def answer(port: int, call: Call, patience_s: float = 60) -> tuple[int, str, dict[str, str]]:
    """(status, body, headers) of one call."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience_s)
    headers = {"Host": "localhost", "Cookie": call.cookie, **dict(call.headers)}
    try:
        if call.form is None:
            connection.request("GET", call.path, headers=headers)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", call.path, urlencode(call.form, doseq=True), headers)
        response = connection.getresponse()
        return response.status, response.read().decode(), dict(response.getheaders())
    finally:
        connection.close()


def _timed(port: int, call: Call) -> float:
    begun = time.perf_counter()
    status, body, _ = answer(port, call)
    took = time.perf_counter() - begun
    if status not in call.expect:
        raise AssertionError(f"{call.path}: {status}\n{body[:2000]}")
    return took


def until(true: Callable[[], bool], seconds: float) -> float:
    """Wait until it is true; how long it took. Raises TimeoutError."""
    begun = time.perf_counter()
    while not true():
        if time.perf_counter() - begun > seconds:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.02)
    return time.perf_counter() - begun
