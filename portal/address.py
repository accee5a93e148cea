"""Who asks: one answer for the lock-out and for the log."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """What the outermost of our own PROXY_COUNT proxies saw; without proxies, or with nonsense, who is connected.

    Each proxy appends the address it was asked from, so ours are counted from the right; what stands further left was
    written by whoever asks. None on a socket without addresses.
    """
    connected = request.META.get("REMOTE_ADDR") or None
    told = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if not 0 < settings.PROXY_COUNT <= len(told):
        return connected
    try:
        return str(ipaddress.ip_address(told[-settings.PROXY_COUNT]))
    except ValueError:
        return connected
