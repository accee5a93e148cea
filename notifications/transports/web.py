"""One HTTP request to a host on the list: TLS verified, no redirect followed, no proxy, ten seconds at most."""

import time
from dataclasses import dataclass

import urllib3
from django.conf import settings
from urllib3.exceptions import HTTPError

from notifications.transports import hosts
from notifications.transports.errors import Away, NotAllowed, Refused

LARGEST_ANSWER = 64 * 1024
OK, REDIRECT, CLIENT_ERROR, SERVER_ERROR = 200, 300, 400, 500
TIME_OUT, TOO_MANY = 408, 429


@dataclass(frozen=True)
class Answer:
    status: int
    text: str


class Line:
    """Connections that are kept as long as this is."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", retries=False)

    def close(self) -> None:
        self._pool.clear()

    def request(self, method: str, url: str, *, body: str, headers: dict[str, str]) -> Answer:
        """The answer, if it is one of success. Raises NotAllowed, Refused or Away, none of which names the address."""
        hosts.check_url(url)
        answer = self._ask(method, url, body.encode(), headers)
        if OK <= answer.status < REDIRECT:
            return answer
        says = f"HTTP {answer.status}"
        if answer.status in (TIME_OUT, TOO_MANY) or answer.status >= SERVER_ERROR:
            raise Away(says)
        raise Refused(says if answer.status >= CLIENT_ERROR else f"{says}，不跟随跳转")

    def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        seconds = settings.CHANNEL_TIMEOUT
        end = time.monotonic() + seconds
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=seconds),
                redirect=False,
                preload_content=False,
            )
            return Answer(response.status, _read(response, end))
        except HTTPError as error:  # its text would hold the address, and with it the token
            raise Away(type(error).__name__) from None


def _read(response: urllib3.BaseHTTPResponse, end: float) -> str:
    """What it says, as far as anybody would look at it. A server that drips does not hold us longer than one that is mute."""
    got = b""
    while len(got) < LARGEST_ANSWER and (piece := response.read1(LARGEST_ANSWER)):
        got += piece
        if time.monotonic() > end:
            response.close()
            raise Away("ReadTimeoutError")
    if len(got) < LARGEST_ANSWER:
        response.release_conn()
    else:
        response.close()
    return got.decode(errors="replace")


def is_permanent(error: Exception) -> bool:
    return isinstance(error, (NotAllowed, Refused, ValueError, LookupError))


def is_down(error: Exception) -> bool:
    return isinstance(error, Away)
