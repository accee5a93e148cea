"""What becomes of a row that was not sent: another try, the next channel, or failed for good."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from notifications.models import Delivery
from notifications.services import broker, claim, route
from notifications.services.batch import Batch
from notifications.services.claim import Claimed
from notifications.transports.registry import Transport

log = logging.getLogger(__name__)

RETRY_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
PATIENCE = timedelta(minutes=1)  # what has a clock running tries the next channel rather than wait longer for this one
ERROR_LENGTH = 300
SHORTEST_SECRET = 4


def note(batch: Batch, error: Exception, transport: Transport) -> None:
    """The next try of each row, or the next channel, or failed."""
    text = scrubbed(f"{type(error).__name__}: {error}", batch.rows[0].address)
    is_permanent = transport.is_permanent(error)
    for row in batch.rows:
        if is_permanent or row.attempts > len(RETRY_AFTER):
            give_up(row, text)
        elif not (is_impatient(row) and pass_on(row, text)):
            next_at = timezone.now() + RETRY_AFTER[row.attempts - 1]
            claim.mark(row, state=Delivery.State.RETRY, next_at=next_at, error=text)


def put_off(rest: Iterable[Batch], error: Exception) -> None:
    """The transport is down: let go of what was not tried, or, where a clock is running, send it by the next channel."""
    next_at = timezone.now() + RETRY_AFTER[0]
    for batch in rest:
        text = scrubbed(f"{type(error).__name__}: {error}", batch.rows[0].address)
        for row in batch.rows:
            if not (is_impatient(row) and pass_on(row, text)):
                put_back([row], next_at)


def put_back(rows: Iterable[Claimed], next_at: datetime) -> None:
    """Let go of claimed rows that were not tried; it does not count as a try."""
    for row in rows:
        claim.mark(row, state=Delivery.State.RETRY, next_at=next_at, attempts=row.attempts - 1)


def is_impatient(row: Claimed) -> bool:
    return row.kind.has_clock and timezone.now() - row.created_at >= PATIENCE


def give_up(row: Claimed, text: str) -> None:
    """By the next channel, or failed if there is none."""
    if not pass_on(row, text) and claim.mark(row, state=Delivery.State.FAILED, error=text):
        log.error("delivery %s failed: %s", row.pk, text)


@transaction.atomic
def pass_on(row: Claimed, text: str) -> bool:
    """The person's next channel takes the message over, in the transaction that marks this one. False if there is none."""
    way = route.next_way(row.message_pk, row.recipient_pk, row.kind)
    if way is None:
        return False
    if claim.mark(row, state=Delivery.State.PASSED_ON, error=text):
        log.warning("delivery %s goes on by %s: %s", row.pk, way.channel, text)
        delivery = way.delivery(row.message_pk)
        delivery.save()
        if way.held_until is None:
            transaction.on_commit(partial(broker.poke, [delivery.pk]), robust=True)
    return True


def scrubbed(text: str, address: str) -> str:
    """The words of an error without the receiver's address and without anything that opens a door."""
    for word in sorted({address, *secrets()} - {""}, key=len, reverse=True):
        text = text.replace(word, "…")
    return re.sub(r"(?i)(access_token|sign)=[^&\s'\"]+", r"\1=…", text)[:ERROR_LENGTH]


def secrets() -> Iterator[str]:
    """Every secret of the channels that is long enough to be one."""
    found = [settings.EMAIL_HOST_PASSWORD, settings.SMS_SECRET]
    for robot in settings.ROBOT_SECRETS.values():
        found += [robot.get("secret", ""), *dict(parse_qsl(urlsplit(robot.get("url", "")).query)).values()]
    yield from (secret for secret in found if len(secret) >= SHORTEST_SECRET)


def note_dead(rows: Sequence[Claimed]) -> None:
    """Rows that killed their worker each time."""
    for row in rows:
        give_up(row, "发送进程多次中断")
