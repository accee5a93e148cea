"""What stands between a signed-in person and every page: how long the session may rest, and the second factor."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from axes.helpers import get_client_ip_address
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django_htmx.http import HttpResponseClientRedirect

from records.services import access
from townships.rules import idle
from townships.rules.idle import Left
from townships.services import second_factor

SINCE, SEEN = "since", "seen"  # in the session: when it began, and when the last act was
WRITE_SECONDS = 60  # a session is written no more often
SAFE = ("GET", "HEAD")
OPEN_WITHOUT_CODE = {
    "townships:code",
    "townships:second-factor-setup",
    "townships:session",
    "townships:switch-post",  # back to a post that needs none
    "townships:logout",
}

Respond = Callable[[HttpRequest], HttpResponse]


def begin(session: Any) -> None:
    """A log-in: both clocks start."""
    session[SINCE] = session[SEEN] = int(time.time())


def left(request: HttpRequest) -> Left:
    post = request.user.acting  # type: ignore[union-attr]
    session = request.session
    limit = idle.limit(post.role if post else "", settings.IDLE_MINUTES)
    now = int(time.time())
    since, seen = session.get(SINCE, now), session.get(SEEN, now)
    return idle.left(since=since, seen=seen, now=now, limit=limit, most_hours=settings.SESSION_MOST_HOURS)


def is_background(request: HttpRequest) -> bool:
    """What a page asks for by itself. Both marks only keep a request from prolonging: there is nothing to forge."""
    match = request.resolver_match
    by_list = request.method in SAFE and match is not None and match.view_name in settings.BACKGROUND_VIEWS
    return by_list or "X-Background" in request.headers


class SignedInMiddleware(LoginRequiredMiddleware):
    """Whoever is signed in no longer (a post has changed, another password holds, another tab has signed out) and sends
    something is told that it was not saved, and goes on at a page that can be opened.
    """

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        if request.method in SAFE:
            return super().handle_no_permission(request, view_func)
        words = {"next": _page(request), "ended": "gone", "unsaved": "1"}
        return to(request, f"{resolve_url(settings.LOGIN_URL)}?{urlencode(words)}")


class IdleMiddleware:
    """Ends a session that has rested too long or is too old. No query; one write a minute at most."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        if not request.user.is_authenticated or not getattr(view, "login_required", True):
            return None
        session, now = request.session, int(time.time())
        if SEEN not in session:  # begun before there was a limit
            begin(session)
        found = left(request)
        if found.is_over:
            return _end(request, found)
        if now - session[SEEN] >= WRITE_SECONDS and not is_background(request):
            session[SEEN] = now
        return None


def _end(request: HttpRequest, found: Left) -> HttpResponse:
    why = "age" if found.is_fixed else "idle"
    access.note(request.user, "timed_out", detail={"why": why}, address=get_client_ip_address(request))
    goes_on = _page(request)
    logout(request)
    words = {"next": goes_on, "ended": why}
    if request.method not in SAFE:
        words["unsaved"] = "1"
    return to(request, f"{resolve_url(settings.LOGIN_URL)}?{urlencode(words)}")


def to(request: HttpRequest, url: str) -> HttpResponse:
    """The whole page goes there: a plain redirect would swap it into a fragment's place."""
    return HttpResponseClientRedirect(url) if "HX-Request" in request.headers else HttpResponseRedirect(url)


def _page(request: HttpRequest) -> str:
    """The page that the person was looking at."""
    if "HX-Request" in request.headers:
        return _own_path(request, request.headers.get("HX-Current-URL", ""))
    if request.method in SAFE:
        return request.get_full_path()
    return _own_path(request, request.headers.get("Referer", ""))


def _own_path(request: HttpRequest, url: str) -> str:
    if not url_has_allowed_host_and_scheme(url, {request.get_host()}):
        return "/"
    parts = urlsplit(url)
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


class SecondFactorMiddleware:
    """Nothing but the code, or setting it up, while the acting role needs a second factor that has not been given."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        user, match = request.user, request.resolver_match
        if not user.is_authenticated or match is None or not getattr(view, "login_required", True):
            return None
        if match.view_name in OPEN_WITHOUT_CODE or not second_factor.is_asked(user):
            return None
        if second_factor.has_passed(user, request.session):
            return None
        page = "townships:code" if user.otp_stamp else "townships:second-factor-setup"
        return to(request, f"{reverse(page)}?{urlencode({'next': _page(request)})}")
