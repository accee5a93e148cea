"""消息设置: the page on which a person chooses how to be told."""

from datetime import time

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from notifications.models import MessagePreference
from records.models import Entry
from tests.cast import Cast, client_for

PAGE = reverse("notifications:preference")
GOOD = {"first": "sms", "second": "mail", "quiet_from": "21:30", "quiet_to": "07:00", "digest_hour": "8"}


@pytest.fixture
def gateway(settings: Settings) -> None:
    settings.SMS_URL = "https://sms/"


@pytest.fixture
def duty(cast: Cast, gateway: None) -> Client:
    return client_for(cast.duty)


def test_the_page_shows_the_houses_defaults_to_who_has_chosen_nothing(cast: Cast, duty: Client) -> None:
    page = duty.get(PAGE)
    text = page.content.decode()
    assert page.context["form"].initial == {
        "first": "mail", "second": "sms", "digest_hour": "", "quiet_from": time(22), "quiet_to": time(7),
    }  # fmt: skip
    assert cast.duty.email in text
    assert 'value="22:00"' in text
    assert '<option value="robot"' not in text
    assert PAGE in duty.get(reverse("notifications:inbox")).content.decode()


def test_save_keeps_what_was_chosen_and_writes_it_down(cast: Cast, duty: Client) -> None:
    answer = duty.post(PAGE, GOOD, follow=True)
    assert "消息设置已保存" in answer.content.decode()
    saved = MessagePreference.objects.get()
    assert (saved.user, saved.channels) == (cast.duty, ["sms", "mail"])
    assert (saved.quiet_from, saved.quiet_to, saved.digest_hour) == (time(21, 30), time(7), 8)
    assert Entry.objects.about(saved).get().what == "修改消息设置"
    assert duty.get(PAGE).context["form"].initial["first"] == "sms"


def test_save_twice_is_one_row(duty: Client) -> None:
    duty.post(PAGE, GOOD)
    duty.post(PAGE, {**GOOD, "quiet_from": "", "quiet_to": "", "digest_hour": ""})
    saved = MessagePreference.objects.get()
    assert (saved.quiet_from, saved.quiet_to, saved.digest_hour) == (None, None, None)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"first": ""}, "请至少选一个渠道。"),
        ({"first": "pigeon"}, "请从列出的渠道里选。"),
        ({"second": "sms"}, "同一个渠道只能选一次。"),
        ({"quiet_to": ""}, "开始和结束请都填写，或都不填。"),
        ({"quiet_from": ""}, "开始和结束请都填写，或都不填。"),
        ({"quiet_to": "21:30"}, "结束不能与开始相同。"),
        ({"quiet_from": "25:00"}, "从"),
        ({"digest_hour": "30"}, "没有期限的消息"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_kept(duty: Client, wrong: dict[str, str], says: str) -> None:
    answer = duty.post(PAGE, {**GOOD, **wrong})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not MessagePreference.objects.exists()


def test_a_channel_that_is_off_is_offered_to_who_has_chosen_it(cast: Cast, settings: Settings) -> None:
    MessagePreference.objects.create(user=cast.duty, channels=["sms"])
    text = client_for(cast.duty).get(PAGE).content.decode()
    assert '<option value="sms" selected>短信</option>' in text
    assert '<option value="robot"' not in text


def test_each_has_a_page_of_their_own(cast: Cast, duty: Client) -> None:
    duty.post(PAGE, GOOD)
    assert client_for(cast.leader).get(PAGE).context["form"].initial["first"] == "mail"


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": []},
        {"quiet_from": time(8)},
        {"quiet_from": time(8), "quiet_to": time(8)},
        {"digest_hour": 24},
    ],
)
def test_the_table_takes_no_half_wish(cast: Cast, wrong: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        MessagePreference.objects.create(user=cast.duty, **{"channels": ["mail"], **wrong})
