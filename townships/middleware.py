"""Puts the acting post on the user, keeps what they are shown out of shared caches, asks for a due password change."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django_htmx.http import HttpResponseClientRedirect

from townships.entrance import OPEN_WITHOUT_CODE
from townships.services.account import password_is_due

SESSION_KEY = "post"
PASSWORD_PAGE = "townships:password-change"  # noqa: S105 - the name of a page
OPEN_WHILE_DUE = {
    PASSWORD_PAGE,
    "command_room:help-topic",
    "townships:login",
    "livez",
    "healthz",
    *OPEN_WITHOUT_CODE,
} - {"townships:switch-post"}


class ActingPostMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated:
            chosen = request.session.get(SESSION_KEY)
            posts = list(user.active_posts())
            user.posts_today = posts
            user.acting = next((post for post in posts if post.pk == chosen), posts[0] if posts else None)
        response = self.get_response(request)
        if user.is_authenticated and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_cache=True)
        return response

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """Nothing but changing it or leaving while a password change is due."""
        user, match = request.user, request.resolver_match
        if match is None or match.view_name in OPEN_WHILE_DUE or not user.is_authenticated:
            return None
        if not password_is_due(user, timezone.now()):
            return None
        if "HX-Request" in request.headers:  # a plain redirect would swap the page into a fragment's place
            return HttpResponseClientRedirect(reverse(PASSWORD_PAGE))
        return HttpResponseRedirect(reverse(PASSWORD_PAGE))
