"""Tells the workers that rows are waiting. Only a hint: the table is the truth, and the sweep finds what was not told."""

import logging
import time
from collections.abc import Sequence

from celery import current_app

log = logging.getLogger(__name__)

CHUNK = 200  # deliveries a task
QUIET_S = 30  # after a poke that failed, this process leaves the poking to the sweep for so long


class _Breaker:
    """When this process may poke again, on the monotonic clock."""

    quiet_until = 0.0


def chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    """`ids` in pieces that one task takes."""
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]


def send(ids: Sequence[int]) -> bool:
    """Queue one task for these deliveries. False if the broker did not take it (within about 0.5 s); never raises."""
    try:
        current_app.send_task("notifications.deliver", args=[list(ids)])
    except Exception as error:  # whatever the transport throws: the row is safe, and the caller is an officer
        _Breaker.quiet_until = time.monotonic() + QUIET_S
        log.warning("poke failed, the sweep will deliver: %s", error)
        return False
    _Breaker.quiet_until = 0.0
    return True


def poke(ids: Sequence[int]) -> None:
    """After a commit: queue these deliveries, unless the broker failed less than QUIET_S ago. Never raises."""
    for chunk in chunks(ids):
        if time.monotonic() < _Breaker.quiet_until or not send(chunk):
            return
