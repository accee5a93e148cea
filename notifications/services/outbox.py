"""The outbox: a message is a row of the caller's transaction, and the row, not the broker, is the truth about it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection, transaction
from django.db.models import Min, Subquery
from django.utils import timezone

from notifications.kinds import Kind, restore
from notifications.models import ChannelRule, Delivery, Message, Sweep
from notifications.models.preference import hours
from notifications.services import broker, claim, failure, route
from notifications.services.batch import Batch, together
from notifications.services.route import Recipient, Way, Wishes
from notifications.transports.registry import TRANSPORTS, Transport

HOLD = timedelta(minutes=1)  # a claimed row is sent within this time or put back, well before it counts as stuck
GATHER = timedelta(seconds=30)  # what would be a flood waits so long, and then for the sweep: all of it is one message
FRESH = timedelta(seconds=10)  # younger rows are in the hands of the poke that follows their commit
MOST_RESENT = 1000  # by one press
SWEPT = 20_000  # rows a sweep, so that a long backlog is not queued anew each minute

Notice = tuple[Kind, Iterable[Recipient], str]
_kept: ContextVar[list[Notice] | None] = ContextVar("kept", default=None)


@contextmanager
def kept_back() -> Iterator[list[Notice]]:
    """What is told inside is not told, but handed to the caller, who has something shorter to say of many of them."""
    notices: list[Notice] = []
    token = _kept.set(notices)
    try:
        yield notices
    finally:
        _kept.reset(token)


def notify(kind: Kind, *, to: Iterable[Recipient], key: str) -> None:
    """Tell these people, in the caller's transaction. A second call with the same `key` is harmless."""
    notify_many([(kind, to, key)])


def notify_many(notices: Iterable[Notice]) -> None:
    """`notify` for several (kind, recipients, key) at once: three queries, however many notices and recipients.

    Raises RuntimeError outside a transaction. After the commit the workers are poked once.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a message belongs to the transaction of what it tells")
    if (kept := _kept.get()) is not None:
        kept.extend((kind, list(recipients), key) for kind, recipients, key in notices)
        return
    messages: dict[str, Message] = {}
    people: dict[Any, Recipient] = {}
    for kind, recipients, key in notices:
        for user in recipients:
            own_key = f"{key}:{user.pk}"
            messages[own_key] = Message(
                key=own_key, kind=kind.code(), recipient_id=user.pk, data=kind.as_data(), link=kind.link
            )
            people[user.pk] = user
    if not messages:
        return
    # in one order everywhere: two transactions that insert the same keys wait for each other instead of deadlocking
    Message.objects.bulk_create([messages[key] for key in sorted(messages)], ignore_conflicts=True)
    made = Delivery.objects.bulk_create(
        way.delivery(pk) for pk, way in _first_ways(list(messages), people) if way is not None
    )
    if pending := [delivery.pk for delivery in made if delivery.state == Delivery.State.PENDING]:
        # robust: without it a failure here would reach the officer as an error after the commit
        transaction.on_commit(partial(broker.poke, pending), robust=True)


def _first_ways(keys: Sequence[str], people: dict[Any, Recipient]) -> Iterable[tuple[int, Way | None]]:
    """Key of each message that has no delivery yet, and by which way it goes first. One query; one more with robots."""
    groups = route.groups(people)
    fields = ("channels", "quiet_from", "quiet_to", "digest_hour")
    rule = Subquery(ChannelRule.objects.as_json(timezone.now()))
    fresh = Message.objects.filter(key__in=keys, deliveries=None).values_list(
        "pk", "recipient_id", "kind", "data", rule, *(f"recipient__message_preference__{field}" for field in fields)
    )
    for pk, user_pk, kind, data, row, channels, quiet_from, quiet_to, digest_hour in fresh:
        house = route.house_wishes(row)
        wishes = house if channels is None else Wishes(tuple(channels), hours(quiet_from, quiet_to), digest_hour)
        ways = route.ways(people[user_pk], groups.get(user_pk, ""), wishes, house, restore(kind, data))
        yield pk, next(ways, None)


def deliver(ids: Sequence[int]) -> None:
    """Send those of these deliveries that nobody else has in hand. At least once: see docs/adr/0004-outbox.md.

    Each row is committed as `sending` before it is sent and marked right after, never in one transaction with the sending.
    What goes to one receiver goes as one message.
    """
    for channel, batches in together(claim.take(ids)).items():
        _deliver_by(TRANSPORTS[channel], batches)


def _deliver_by(transport: Transport, batches: Sequence[Batch]) -> None:
    with closing(transport.connect()) as line:
        for position, batch in enumerate(batches):
            if timezone.now() > batch.claimed_at + HOLD:
                failure.put_back((row for late in batches[position:] for row in late.rows), timezone.now())
                return
            if batch.is_crowding:
                failure.put_back(batch.rows, timezone.now() + GATHER)
                continue
            try:
                transport.send(line, batch.letter())
            except Exception as error:  # whatever it is, it belongs into the row
                failure.note(batch, error, transport)
                if transport.is_down(error):
                    failure.put_off(batches[position + 1 :], error)
                    return
            else:
                claim.mark_sent(batch.rows)


def sweep() -> None:
    """Poke what waits: not told to the broker, lost by it, up for another try, or left in `sending` by a dead worker."""
    now = timezone.now()
    failure.note_dead(claim.dead(len(failure.RETRY_AFTER)))
    due = Delivery.objects.due(now, now - claim.STUCK).filter(state__in=Delivery.OPEN, created_at__lte=now - FRESH)
    held = Delivery.objects.filter(state=Delivery.State.HELD, next_at__lte=now)
    waiting = [
        *due.order_by("created_at").values_list("pk", "channel", "address")[:SWEPT],
        *held.order_by("next_at").values_list("pk", "channel", "address")[:SWEPT],
    ]
    poked = 0
    for chunk in _by_receiver(waiting):
        if not broker.send(chunk):
            break
        poked += len(chunk)
    Sweep.objects.update_or_create(pk=1, defaults={"ran_at": now, "poked": poked})


def _by_receiver(waiting: Iterable[tuple[int, str, str]]) -> list[list[int]]:
    """In pieces of one task each, which never part what waits for one receiver: it is to go as one message."""
    receivers: dict[tuple[str, str], list[int]] = {}
    for pk, channel, address in waiting:
        receivers.setdefault((channel, address), []).append(pk)
    chunks: list[list[int]] = []
    for pks in receivers.values():
        if not chunks or len(chunks[-1]) + len(pks) > broker.CHUNK:
            chunks.append([])
        chunks[-1] += pks
    return chunks


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


def resend_failed(*, by: Any) -> int:
    """The same for every failed one; how many it was."""
    failed = Delivery.objects.filter(state=Delivery.State.FAILED).order_by("-id")[:MOST_RESENT]
    return sum(resend(delivery, by=by) for delivery in failed)
