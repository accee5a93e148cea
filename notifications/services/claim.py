"""Whose hands a delivery is in: taken by one statement, marked by one statement, each committed by itself.

Plain SQL, because this is the path of every message: through the ORM a message took twice the time, most of it spent on
building the same statements anew.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from notifications.kinds import Kind, restore
from notifications.models import Delivery

log = logging.getLogger(__name__)

STUCK = timedelta(minutes=2)  # claimed longer ago and not marked: the worker died

# `due` of the model. Locked in one order and only what nobody else is locking, so that claims never wait for each other.
TAKE = """
    UPDATE notifications_delivery AS d SET state = 'sending', claimed_at = %(now)s, attempts = d.attempts + 1
    FROM notifications_message AS m
    WHERE m.id = d.message_id AND d.id IN (
        SELECT id FROM notifications_delivery
        WHERE id = ANY(%(ids)s) AND (
            state = 'pending'
            OR state = 'retry' AND next_at <= %(now)s
            OR state = 'sending' AND claimed_at <= %(stuck_before)s
        )
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    RETURNING d.id, d.address, d.created_at, d.attempts, d.claimed_at, m.kind, m.data
"""
SENT = """
    UPDATE notifications_delivery SET state = 'sent', sent_at = %s, error = ''
    WHERE id = %s AND state = 'sending' AND claimed_at = %s
"""


@dataclass(frozen=True, order=True)
class Claimed:
    """A delivery in our hands. `claimed_at` proves that it still is: whoever takes it over sets another."""

    pk: int
    address: str
    created_at: datetime
    attempts: int
    claimed_at: datetime
    kind_code: str
    data: str

    @property
    def kind(self) -> Kind:
        return restore(self.kind_code, json.loads(self.data))


def take(ids: Sequence[int]) -> list[Claimed]:
    """Take these rows as far as they are due and nobody has them in hand; committed when it returns."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"ids": list(ids), "now": now, "stuck_before": now - STUCK})
        return sorted(Claimed(*row) for row in cursor.fetchall())


def mark_sent(claimed: Claimed) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SENT, [timezone.now(), claimed.pk, claimed.claimed_at])
        _check(claimed, cursor.rowcount)


def mark(claimed: Claimed, **fields: Any) -> None:
    """Write what became of a row that was not sent."""
    mine = Delivery.objects.filter(pk=claimed.pk, state=Delivery.State.SENDING, claimed_at=claimed.claimed_at)
    _check(claimed, mine.update(**fields))


def _check(claimed: Claimed, changed: int) -> None:
    if not changed:
        log.warning("delivery %s was claimed anew while it was in hand", claimed.pk)
