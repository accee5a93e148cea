"""What waits for one receiver goes as one message."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from notifications.kinds import Kind
from notifications.models import Delivery
from notifications.services.claim import Claimed
from notifications.transports.letter import Letter

PRESSING = timedelta(hours=1)
LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Batch:
    """Rows of one claim with one channel and address, which are sent and marked together."""

    rows: tuple[Claimed, ...]

    @property
    def claimed_at(self) -> datetime:
        return self.rows[0].claimed_at

    @property
    def is_crowding(self) -> bool:
        """One more within claim.CROWD would be a flood. What has waited once already goes now, and what presses at once."""
        first = self.rows[0]
        if first.few == 0 or first.recent < first.few:
            return False
        return all(row.is_fresh and not _presses(row) for row in self.rows)

    def letter(self) -> Letter:
        """A group hears once what several of its people are told."""
        kinds = dict.fromkeys(row.kind for row in self.rows)
        return Letter(self.rows[0].address, tuple(sorted(kinds, key=_urgency)), mark(self.rows))


def _presses(row: Claimed) -> bool:
    """Due within the hour: of a quarter of an hour to sign for an emergency, a minute and a half is too much to wait."""
    due = row.kind.due_at
    return due is not None and timedelta() < due - row.created_at <= PRESSING


def _urgency(kind: Kind) -> datetime:
    return kind.due_at or LAST


def together(claimed: Iterable[Claimed]) -> dict[str, list[Batch]]:
    """Channel → its batches, in the order in which their first rows were written."""
    groups: dict[tuple[str, str], list[Claimed]] = {}
    for row in claimed:
        groups.setdefault((row.channel, row.address), []).append(row)
    found: dict[str, list[Batch]] = {}
    for (channel, _), rows in groups.items():
        found.setdefault(channel, []).append(Batch(tuple(rows)))
    return found


def mark(rows: Iterable[Claimed | Delivery]) -> str:
    """The same for every try of the same rows. It begins with the time, so that mail files sort by it."""
    first, *others = rows
    more = "-".join(str(row.pk) for row in others)
    tail = f".{hashlib.sha256(more.encode()).hexdigest()[:12]}" if others else ""
    return f"{first.created_at:%Y%m%dT%H%M%S%f}.{first.pk}{tail}"
