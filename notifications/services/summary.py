"""One message a day to the administrators about what did not arrive."""

from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from notifications import kinds
from notifications.models import Delivery
from notifications.models.message import OVERDUE
from notifications.services import outbox, route

State = Delivery.State
MOST = 5  # kinds of errors that are named


def summarise() -> None:
    """From SUMMARY_HOUR on: what failed in the day until then, or waits now; nothing if all is well.

    Beat may call it as often as it likes: a person hears of a day once, because the day is in the message's key.
    """
    now = timezone.localtime()
    until = now.replace(hour=settings.SUMMARY_HOUR, minute=0, second=0, microsecond=0)
    text = matter(until - timedelta(days=1), until) if now >= until else ""
    if not text:
        return
    link = f"{reverse('admin:notifications_delivery_changelist')}?attention=any"
    kind = kinds.DeliveriesFailed(f"消息日报 {until:%Y-%m-%d}", text, "本平台", None, link)
    with transaction.atomic():
        outbox.notify(kind, to=route.directory().administrators(), key=f"deliveries_failed:{until:%Y-%m-%d}")


def matter(since: datetime, until: datetime) -> str:
    """How many of each channel, state and error: no address, no number. Empty if there is nothing to say."""
    tried = Delivery.objects.filter(
        state__in=[State.FAILED, State.PASSED_ON], claimed_at__gte=since, claimed_at__lt=until
    )
    found: Counter[tuple[str, str, str]] = Counter()
    for channel, state, error in tried.values_list("channel", "state", "error"):
        found[(Delivery.Channel(channel).label, State(state).label, error.partition(":")[0])] += 1
    parts = [f"{channel}{state} {n} 条（{error}）" for (channel, state, error), n in found.most_common(MOST)]
    if rest := found.total() - sum(n for _, n in found.most_common(MOST)):
        parts.append(f"其他 {rest} 条")
    if waiting := Delivery.objects.stuck(timezone.now()).count():
        parts.append(f"等待发送超过 {OVERDUE // timedelta(minutes=1)} 分钟 {waiting} 条")
    return "；".join(parts)
