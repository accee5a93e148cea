"""`make latency`: how long each kind of message takes from its commit to the receiver, under normal load.

The portal runs as in `make run`; a mail server and a web hook in this process note when each message arrives. A few a
second are written, of every kind in turn, each for a receiver of its own, so that none is gathered into another's letter.
"""

import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import quantiles

import django

from bench.chaos import GROUPS, environ_for, portal, wait
from bench.sinks import MailSink, WebSink, mail_sink, web_sink

EACH = int(os.environ.get("LATENCY_EACH", "20"))
A_SECOND = 10
ARRIVAL_S = 120


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="latency-"))
    try:
        with mail_sink() as mails, web_sink() as hooks, portal(folder / "var", mails, hooks) as running:
            environ_for(running)
            django.setup()
            measure(mails, hooks)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def measure(mails: MailSink, hooks: WebSink) -> None:
    from django.db import transaction  # noqa: PLC0415 - needs the settings that `main` makes

    from bench.receipts import numbers_of_hook, numbers_of_mail  # noqa: PLC0415
    from bench.seed import readers  # noqa: PLC0415
    from notifications.kinds import KINDS  # noqa: PLC0415
    from notifications.services.outbox import notify  # noqa: PLC0415

    people = readers(len(KINDS) * EACH, GROUPS)
    sent: dict[str, tuple[str, float]] = {}
    for place, user in enumerate(people):
        kind = list(KINDS.values())[place % len(KINDS)]
        number = f"哨330683100-20261124-{place:04}"
        with transaction.atomic():
            notify(replace(kind.sample(), number=number), to=[user], key=f"latency:{place}")
        sent[number] = (kind.code(), time.monotonic())
        time.sleep(1 / A_SECOND)

    def arrived() -> dict[str, float]:
        found = {number: at for raw, at in zip(mails.mails, mails.at, strict=False) for number in numbers_of_mail(raw)}
        return found | {number: got.at for got in hooks.got for number in numbers_of_hook(got)}

    wait(lambda: len(arrived()) == len(sent), ARRIVAL_S, "messages did not arrive")
    took: dict[str, list[float]] = defaultdict(list)
    for number, at in arrived().items():
        code, committed = sent[number]
        took[code].append((at - committed) * 1000)
    print("| kind | messages | p50 ms | p95 ms |\n|---|---:|---:|---:|")
    for code, times in [*sorted(took.items()), ("all", [ms for some in took.values() for ms in some])]:
        cuts = quantiles(times, n=100, method="inclusive")
        print(f"| {code} | {len(times)} | {cuts[49]:.0f} | {cuts[94]:.0f} |")


if __name__ == "__main__":
    sys.exit(main())
