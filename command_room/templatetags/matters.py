"""What a message is about, for the inbox alone: looked up when it is read, as no title goes into a message."""

from collections.abc import Iterable
from typing import Any

from django import template

from enforcement.models import Dispatch, Event, Whistle
from notifications.kinds import Kind
from notifications.models import Message

register = template.Library()


@register.simple_tag
def with_titles(lines: Iterable[tuple[Message, Kind]], user: Any) -> list[tuple[Message, Kind, str]]:
    """Each line with the title of its matter; without one where this person may not see it now. Three queries."""
    lines = list(lines)
    numbers = [kind.number for _, kind in lines]
    titles: dict[str, str] = {}
    for rows, title in ((Event.objects, "title"), (Whistle.objects, "title"), (Dispatch.objects, "whistle__title")):
        titles.update(rows.visible_to(user).filter(number__in=numbers).values_list("number", title))
    return [(message, kind, titles.get(kind.number, "")) for message, kind in lines]
