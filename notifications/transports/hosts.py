"""Which hosts the portal may reach: CHANNEL_HOSTS and no other.

An entry is `host` or `host:port` and means TLS; `http://host:port` lets a gateway inside one's own network be asked in
plain HTTP. The mail server's entry is its host; whether it speaks TLS says EMAIL_USE_TLS.
"""

from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from notifications.transports.errors import NotAllowed

PORTS = {"https": 443, "http": 80}


def check_url(url: str) -> None:
    """Raise NotAllowed unless the list has this address, on this port and in this scheme."""
    try:
        target = urlsplit(url)
        port = target.port or PORTS[target.scheme]
    except (KeyError, ValueError):
        raise NotAllowed("渠道的网址不是 https:// 开头的完整网址") from None
    plain = target.scheme == "http"
    if not any(
        _matches(entry, target.hostname, port) and (entry.scheme == "http" or not plain) for entry in _entries()
    ):
        raise NotAllowed(f"{target.hostname} 不在 CHANNEL_HOSTS 名单内")


def check_server(host: str, port: int) -> None:
    """The same for a mail server."""
    if not any(_matches(entry, host.lower(), port) for entry in _entries()):
        raise NotAllowed(f"{host} 不在 CHANNEL_HOSTS 名单内")


def _entries() -> list[SplitResult]:
    return [urlsplit(entry if "://" in entry else f"//{entry}") for entry in settings.CHANNEL_HOSTS]


def _matches(entry: SplitResult, host: str | None, port: int) -> bool:
    return entry.hostname == host and entry.port in (None, port)
