"""What comes in at all, and the access log."""

import re
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import bind_contextvars

from portal.address import client_address

DIGITS = 18  # of a length that can be one
TOKEN = re.compile(r"(?<=^/wall/)[^/]+")


class RequestLogMiddleware(RequestMiddleware):
    """A line when a request comes and one when it is answered: its path, not its query, where names are searched for,
    and not a public link's token.
    """

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {TOKEN.sub('…', request.path)}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """The same address as for the lock-out: by default the log would believe any X-Forwarded-For."""
        bind_contextvars(ip=client_address(request))


class SaneCookieMiddleware:
    """Turns away a cookie with a NUL in it (a quoted one may say \\000), before a session is looked for by it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if any("\0" in value for value in request.COOKIES.values()):
            raise SuspiciousOperation("NUL in a cookie")
        return self.get_response(request)


class SaneRequestMiddleware:
    """Turns away, before it is read, what is larger than any form (without a sign-in, than that form), in another
    encoding than ours, or holds a NUL.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        most = settings.LARGEST_REQUEST if request.user.is_authenticated else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if not length.isdecimal() or len(length) > DIGITS or int(length) > most:
            raise RequestDataTooBig("the request is larger than any form")
        if request.content_params and request.content_params.get("charset", "utf-8").lower() != "utf-8":
            raise BadRequest("the request is not in UTF-8")  # no form of ours, and utf-7 would smuggle what is no text
        if "%00" in request.META.get("QUERY_STRING", ""):  # no text in the database holds one
            raise SuspiciousOperation("NUL in the address")
        return self.get_response(request)
