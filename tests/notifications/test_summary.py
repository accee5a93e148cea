"""The daily message to the administrators about what did not arrive."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from notifications.models import Delivery, Message
from notifications.services import summary
from tests.cast import Cast, client_for
from tests.notifications.conftest import MakeDeliveries

HERE = ZoneInfo("Asia/Shanghai")
NINE = datetime(2026, 11, 24, 9, tzinfo=HERE)
ADDRESS = "somebody@example.invalid"


@pytest.fixture
def troubles(cast: Cast, deliveries: MakeDeliveries) -> None:
    with time_machine.travel(NINE - timedelta(hours=3), tick=False):
        now = timezone.now()
        deliveries(2, key="a", state="failed", claimed_at=now, error=f"SMTPRecipientsRefused: {ADDRESS}")
        deliveries(1, key="b", state="passed_on", claimed_at=now, error="Away: HTTP 503", channel="robot")
        deliveries(1, key="c", state="failed", claimed_at=now - timedelta(days=1), error="Old: x")
        deliveries(3, key="d")
        deliveries(1, key="e", state="held", next_at=now + timedelta(days=1))
        deliveries(1, key="f", state="sent", sent_at=now)


def summaries() -> list[Message]:
    return list(Message.objects.filter(kind="deliveries_failed"))


@time_machine.travel(NINE, tick=False)
def test_administrators_hear_how_many_of_each_and_nothing_about_whom(cast: Cast, troubles: None) -> None:
    summary.summarise()
    (told,) = summaries()
    assert told.recipient == cast.bureau_admin
    assert told.data["number"] == "消息日报 2026-11-24"
    assert told.data["matter"] == (
        "邮件发送失败 2 条（SMTPRecipientsRefused）；群机器人改走下一渠道 1 条（Away）；等待发送超过 10 分钟 3 条"
    )
    assert ADDRESS not in str(told.data)


@time_machine.travel(NINE, tick=False)
def test_the_link_shows_all_of_them(cast: Cast, troubles: None, admin_rights: None) -> None:
    summary.summarise()
    page = client_for(cast.bureau_admin).get(summaries()[0].link)
    assert page.context["cl"].result_count == 7


def test_a_day_is_told_once_however_often_beat_comes(cast: Cast, troubles: None) -> None:
    for hour in (9, 9, 10, 23):
        with time_machine.travel(NINE.replace(hour=hour), tick=False):
            summary.summarise()
    assert len(summaries()) == 1


@time_machine.travel(NINE.replace(hour=7, minute=59), tick=False)
def test_before_the_hour_nothing_is_told(cast: Cast, troubles: None) -> None:
    summary.summarise()
    assert summaries() == []


@time_machine.travel(NINE, tick=False)
def test_nothing_is_told_if_all_is_well(cast: Cast, deliveries: MakeDeliveries) -> None:
    deliveries(2, key="d")
    deliveries(1, key="f", state="sent", sent_at=timezone.now())
    summary.summarise()
    assert summaries() == []


@time_machine.travel(NINE, tick=False)
def test_errors_beyond_the_first_few_are_counted(cast: Cast, deliveries: MakeDeliveries) -> None:
    for number in range(summary.MOST + 2):
        deliveries(1, key=f"e{number}", state="failed", claimed_at=NINE - timedelta(hours=2), error=f"Error{number}: x")
    summary.summarise()
    assert summaries()[0].data["matter"].endswith("；其他 2 条")
    assert Delivery.objects.filter(message__in=summaries()).exists()
