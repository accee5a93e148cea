"""How a person wants to be told."""

from datetime import time
from typing import Any

from django.db import transaction
from django.utils import timezone

from notifications.kinds import restore
from notifications.models import Delivery, MessagePreference
from notifications.rules.hold import held_until
from notifications.services import route
from records.models import Stage
from records.services import record


def wishes(user: Any) -> tuple[route.Wishes, route.Wishes]:
    """What this person has chosen, and the house's defaults, which hold for whoever has chosen nothing."""
    house = route.house_now()
    return route.wishes_of(MessagePreference.objects.filter(pk=user.pk).first(), house), house


@transaction.atomic
def save(
    user: Any, *, channels: list[str], quiet_from: time | None, quiet_to: time | None, digest_hour: int | None, by: Any
) -> MessagePreference:
    """Keep what was chosen; it holds at once, also for what is held back already. Twice is once."""
    preference, _ = MessagePreference.objects.update_or_create(
        pk=user.pk,
        defaults={"channels": channels, "quiet_from": quiet_from, "quiet_to": quiet_to, "digest_hour": digest_hour},
    )
    replan(preference)
    record(preference, "preference_saved", by=by, what="修改消息设置", stage=Stage.FILE)
    return preference


def replan(preference: MessagePreference) -> None:
    """When what is held back for this person may go now. A group's robot keeps the house's hours."""
    now = timezone.localtime()
    held = Delivery.objects.filter(state=Delivery.State.HELD, message__recipient_id=preference.pk)
    for delivery in held.exclude(channel=Delivery.Channel.ROBOT).select_related("message"):
        until = held_until(
            now,
            has_clock=restore(delivery.message.kind, delivery.message.data).has_clock,
            quiet=preference.quiet,
            digest_hour=preference.digest_hour,
        )
        Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.HELD).update(next_at=until or now)
