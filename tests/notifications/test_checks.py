"""The settings of the channels are looked at when the portal starts."""

import pytest
from pytest_django import Settings

from notifications import checks

ROBOT = {"url": "https://chat.example/?access_token=t", "secret": "SEC"}


def ids(settings: Settings, **changed: object) -> list[str]:
    for name, value in changed.items():
        setattr(settings, name, value)
    return [found.id or "" for found in checks.channels()]


def test_the_settings_of_the_tests_are_fine(settings: Settings) -> None:
    assert ids(settings) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"CHANNELS": ["mail", "pigeon"]}, ["notifications.E001"]),
        ({"QUIET_HOURS": "at night"}, ["notifications.E002"]),
        ({"QUIET_HOURS": "22:00"}, ["notifications.E002"]),
        ({"QUIET_HOURS": ""}, []),
        ({"ROBOT_SECRETS": {"a": {"url": "https://x/"}}, "CHANNEL_HOSTS": ["x"]}, ["notifications.E003"]),
        ({"ROBOT_SECRETS": {"a": "https://x/"}, "CHANNEL_HOSTS": ["x"]}, ["notifications.E003", "notifications.W001"]),
        ({"SMS_OK": "("}, ["notifications.E004"]),
        ({"ROBOT_SECRETS": {"a": ROBOT}}, ["notifications.W001"]),
        ({"ROBOT_SECRETS": {"a": ROBOT}, "CHANNEL_HOSTS": ["chat.example"]}, []),
        ({"ROBOT_SECRETS": {"a": ROBOT}, "CHANNELS": ["mail"]}, []),
        ({"SMS_URL": "http://sms.example/{phone}", "CHANNEL_HOSTS": ["sms.example"]}, ["notifications.W001"]),
        ({"SMS_URL": "http://sms.example/{phone}", "CHANNEL_HOSTS": ["http://sms.example"]}, []),
        ({"EMAIL_BACKEND": checks.SMTP, "EMAIL_HOST": "mail.example"}, ["notifications.W001"]),
        ({"EMAIL_BACKEND": checks.SMTP, "EMAIL_HOST": "mail.example", "CHANNEL_HOSTS": ["mail.example"]}, []),
        ({"EMAIL_BACKEND": checks.SMTP, "CHANNEL_HOSTS": ["localhost:x"]}, ["notifications.W001"]),
    ],
)
def test_what_is_wrong_is_named(settings: Settings, changed: dict[str, object], found: list[str]) -> None:
    assert ids(settings, **changed) == found


def test_no_finding_names_a_secret(settings: Settings) -> None:
    ids(settings, ROBOT_SECRETS={"a": ROBOT, "b": {"url": "", "secret": "SEC-hidden"}}, SMS_OK="(")
    assert not any(word in str(found) for found in checks.channels() for word in ("SEC-hidden", "access_token=t"))
