"""消息渠道 as rows: which channels, which hours, from when on; the environment says only what can be reached."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from notifications import kinds
from notifications.models import ChannelRule, Delivery, MessagePreference
from notifications.services import claim, outbox, route
from records.models import Entry
from tests.cast import Cast, client_for

URL = "/admin/notifications/channelrule/"


@pytest.fixture(autouse=True)
def _sms_and_mail(settings: Any) -> None:
    settings.CHANNELS = ["mail", "sms"]
    settings.SMS_URL, settings.CHANNEL_HOSTS = "http://127.0.0.1:9/", ["127.0.0.1"]
    settings.QUIET_HOURS = ""


def rule(channels: list[str], **more: Any) -> ChannelRule:
    return ChannelRule.objects.create(channels=channels, reason="演练", **more)


def told(cast: Cast, key: str) -> list[Delivery]:
    kind = kinds.EventClosed("N-1", "类别", "甘霖镇", None, "/")
    with transaction.atomic():
        outbox.notify(kind, to=[cast.duty], key=key)
    return list(Delivery.objects.filter(message__key=f"{key}:{cast.duty.pk}"))


def test_row_takes_the_place_of_the_settings_from_its_moment_on(cast: Cast) -> None:
    assert told(cast, "a")[0].channel == "mail"
    rule(["sms", "mail"], valid_from=timezone.now() + timedelta(hours=1))
    assert told(cast, "b")[0].channel == "mail", "not yet"
    rule(["sms"])
    assert told(cast, "c")[0].channel == "sms"
    rule([])
    assert told(cast, "d") == [], "the inbox alone"


def test_channel_that_is_off_is_used_by_nobody(cast: Cast) -> None:
    MessagePreference.objects.create(user=cast.duty, channels=["sms", "mail"])
    assert told(cast, "a")[0].channel == "sms"
    rule(["mail"])
    assert told(cast, "b")[0].channel == "mail"
    rule(["robot"])
    assert told(cast, "c") == [], "a row cannot switch on what is not configured"


def test_quiet_hours_of_the_row_hold_back(cast: Cast) -> None:
    now = timezone.localtime()
    start, end = (now + timedelta(hours=h) for h in (-1, 1))
    rule(["mail"], quiet_from=start.time().replace(microsecond=0), quiet_to=end.time().replace(microsecond=0))
    assert told(cast, "a")[0].state == Delivery.State.HELD
    rule(["mail"])
    assert told(cast, "b")[0].state == Delivery.State.PENDING


def test_flood_is_what_the_row_says(cast: Cast) -> None:
    assert [row.few for row in claim.take([told(cast, "a")[0].pk])] == [3]
    rule(["mail"], burst_after=7)
    assert [row.few for row in claim.take([told(cast, "b")[0].pk])] == [7]


def test_notify_asks_no_query_more(cast: Cast, django_assert_num_queries: Any) -> None:
    rule(["mail"])
    with transaction.atomic(), django_assert_num_queries(3):
        outbox.notify(kinds.EventClosed("N-1", "", "", None, "/"), to=[cast.duty], key="q")


# --- the admin ----------------------------------------------------------------------------------------------------------
def data(**more: Any) -> dict[str, Any]:
    now = timezone.localtime()
    day, clock = now.date().isoformat(), now.time().isoformat("seconds")
    return {
        "valid_from_0": day, "valid_from_1": clock, "first": "sms", "second": "mail", "third": "", "burst_after": "3",
        "quiet_from": "21:00", "quiet_to": "06:30", "reason": "入冬作息", **more,
    }  # fmt: skip


@pytest.mark.usefixtures("admin_rights")
def test_bureau_adds_rows_and_never_edits_one(cast: Cast) -> None:
    client = client_for(cast.bureau_admin)
    assert client.post(f"{URL}add/", data()).status_code == 302
    row = ChannelRule.objects.get()
    assert (row.channels, row.quiet_from, row.quiet_to) == (["sms", "mail"], time(21), time(6, 30))
    assert route.house_now().channels == ("sms", "mail")
    assert Entry.objects.about(row).get().by == cast.bureau_admin
    assert client.post(f"{URL}{row.pk}/change/", data(first="mail", second="")).status_code == 403
    assert client.post(f"{URL}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "短信、邮件" in client.get(URL).content.decode()
    assert "入冬作息" in client.get(f"{URL}{row.pk}/change/").content.decode()
    client.post(f"{URL}add/", data(first="mail", second="", valid_from_0="2027-01-01"))
    later = ChannelRule.objects.latest("valid_from")
    page = client.get(f"{URL}{later.pk}/history/").content.decode()
    assert "入冬作息" in page
    assert "<del>短信、邮件</del>" in page


@pytest.mark.usefixtures("admin_rights")
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"valid_from_0": "2026-01-01"}, "最早是现在"),
        ({"second": "sms"}, "只能选一次"),
        ({"quiet_to": ""}, "都填"),
        ({"first": "robot"}, "robot"),
        ({"burst_after": "99"}, "最多填"),
        ({"reason": ""}, "必填"),
    ],
)
def test_row_that_makes_no_sense_is_refused(cast: Cast, wrong: dict[str, str], sentence: str) -> None:
    response = client_for(cast.bureau_admin).post(f"{URL}add/", data(**wrong))
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not ChannelRule.objects.exists()
