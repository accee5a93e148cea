"""Who administers the portal and who audits it: what everybody who watches is told of when there is a new one."""

from datetime import date

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from records.models import Entry
from townships.models import Post, Role
from townships.permissions import can_see_administrators

SHOWN = 200
CURRENT, ENDED, COMING = "现任", "已结束", "未到任"


def _state(post: Post, today: date) -> str:
    if post.user.is_disabled_on(today) or (post.valid_to and post.valid_to < today):
        return ENDED
    return COMING if post.valid_from > today else CURRENT


@require_safe
def administrators(request: HttpRequest) -> HttpResponse:
    """The posts with who made them, those that have ended too. Four queries."""
    if not can_see_administrators(request.user):
        raise PermissionDenied
    posts = (
        Post.objects.filter(role__in=(Role.ADMIN, Role.AUDITOR)).select_related("user", "unit").order_by("-id")[:SHOWN]
    )
    entries = Entry.objects.about(*posts).filter(verb__in=["admin_add", "import", "post_added"]).select_related("by")
    made = {entry.target_id: entry for entry in entries}
    today = timezone.localdate()
    rows = [(post, made.get(post.pk), _state(post, today)) for post in posts]
    context = {"rows": sorted(rows, key=lambda row: row[2] != CURRENT)}
    return render(request, "townships/administrators.html", context)
