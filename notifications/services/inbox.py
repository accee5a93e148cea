"""What a person has read and has not."""

from typing import Any

from django.utils import timezone

from notifications.models import Message

SHOWN = 99


def unread_shown(user: Any) -> int | str:
    """How many are unread, as the bell shows it: counted no further than 99+, over the partial index of unread ones."""
    unread = len(Message.objects.visible_to(user).unread().values_list("pk")[: SHOWN + 1])  # COUNT needs a subquery
    return f"{SHOWN}+" if unread > SHOWN else unread


def mark_read(message: Message) -> None:
    """Read now, unless it was before."""
    Message.objects.filter(pk=message.pk).unread().update(read_at=timezone.now())


def mark_all_read(user: Any, *, newest: int) -> int:
    """Mark this person's messages up to the one with the key `newest`, the last on the page they saw; how many it was."""
    return Message.objects.visible_to(user).unread().filter(pk__lte=newest).update(read_at=timezone.now())
