"""Puts the acting post on the user, keeps what they are shown out of shared caches, asks for a due password change."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django_htmx.http import HttpResponseClientRedirect

from townships.entrance import OPEN_WITHOUT_CODE
from townships.services.account import password_is_due

SESSION_KEY = "post"
OPENED_AS = "opened_as"  # a form's hidden field, put there by static/js/session.js
POST_OVER = "打开这一页时的岗位已经结束，没有提交。填写的内容，按浏览器的“返回”一般还在。"
PASSWORD_PAGE = "townships:password-change"  # noqa: S105 - the name of a page
OPEN_WHILE_DUE = {
    PASSWORD_PAGE,
    "command_room:help-topic",
    "townships:login",
    "livez",
    "healthz",
    *OPEN_WITHOUT_CODE,
} - {"townships:switch-post"}


def act_as_opened(request: HttpRequest) -> None:
    """A form goes on in the post in which its page was opened: another tab may have changed it since. The page says which.

    Raises PermissionDenied where the person no longer holds that post.
    """
    user: Any = request.user
    opened = request.POST.get(OPENED_AS)
    if not opened or user.acting is None or opened == str(user.acting.pk):
        return
    post = next((post for post in user.posts_today if str(post.pk) == opened), None)
    if post is None:
        raise PermissionDenied(POST_OVER)
    user.acting = post
    request.session[SESSION_KEY] = post.pk
    messages.info(request, f"这一页是在“{post.label}”岗位打开的，已按这个岗位办理，现在的岗位也换成了它。")


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
        if user.is_authenticated and match is not None and match.view_name not in OPEN_WITHOUT_CODE:
            act_as_opened(request)
        if match is None or match.view_name in OPEN_WHILE_DUE or not user.is_authenticated:
            return None
        if not password_is_due(user, timezone.now()):
            return None
        if "HX-Request" in request.headers:  # a plain redirect would swap the page into a fragment's place
            return HttpResponseClientRedirect(reverse(PASSWORD_PAGE))
        return HttpResponseRedirect(reverse(PASSWORD_PAGE))
