"""A group's robot against a server on this machine that checks the signature as DingTalk does."""

import base64
import hashlib
import hmac
import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from bench.sinks import WebSink, web_sink
from notifications import kinds
from notifications.services import failure
from notifications.transports import robot
from notifications.transports.errors import Away, Busy, NotAllowed, Refused
from notifications.transports.letter import SHOWN, Letter

TOKEN, SECRET = "0123456789abcdef-token", "SEC-0123456789-secret"
ONE = Letter("ganlin", (kinds.DispatchSent.sample(),), "m.1")


@pytest.fixture
def sink(settings: Settings) -> Iterator[WebSink]:
    with web_sink() as running:
        settings.ROBOT_SECRETS = {
            "ganlin": {"url": f"{running.origin}/robot/send?access_token={TOKEN}", "secret": SECRET}
        }
        settings.CHANNEL_HOSTS = [running.origin]
        settings.CHANNEL_TIMEOUT = 0.4
        yield running


def send(letter: Letter = ONE) -> None:
    line = robot.connect()
    try:
        robot.send(line, letter)
    finally:
        line.close()


def test_the_request_is_signed_as_the_robot_wants_it(sink: WebSink) -> None:
    send()
    (got,) = sink.got
    assert (got.method, got.path, got.query["access_token"]) == ("POST", "/robot/send", TOKEN)
    expected = hmac.new(SECRET.encode(), f"{got.query['timestamp']}\n{SECRET}".encode(), hashlib.sha256).digest()
    assert base64.b64decode(got.query["sign"]) == expected
    assert abs(int(got.query["timestamp"]) / 1000 - time.time()) < 5
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_signature_is_quoted_for_an_address() -> None:
    quoted = {robot.signature(SECRET, stamp).partition("sign=")[2] for stamp in range(200)}
    assert not any(set("+/=") & set(sign) for sign in quoted)
    assert any("%2B" in sign for sign in quoted)


def test_the_message_holds_the_five_things(sink: WebSink) -> None:
    send()
    said = json.loads(sink.got[0].body)
    assert said["msgtype"] == "markdown"
    assert said["markdown"]["title"] == "派单等您签收 哨330683102-20261124-0007"
    text = said["markdown"]["text"]
    for part in ("哨330683102-20261124-0007", "日常哨·急", "甘霖镇", "签收期限：2026年11月24日 16:30"):
        assert part in text
    assert "](http://localhost:8000/messages/)" in text


def test_markup_in_a_value_is_none(sink: WebSink) -> None:
    send(Letter("ganlin", (kinds.DispatchSent("[x](http://evil)", "# a\nb", "甘霖镇", None, "/x/"),), "m"))
    text = json.loads(sink.got[0].body)["markdown"]["text"]
    assert r"\[x\]\(http://evil\)" in text
    assert r"\# a b" in text


def test_a_long_letter_counts_what_it_leaves_out(sink: WebSink) -> None:
    many = tuple(kinds.DispatchSent(f"派-{n:03}", "日常哨", "甘霖镇", None, f"/x/{n}/") for n in range(SHOWN + 7))
    send(Letter("ganlin", many, "m"))
    text = json.loads(sink.got[0].body)["markdown"]["text"]
    assert text.count("打开办理") == SHOWN
    assert "另有 7 条" in text
    assert len(sink.got[0].body.encode()) < 20_000


@pytest.mark.parametrize("code", [-1, 130101, 410100, 45009])
def test_too_much_at_once_passes(sink: WebSink, code: int) -> None:
    sink.answers = [(200, json.dumps({"errcode": code, "errmsg": "send too fast"}))]
    with pytest.raises(Busy) as error:
        send()
    assert not robot.is_permanent(error.value)
    assert not robot.is_down(error.value)


