"""Text messages by a gateway's HTTP template, against a server on this machine."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from pytest_django import Settings

from bench.sinks import WebSink, web_sink
from notifications import kinds
from notifications.transports import sms
from notifications.transports.errors import Away, Busy, NotAllowed, Refused
from notifications.transports.letter import Letter

SECRET = "gateway-secret"
KIND = kinds.DispatchSent("派-7", "日常哨", '甘霖"镇', "2026-11-24T16:30:00+08:00", "/d/7/")
ONE = Letter("13800000001", (KIND,), "m.1")
WORDS = '派单等您签收 派-7 甘霖"镇 11月24日16:30前 http://localhost:8000/d/7/'


@pytest.fixture
def gateway(settings: Settings) -> Iterator[WebSink]:
    with web_sink() as running:
        settings.SMS_URL = f"{running.origin}/send"
        settings.SMS_SECRET = SECRET
        settings.SMS_HEADERS = {"Authorization": "Bearer {secret}"}
        settings.SMS_ALLOW = ["*"]
        settings.CHANNEL_HOSTS = [running.origin]
        settings.CHANNEL_TIMEOUT = 0.4
        yield running


def send(letter: Letter = ONE) -> None:
    line = sms.connect()
    try:
        sms.send(line, letter)
    finally:
        line.close()


def test_a_json_gateway_gets_phone_text_and_secret(gateway: WebSink) -> None:
    send()
    (got,) = gateway.got
    assert got.headers["Authorization"] == f"Bearer {SECRET}"
    assert json.loads(got.body) == {"phone": "13800000001", "text": WORDS}


def test_a_form_gateway_gets_the_same(gateway: WebSink, settings: Settings) -> None:
    settings.SMS_CONTENT_TYPE = "application/x-www-form-urlencoded"
    settings.SMS_BODY = "mobile={phone}&content={text}&key={secret}"
    send()
    assert parse_qs(gateway.got[0].body) == {"mobile": ["13800000001"], "content": [WORDS], "key": [SECRET]}


def test_a_gateway_that_is_asked_by_get(gateway: WebSink, settings: Settings) -> None:
    settings.SMS_METHOD, settings.SMS_BODY = "GET", ""
    settings.SMS_URL += "?m={phone}&c={text}"
    send()
    (got,) = gateway.got
    assert (got.method, got.query) == ("GET", {"m": "13800000001", "c": WORDS})


def test_a_text_with_braces_stays_what_it_is(gateway: WebSink) -> None:
    send(Letter("13800000001", (kinds.DispatchSent("{secret}", "m", "{phone}", None, "/d/"),), "m"))
    assert "{secret} {phone}" in json.loads(gateway.got[0].body)["text"]


def test_an_answer_that_does_not_confirm_passes(gateway: WebSink) -> None:
    gateway.answers = [(200, '{"code": 12, "msg": "balance"}')]
    with pytest.raises(Busy) as error:
        send()
    assert not sms.is_permanent(error.value)


def test_an_answer_that_refuses_is_for_good(gateway: WebSink, settings: Settings) -> None:
    settings.SMS_REFUSED = '"code": ?404'
    gateway.answers = [(200, '{"code": 404, "msg": "no such number"}')]
    with pytest.raises(Refused) as error:
        send()
    assert sms.is_permanent(error.value)


def test_a_gateway_in_trouble_is_away(gateway: WebSink) -> None:
    gateway.answers = [(503, "")]
    with pytest.raises(Away):
        send()


def test_a_number_that_is_not_listed_is_not_written_to(gateway: WebSink, settings: Settings) -> None:
    settings.SMS_ALLOW = ["13800000009"]
    with pytest.raises(NotAllowed, match="SMS_ALLOW"):
        send()
    assert gateway.got == []


def test_several_are_one_text_and_what_does_not_fit_is_counted(gateway: WebSink) -> None:
    many = tuple(kinds.DispatchSent(f"派-{n:03}", "日常哨", "甘霖镇", None, f"/d/{n}/") for n in range(20))
    send(Letter("13800000001", many, "m"))
    text = json.loads(gateway.got[0].body)["text"]
    assert text.startswith("20条：\n派单等您签收 派-000 甘霖镇 http://localhost:8000/d/0/")
    shown = text.count("派单等您签收")
    assert f"另有{20 - shown}条 http://localhost:8000/messages/" in text
    assert len(text) < sms.LONGEST + 60


@pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=kinds.KINDS)
def test_one_message_is_at_most_two_parts(kind: type[kinds.Kind]) -> None:
    assert len(sms.text(Letter("", (kind.sample(),), ""))) <= 2 * 67
