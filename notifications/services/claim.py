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

from django.conf import settings
from django.db import connection
from django.utils import timezone

from notifications.kinds import Kind, restore
from notifications.models import Delivery

log = logging.getLogger(__name__)

STUCK = timedelta(minutes=2)  # claimed longer ago and not marked: the worker died

CROWD = timedelta(minutes=2)  # within which more than a few messages to one receiver are a flood

# `due` of the model. Locked in one order and only what nobody else is locking, so that claims never wait for each other.
FEW = """
    COALESCE((
        SELECT burst_after FROM notifications_channelrule WHERE valid_from <= %(now)s ORDER BY valid_from DESC LIMIT 1
    ), %(few)s)
"""
TAKE = """
    UPDATE notifications_delivery AS d SET state = 'sending', claimed_at = %(now)s, attempts = d.attempts + 1,
        created_at = CASE d.state WHEN 'held' THEN d.next_at ELSE d.created_at END
    FROM notifications_message AS m
    WHERE m.id = d.message_id AND d.id IN (
        SELECT id FROM notifications_delivery
        WHERE id = ANY(%(ids)s) AND (
            state = 'pending'
            OR state IN ('retry', 'held') AND next_at <= %(now)s
            OR state = 'sending' AND claimed_at <= %(stuck_before)s
        )
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    RETURNING d.id, d.channel, d.address, d.created_at, d.attempts, d.claimed_at, d.next_at IS NULL,
        (
            SELECT count(*) FROM (
                SELECT FROM notifications_delivery AS s
                WHERE s.channel = d.channel AND s.address = d.address AND s.sent_at > %(crowd_since)s
                AND s.state = 'sent' AND s.batch = s.id
                LIMIT ({few})
            ) AS few
        ),
        ({few}),
        m.id, m.recipient_id, m.kind, m.data
""".replace("{few}", FEW)
SENT = """
    UPDATE notifications_delivery SET state = 'sent', sent_at = %s, error = '', batch = %s
    WHERE id = ANY(%s) AND state = 'sending' AND claimed_at = %s
"""


@dataclass(frozen=True, order=True)
class Claimed:
    """A delivery in our hands. `claimed_at` proves that it still is: whoever takes it over sets another."""

    pk: int
    channel: str
    address: str
    created_at: datetime
    attempts: int
    claimed_at: datetime
    is_fresh: bool  # has not waited yet: neither held nor tried before
    recent: int  # messages that its receiver got by this channel within CROWD, counted up to `few`
    few: int  # from how many on it is a flood; 0: never
    message_pk: int
    recipient_pk: int
    kind_code: str
    data: str

    @property
    def kind(self) -> Kind:
        return restore(self.kind_code, json.loads(self.data))


def take(ids: Sequence[int]) -> list[Claimed]:
    """Take these rows as far as they are due and nobody has them in hand; committed when it returns."""
    now = timezone.now()
    when: dict[str, Any] = {
        "now": now,
        "stuck_before": now - STUCK,
        "crowd_since": now - CROWD,
        "few": settings.BURST_AFTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"ids": list(ids), **when})
        return sorted(Claimed(*row) for row in cursor.fetchall())


def dead(more_than: int) -> list[Claimed]:
    """Rows that were left in `sending` after more than so many tries; not taken, but as they are in their table."""
    left = Delivery.objects.filter(
        state=Delivery.State.SENDING, claimed_at__lte=timezone.now() - STUCK, attempts__gt=more_than
    ).select_related("message")
    return [_as_claimed(delivery) for delivery in left]


def _as_claimed(delivery: Delivery) -> Claimed:
    message = delivery.message
    return Claimed(
        pk=delivery.pk,
        channel=delivery.channel,
        address=delivery.address,
        created_at=delivery.created_at,
        attempts=delivery.attempts,
        claimed_at=delivery.claimed_at or delivery.created_at,
        is_fresh=False,
        recent=0,
        few=0,
        message_pk=message.pk,
        recipient_pk=message.recipient_id,
        kind_code=message.kind,
        data=json.dumps(message.data),
    )


def mark_sent(rows: Sequence[Claimed]) -> None:
    """All of one letter at once: either each of them says so or none, and then they go again."""
    first = rows[0]
    pks = [row.pk for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(SENT, [timezone.now(), first.pk, pks, first.claimed_at])
        if cursor.rowcount < len(rows):
            log.warning("deliveries %s were claimed anew while they were in hand", pks)


def mark(claimed: Claimed, **fields: Any) -> bool:
    """Write what became of a row that was not sent. False if it is not in our hands any more."""
    mine = Delivery.objects.filter(pk=claimed.pk, state=Delivery.State.SENDING, claimed_at=claimed.claimed_at)
    if not mine.update(**fields):
        log.warning("delivery %s was claimed anew while it was in hand", claimed.pk)
        return False
    return True
