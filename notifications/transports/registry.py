"""The channels by name."""

from typing import Any, Protocol

from django.conf import settings

from notifications.transports import mail, robot, sms
from notifications.transports.letter import Letter


class Transport(Protocol):
    """What each of the files offers. `send` raises; `is_permanent` and `is_down` say what the error means."""

    def is_on(self) -> bool: ...
    def connect(self) -> Any: ...
    def send(self, connection: Any, letter: Letter, /) -> None: ...
    def is_permanent(self, error: Exception) -> bool: ...
    def is_down(self, error: Exception) -> bool: ...


TRANSPORTS: dict[str, Transport] = {"mail": mail, "robot": robot, "sms": sms}


def channels_on() -> list[str]:
    """Those that the settings name and configure, in the house's order."""
    return [name for name in settings.CHANNELS if name in TRANSPORTS and TRANSPORTS[name].is_on()]
