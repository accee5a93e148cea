"""What is wrong with the settings of the channels, said when the portal starts and not when the first message goes out."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from notifications.rules.hold import parse_hours
from notifications.transports import hosts, sms
from notifications.transports.errors import NotAllowed
from notifications.transports.registry import TRANSPORTS

SMTP = "django.core.mail.backends.smtp.EmailBackend"


def channels(**_: Any) -> list[CheckMessage]:
    return [*malformed(), *unreachable()]


def malformed() -> Iterator[CheckMessage]:
    """What would make every message fail, or its sending."""
    if unknown := [name for name in settings.CHANNELS if name not in TRANSPORTS]:
        yield Error(f"CHANNELS names {', '.join(unknown)}; there are {', '.join(TRANSPORTS)}.", id="notifications.E001")
    try:
        parse_hours(settings.QUIET_HOURS)
    except ValueError:
        yield Error("QUIET_HOURS is not of the form 22:00-07:00.", id="notifications.E002")
    for code, entry in settings.ROBOT_SECRETS.items():
        if not isinstance(entry, dict) or not entry.get("url") or not entry.get("secret"):
            yield Error(f"The robot of {code} in ROBOT_SECRETS needs a url and a secret.", id="notifications.E003")
    for name in ("SMS_OK", "SMS_REFUSED"):
        try:
            re.compile(getattr(settings, name))
        except re.error as error:
            yield Error(f"{name} is no pattern: {error}.", id="notifications.E004")


def unreachable() -> Iterator[CheckMessage]:
    """Channels that are on and whose host is not on the list: each message would go by the next one."""
    hint = "Add the host to CHANNEL_HOSTS, see .env.example."
    for name, check in (("mail", _mail), ("robot", _robots), ("sms", _gateway)):
        try:
            if name in settings.CHANNELS and TRANSPORTS[name].is_on():
                check()
        except (NotAllowed, ValueError) as error:
            yield Caution(f"{name}: {error}", hint=hint, id="notifications.W001")


def _mail() -> None:
    if settings.EMAIL_BACKEND == SMTP:
        hosts.check_server(settings.EMAIL_HOST, settings.EMAIL_PORT)


def _robots() -> None:
    for entry in settings.ROBOT_SECRETS.values():
        hosts.check_url(entry.get("url", "") if isinstance(entry, dict) else "")


def _gateway() -> None:
    hosts.check_url(sms.fill(settings.SMS_URL, dict.fromkeys(("phone", "text", "secret"), "0")))
