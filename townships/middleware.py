"""Puts the acting post on the user, and sends people with a due password change to that page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

SESSION_KEY = "post"


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
        return self.get_response(request)
