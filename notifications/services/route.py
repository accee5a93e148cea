"""By which channel a person is told: the first of theirs that is on and has an address, and the next when it fails."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from importlib import import_module
from typing import Any, Protocol, cast

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from notifications.kinds import Kind
from notifications.models import ChannelRule, Delivery, MessagePreference
from notifications.models.preference import hours
from notifications.rules.hold import Hours, held_until, parse_hours
from notifications.transports.registry import channels_on

Channel = Delivery.Channel
PHONE = re.compile(r"\+?[0-9]{6,15}")


class Recipient(Protocol):
    """A user, of whom this room knows no more."""

    @property
    def pk(self) -> Any: ...
    @property
    def email(self) -> str: ...
    @property
    def mobile(self) -> str: ...


class Directory(Protocol):
    """What this room asks about people; the module that knows lies above it and is named in MESSAGE_DIRECTORY."""

    def groups_of(self, user_ids: Collection[Any], /) -> dict[Any, set[str]]: ...
    def administrators(self) -> list[Any]: ...


def directory() -> Directory:
    return cast(Directory, import_module(settings.MESSAGE_DIRECTORY))


@dataclass(frozen=True)
class Wishes:
    """What a person has chosen, or the house's defaults."""

    channels: tuple[str, ...]
    quiet: Hours | None
    digest_hour: int | None


@dataclass(frozen=True)
class Way:
    """One step of a person's way: the channel, the address there, and until when the message waits."""

    channel: str
    address: str
    held_until: datetime | None

    def delivery(self, message_pk: int) -> Delivery:
        state = Delivery.State.HELD if self.held_until else Delivery.State.PENDING
        return Delivery(
            message_id=message_pk, channel=self.channel, address=self.address, state=state, next_at=self.held_until
        )


def house_wishes(row: dict[str, Any] | None) -> Wishes:
    """The defaults of a `ChannelRule` as its query brings it; of the settings where there is none."""
    if row is None:
        return Wishes(tuple(channels_on()), parse_hours(settings.QUIET_HOURS), None)
    on = channels_on()
    quiet = [time.fromisoformat(row[name]) if row[name] else None for name in ("quiet_from", "quiet_to")]
    return Wishes(tuple(name for name in row["channels"] if name in on), hours(*quiet), None)


def house_now() -> Wishes:
    """What holds at this moment. One query; what writes messages brings the row with its own."""
    return house_wishes(ChannelRule.objects.as_json(timezone.now()).values_list("json", flat=True).first())


def wishes_of(preference: MessagePreference | None, house: Wishes) -> Wishes:
    if preference is None:
        return house
    return Wishes(tuple(preference.channels), preference.quiet, preference.digest_hour)


def groups(user_ids: Iterable[Any]) -> dict[Any, str]:
    """User id → the group with a robot that this person belongs to. Nothing is asked where there are no robots.

    Whoever belongs to two of them is in none here: which one is meant cannot be told.
    """
    if Channel.ROBOT not in channels_on():
        return {}
    found = directory().groups_of(set(user_ids))
    own = {user_id: codes & settings.ROBOT_SECRETS.keys() for user_id, codes in found.items()}
    return {user_id: next(iter(codes)) for user_id, codes in own.items() if len(codes) == 1}


def ways(user: Recipient, group: str, wishes: Wishes, house: Wishes, kind: Kind) -> Iterator[Way]:
    """Every way that is open now, the best one first: none by a channel that the house does not use."""
    for channel in wishes.channels:
        address = _address(channel, user, group)
        if channel in house.channels and address:
            yield Way(channel, address, _held(channel, wishes, house, kind))


def _address(channel: str, user: Recipient, group: str) -> str:
    if channel == Channel.MAIL:
        return user.email
    if channel == Channel.ROBOT:
        return group
    phone = re.sub(r"[\s-]", "", user.mobile)
    return phone if PHONE.fullmatch(phone) else ""


def _held(channel: str, wishes: Wishes, house: Wishes, kind: Kind) -> datetime | None:
    """A group keeps the house's quiet hours and not one person's: otherwise it would hear the same again for each."""
    own = house if channel == Channel.ROBOT else wishes
    return held_until(timezone.localtime(), has_clock=kind.has_clock, quiet=own.quiet, digest_hour=own.digest_hour)


def next_way(message_pk: int, recipient_pk: int, kind: Kind) -> Way | None:
    """The first way that this message has not been sent by. For what has failed, so its queries do not matter."""
    user = get_user_model()._default_manager.get(pk=recipient_pk)
    house = house_now()
    wishes = wishes_of(MessagePreference.objects.filter(pk=recipient_pk).first(), house)
    tried = set(Delivery.objects.filter(message_id=message_pk).values_list("channel", flat=True))
    group = groups([recipient_pk]).get(recipient_pk, "")
    open_ways = ways(cast(Recipient, user), group, wishes, house, kind)
    return next((way for way in open_ways if way.channel not in tried), None)
