"""What people were told in the last days: inbox lines, and deliveries that have gone out."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from command_room.demo.book import Notice
from enforcement.models import Dispatch, Event, Whistle
from notifications.models import Delivery, Message

KEPT = timedelta(days=3)
UNREAD_FOR, NOT_SEEN_FOR, READ_SHARE = timedelta(hours=5), timedelta(minutes=90), 0.6
BATCH = 2000


def save(notices: Iterable[Notice], now: datetime, rng: Random) -> None:
    """Insert those of the last days; the newest are mostly unread. Nothing is left to be sent."""
    recent = sorted((notice for notice in notices if notice.at > now - KEPT), key=lambda notice: notice.at)
    messages = Message.objects.bulk_create(_messages(recent, now, rng), batch_size=BATCH, ignore_conflicts=False)
    Delivery.objects.bulk_create(_deliveries(messages), batch_size=BATCH)


def _messages(notices: Sequence[Notice], now: datetime, rng: Random) -> Iterator[Message]:
    for notice in notices:
        about = notice.about
        kind = notice.kind(
            number=about.number,
            matter=_matter(about),
            unit=notice.unit.short_name,
            due=notice.due.isoformat() if notice.due else None,
            link=(notice.page or about).get_absolute_url(),  # type: ignore[attr-defined]
        )
        for user in notice.to:
            age = now - notice.at
            is_read = age > UNREAD_FOR or (age > NOT_SEEN_FOR and rng.random() < READ_SHARE)
            yield Message(
                key=":".join(filter(None, (kind.code(), str(about.pk), notice.key, str(user.pk)))),
                kind=kind.code(),
                recipient=user,
                data=kind.as_data(),
                link=kind.link,
                created_at=notice.at,
                read_at=min(notice.at + timedelta(minutes=rng.randint(2, 90)), now) if is_read else None,
            )


def _matter(about: Event | Whistle | Dispatch) -> str:
    if isinstance(about, Event):
        return about.category.name
    return (about if isinstance(about, Whistle) else about.whistle).get_kind_display()


def _deliveries(messages: Sequence[Message]) -> Iterator[Delivery]:
    for message in messages:
        sent_at = message.created_at + timedelta(seconds=2)
        yield Delivery(
            message=message,
            channel=Delivery.Channel.MAIL,
            address=message.recipient.email,
            state=Delivery.State.SENT,
            attempts=1,
            sent_at=sent_at,
            created_at=message.created_at,
        )
