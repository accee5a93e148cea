"""The manual: contents and search, and one page a topic. One topic is for people who cannot log in yet."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from command_room.services import manual
from townships.models import Role

LONGEST = 40  # characters of what is looked for


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Opens on the reader's own role; `role` is another one's, `q` looks in all headings."""
    own = _own_role(request.user)
    role = request.GET.get("role", "")
    role = role if role in Role.values else own
    wanted = request.GET.get("q", "").strip()[:LONGEST]
    context = {
        "roles": Role.choices,
        "role": role,
        "role_name": Role(role).label,
        "own": own,
        "contents": manual.contents(role),
        "wanted": wanted,
        "found": manual.find(wanted),
    }
    return render(request, "command_room/help_index.html", context)


@login_not_required
@require_safe
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    found = manual.BY_SLUG.get(slug)
    if not request.user.is_authenticated and (found is None or not found.is_public):
        return redirect_to_login(request.get_full_path())
    if found is None:
        raise Http404
    today = timezone.localdate()
    own = _own_role(request.user)
    role = own if own in found.roles else found.roles[0]
    context = {
        "topic": found,
        "role": role,
        "contents": manual.contents(role),
        "whistle_limits": manual.whistle_limits(today),
        "limits": manual.limits(today),
        "facts": manual.facts(),
    }
    return render(request, "command_room/help_topic.html", context)


def _own_role(user: Any) -> str:
    """Somebody without a post reads what a grid member reads."""
    post = user.acting if user.is_authenticated else None
    return post.role if post else Role.GRID
