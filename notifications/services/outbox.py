"""The outbox: a message is a row of the caller's transaction, and the row, not the broker, is the truth about it."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol

from django.db import connection, transaction

from notifications.kinds import Kind
from notifications.models import Delivery, Message
from notifications.services import broker

MAIL = "mail"


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