@pytest.mark.parametrize("code", [310000, 300001, 400101, 400102, 430102])
def test_a_wrong_signature_or_robot_is_for_good(sink: WebSink, code: int) -> None:
    sink.answers = [(200, json.dumps({"errcode": code, "errmsg": f"sign not match {SECRET}"}))]
    with pytest.raises(Refused) as error:
        send()
    assert robot.is_permanent(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_a_server_in_trouble_is_away(sink: WebSink, status: int) -> None:
    sink.answers = [(status, "oops")]
    with pytest.raises(Away, match=str(status)) as error:
        send()
    assert robot.is_down(error.value)
    assert not robot.is_permanent(error.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_for_good(sink: WebSink, status: int) -> None:
    sink.answers = [(status, "no")]
    with pytest.raises(Refused, match=str(status)):
        send()


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed(sink: WebSink, status: int) -> None:
    sink.answers = [(status, ""), (200, '{"errcode":0}')]
    with pytest.raises(Refused):
        send()
    assert [got.path for got in sink.got] == ["/robot/send"]


@pytest.mark.parametrize("answer", ["<html>", "{}", "[]", "null", '{"errcode":"x"}'])
def test_an_answer_that_is_none_passes(sink: WebSink, answer: str) -> None:
    sink.answers = [(200, answer)]
    with pytest.raises(Busy):
        send()


def test_a_mute_server_is_left_after_the_time_out(sink: WebSink) -> None:
    sink.mute_s = 10
    begun = time.monotonic()
    with pytest.raises(Away) as error:
        send()
    assert time.monotonic() - begun < 2
    assert str(error.value) == "ReadTimeoutError"


def test_a_server_that_drips_is_left_too(sink: WebSink) -> None:
    sink.drip = True
    sink.answers = [(200, "x" * 200)]
    begun = time.monotonic()
    with pytest.raises(Away):
        send()
    assert time.monotonic() - begun < 2


def test_nobody_there_is_away_and_says_no_token(settings: Settings) -> None:
    settings.ROBOT_SECRETS = {"ganlin": {"url": f"http://127.0.0.1:1/send?access_token={TOKEN}", "secret": SECRET}}
    settings.CHANNEL_HOSTS = ["http://127.0.0.1:1"]
    with pytest.raises(Away) as error:
        send()
    assert TOKEN not in f"{error.value!r} {error.value.__cause__!r}"


def test_a_group_without_a_robot_is_for_good(sink: WebSink) -> None:
    with pytest.raises(Refused):
        send(Letter("elsewhere", ONE.kinds, "m"))
    assert sink.got == []


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["oapi.dingtalk.com"],
        ["127.0.0.1"],  # means TLS
        ["http://127.0.0.1:9"],
        ["http://localhost"],
    ],
)
def test_a_host_that_is_not_listed_is_not_reached(sink: WebSink, settings: Settings, hosts: list[str]) -> None:
    settings.CHANNEL_HOSTS = hosts
    with pytest.raises(NotAllowed) as error:
        send()
    assert robot.is_permanent(error.value)
    assert sink.got == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "//127.0.0.1/x", "127.0.0.1", "http://127.0.0.1:99999/", ""])
def test_what_is_no_address_is_not_reached(sink: WebSink, settings: Settings, url: str) -> None:
    settings.ROBOT_SECRETS = {"ganlin": {"url": url, "secret": SECRET}}
    with pytest.raises(NotAllowed):
        send()


def test_a_certificate_that_nobody_vouches_for_is_refused(settings: Settings, tmp_path: Path) -> None:
    openssl = shutil.which("openssl") or pytest.skip("no openssl to make a certificate with")
    pair = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *pair, *subject], check=True, stderr=-3)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    settings.CHANNEL_HOSTS = ["localhost"]
    with web_sink(context) as server:
        settings.ROBOT_SECRETS = {"ganlin": {"url": f"https://localhost:{server.port}/?a=b", "secret": SECRET}}
        with pytest.raises(Away, match="SSLError"):
            send()
        assert server.got == []


def test_no_error_text_holds_a_secret(settings: Settings) -> None:
    settings.ROBOT_SECRETS = {"ganlin": {"url": f"https://x/send?access_token={TOKEN}", "secret": SECRET}}
    settings.SMS_SECRET, settings.EMAIL_HOST_PASSWORD = "sms-secret", "mail-password"
    words = f"{TOKEN} {SECRET} sms-secret mail-password 13800000001 access_token=fresh-one&sign=abc done"
    said = failure.scrubbed(words, "13800000001")
    assert said == "… … … … … access_token=…&sign=… done"
