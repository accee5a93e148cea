"""var/bench.json for machines, docs/performance.md for people."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HEAD = """# Performance

Written by `make bench` ({cores} cores, Python {python}; `FULL=1` adds a million events). Each page stands beside its bare
twin: a view behind the same middleware and log-in, in the same server, that runs one indexed query and renders a plain
table of as many rows. CPU is user + system time of the web and database processes, a request; it is the figure that a
busy machine disturbs least. Load: four clients on 127.0.0.1.

| events | page | CPU ms | × bare | requests/s | p50 ms | p95 ms | SQL |
|---:|---|---:|---:|---:|---:|---:|---:|
"""
EXPORTS = """Export of the event list, as the guidance office takes it away: one file of at most 100,000 rows, by one process,
from the query to the written file.

| events | as | rows | rows/s | MB |
|---:|---|---:|---:|---:|
"""
AIMS = "Aims: rows only ≤ 1.25 × bare, a whole page ≤ 2 × bare, p95 at 100,000 events ≤ 1.3 × that at 10,000.\n"


def write(rows: Sequence[Any], messages: dict[str, float], exported: Sequence[Any]) -> None:
    """Write both files and print the page's table."""
    found = [{**asdict(row), "ratio": row.ratio} for row in rows]
    told = {"pages": found, "messages": messages, "exports": [asdict(one) for one in exported]}
    var = ROOT / "var"
    var.mkdir(exist_ok=True)
    (var / "bench.json").write_text(json.dumps(told, ensure_ascii=False, indent=1))
    lines = [_line(row) for row in rows]
    text = HEAD.format(cores=os.cpu_count(), python=platform.python_version()) + "\n".join(lines)
    text += f"\n\n{AIMS}\n{_growth(rows)}\n{_exports(exported)}\n{_messages(messages)}"
    (ROOT / "docs" / "performance.md").write_text(text)
    print(text)


def _line(row: Any) -> str:
    f = row.figures
    ratio = f"{row.ratio:.2f}" if row.ratio else ""
    sql = row.sql or ""
    return (
        f"| {row.size:,} | {row.page} | {f.cpu_ms:.1f} | {ratio} | {f.per_second:.0f} |"
        f" {f.p50_ms:.0f} | {f.p95_ms:.0f} | {sql} |"
    )


def _growth(rows: Sequence[Any]) -> str:
    """p95 at the largest size over that at the smallest, page by page."""
    smallest, largest = min(row.size for row in rows), max(row.size for row in rows)
    first = {row.page: row.figures.p95_ms for row in rows if row.size == smallest}
    last = {row.page: row.figures.p95_ms for row in rows if row.size == largest}
    parts = [f"{page} {last[page] / first[page]:.2f}" for page in first if first[page]]
    twins = {(row.size, row.page): row.bare.p95_ms for row in rows if row.bare}
    beside = [
        f"{page} {last[page] / first[page] * twins[smallest, page] / twins[largest, page]:.2f}"
        for page in first
        if (smallest, page) in twins
    ]
    return (
        f"p95 at {largest:,} over p95 at {smallest:,}: {'; '.join(parts)}.\n\n"
        "The same over the growth of the bare twin, which leaves out how fast the machine was in between: "
        f"{'; '.join(beside)}.\n"
    )


def _exports(exported: Sequence[Any]) -> str:
    lines = [
        f"| {one.size:,} | {one.kind.upper()} | {one.rows:,} | {one.per_second:,.0f} | {one.megabytes:.1f} |"
        for one in exported
    ]
    return EXPORTS + "\n".join(lines) + "\n"


def _messages(messages: dict[str, float]) -> str:
    share = messages["messages_per_second"] / messages["empty_tasks_per_second"]
    return (
        f"Messages: {messages['messages_per_second']:.0f} delivered a second ({messages['messages']:.0f} messages, claimed,"
        f" written to a file and marked, by one worker of two processes), {share:.2f} of the"
        f" {messages['empty_tasks_per_second']:.0f} empty tasks a second that the same worker executes. Aim: ≥ 0.5.\n"
    )
