"""The outbox: a message is a row of the caller's transaction, and the row, not the broker, is the truth about it."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from django.contrib.admin.models import CHANGE, LogEntry
from django.core.mail import get_connection
from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from notifications.kinds import Kind
from notifications.models import Delivery, Message, Sweep
from notifications.services import broker, claim, mail
from notifications.services.claim import Claimed

log = logging.getLogger(__name__)

MAIL = "mail"
RETRY_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
HOLD = timedelta(minutes=1)  # a claimed row is sent within this time or put back, well before it counts as stuck
OVERDUE = timedelta(minutes=10)  # open for longer: an admin should look
FRESH = timedelta(seconds=10)  # younger rows are in the hands of the poke that follows their commit
SWEPT = 20_000  # rows a sweep, so that a long backlog is not queued anew each minute
ERROR_LENGTH = 300


class Recipient(Protocol):
    """A user, of whom this room knows no more."""

    @property
    def pk(self) -> Any: ...
    @property
    def email(self) -> str: ...


Notice = tuple[Kind, Iterable[Recipient], str]


def notify(kind: Kind, *, to: Iterable[Recipient], key: str) -> None:
    """Tell these people, in the caller's transaction. A second call with the same `key` is harmless."""
    notify_many([(kind, to, key)])


def notify_many(notices: Iterable[Notice]) -> None:
    """`notify` for several (kind, recipients, key) at once: three queries, however many notices and recipients.

    Raises RuntimeError outside a transaction. After the commit the workers are poked once.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a message belongs to the transaction of what it tells")
    messages: dict[str, Message] = {}
    addresses: dict[str, str] = {}
    for kind, recipients, key in notices:
        for user in recipients:
            own_key = f"{key}:{user.pk}"
            messages[own_key] = Message(
                key=own_key, kind=kind.code(), recipient_id=user.pk, data=kind.as_data(), link=kind.link
            )
            addresses[own_key] = user.email
    if not messages:
        return
    # in one order everywhere: two transactions that insert the same keys wait for each other instead of deadlocking
    Message.objects.bulk_create([messages[key] for key in sorted(messages)], ignore_conflicts=True)
    fresh = Message.objects.filter(key__in=[key for key in messages if addresses[key]], deliveries=None)
    deliveries = Delivery.objects.bulk_create(
        [Delivery(message_id=pk, channel=MAIL, address=addresses[key]) for pk, key in fresh.values_list("pk", "key")]
    )
    if deliveries:
        # robust: without it a failure here would reach the officer as an error after the commit
        transaction.on_commit(partial(broker.poke, [delivery.pk for delivery in deliveries]), robust=True)


def deliver(ids: Sequence[int]) -> None:
    """Send those of these deliveries that nobody else has in hand. At least once: see docs/adr/0004-outbox.md.

    Each row is committed as `sending` before it is sent and marked right after, never in one transaction with the sending.
    """
    claimed = claim.take(ids)
    if not claimed:
        return
    with closing(get_connection()) as transport:
        for position, delivery in enumerate(claimed):
            if timezone.now() > delivery.claimed_at + HOLD:
                _put_back(claimed[position:], timezone.now())
                return
            try:
                transport.open()  # does nothing if it is
                mail.send(delivery, transport)
            except Exception as error:  # whatever it is, it belongs into the row
                _note_failure(delivery, error)
                if mail.is_down(error):
                    _put_back(claimed[position + 1 :], timezone.now() + RETRY_AFTER[0])
                    return
            else:
                claim.mark_sent(delivery)


def _note_failure(delivery: Claimed, error: Exception) -> None:
    """The next try, or failed for good."""
    text = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    if mail.is_permanent(error) or delivery.attempts > len(RETRY_AFTER):
        log.error("delivery %s failed: %s", delivery.pk, text)
        claim.mark(delivery, state=Delivery.State.FAILED, error=text)
    else:
        next_at = timezone.now() + RETRY_AFTER[delivery.attempts - 1]
        claim.mark(delivery, state=Delivery.State.RETRY, next_at=next_at, error=text)


def _put_back(rest: Sequence[Claimed], next_at: datetime) -> None:
    """Let go of claimed rows that were not tried; it does not count as a try."""
    for delivery in rest:
        claim.mark(delivery, state=Delivery.State.RETRY, next_at=next_at, attempts=delivery.attempts - 1)


def sweep() -> None:
    """Poke what waits: not told to the broker, lost by it, up for another try, or left in `sending` by a dead worker."""
    now = timezone.now()
    stuck = Delivery.objects.filter(state=Delivery.State.SENDING, claimed_at__lte=now - claim.STUCK)
    stuck.filter(attempts__gt=len(RETRY_AFTER)).update(state=Delivery.State.FAILED, error="发送进程多次中断")
    due = Delivery.objects.due(now, now - claim.STUCK).filter(state__in=Delivery.OPEN, created_at__lte=now - FRESH)
    poked = 0
    for chunk in broker.chunks(list(due.order_by("created_at").values_list("pk", flat=True)[:SWEPT])):
        if not broker.send(chunk):
            break
        poked += len(chunk)
    Sweep.objects.update_or_create(pk=1, defaults={"ran_at": now, "poked": poked})


def health() -> tuple[float | None, float | None]:
    """Seconds since the last sweep, and the age in seconds of the oldest delivery that is still open; None if none."""
    now = timezone.now()
    swept = Sweep.objects.values_list("ran_at", flat=True).first()
    oldest = Delivery.objects.filter(state__in=Delivery.OPEN).aggregate(at=Min("created_at"))["at"]
    return (now - swept).total_seconds() if swept else None, (now - oldest).total_seconds() if oldest else None


@transaction.atomic
def resend(delivery: Delivery, *, by: Any) -> bool:
    """Put one failed delivery into the queue again, written down in the admin's log. False if it is not failed (any more)."""
    failed = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.FAILED)
    if not failed.update(state=Delivery.State.PENDING, attempts=0, next_at=None, claimed_at=None):
        return False
    LogEntry.objects.log_actions(by.pk, [delivery], CHANGE, change_message="重新发送", single_object=True)
    transaction.on_commit(partial(broker.poke, [delivery.pk]), robust=True)
    return True
