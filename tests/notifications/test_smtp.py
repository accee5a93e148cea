"""Mail over SMTP, against a server on this machine."""

import smtplib
import time
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest
from pytest_django import Settings

from bench.sinks import MailSink, mail_sink
from notifications import kinds
from notifications.transports import mail
from notifications.transports.errors import NotAllowed
from notifications.transports.letter import SHOWN, Letter

ONE = Letter("one@example.invalid", (kinds.DispatchSent.sample(),), "20261124T080000000000.7")


@pytest.fixture
def server(settings: Settings) -> Iterator[MailSink]:
    with mail_sink() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_TIMEOUT = 0.4
        settings.MAIL_ALLOW = ["*"]
        settings.CHANNEL_HOSTS = ["127.0.0.1"]
        yield running


def send(letter: Letter = ONE) -> None:
    connection = mail.connect()
    try:
        mail.send(connection, letter)
    finally:
        connection.close()


def test_the_mail_arrives(server: MailSink) -> None:
    send()
    (raw,) = server.mails
    got = message_from_bytes(raw, policy=policy.default)
    assert got["To"] == "one@example.invalid"
    assert got["Message-ID"] == "<20261124T080000000000.7@localhost>"
    assert got["Subject"].strip() == "派单等您签收 哨330683102-20261124-0007"
    assert "签收期限：2026年11月24日 16:30" in got.get_content()


def test_several_are_one_mail_that_names_each(server: MailSink) -> None:
    many = tuple(kinds.DispatchSent(f"派-{n:03}", "日常哨", "甘霖镇", None, f"/d/{n}/") for n in range(SHOWN + 2))
    send(Letter("one@example.invalid", many, "m"))
    (raw,) = server.mails
    got = message_from_bytes(raw, policy=policy.default)
    assert got["Subject"].strip() == f"派单等您签收 派-000 等 {SHOWN + 2} 条"
    said = got.get_content()
    assert said.count("打开办理：http://localhost:8000/d/") == SHOWN + 2, "a mail leaves none out"


@pytest.mark.parametrize(
    ("answers", "is_permanent"),
    [
        ({"to_recipient": "550 no such user"}, True),
        ({"to_recipient": "450 greylisted"}, False),
        ({"to_content": "554 refused"}, True),
        ({"to_content": "451 later"}, False),
    ],
)
def test_what_the_server_says_is_for_good_or_for_now(
    server: MailSink, answers: dict[str, str], is_permanent: bool
) -> None:
    for name, answer in answers.items():
        setattr(server, name, answer)
    with pytest.raises(smtplib.SMTPException) as error:
        send()
    assert mail.is_permanent(error.value) is is_permanent
    assert not mail.is_down(error.value)


def test_a_mute_server_is_left_after_the_time_out(server: MailSink) -> None:
    server.mute = True
    begun = time.monotonic()
    with pytest.raises(OSError, match="timed out") as error:
        send()
    assert time.monotonic() - begun < 2
    assert mail.is_down(error.value)


@pytest.mark.parametrize("hosts", [[], ["mail.example"], ["127.0.0.1:1"]])
def test_a_server_that_is_not_listed_is_not_reached(server: MailSink, settings: Settings, hosts: list[str]) -> None:
    settings.CHANNEL_HOSTS = hosts
    with pytest.raises(NotAllowed, match="CHANNEL_HOSTS") as error:
        send()
    assert mail.is_permanent(error.value)
    assert server.mails == []
