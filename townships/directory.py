"""What the room of messages, which lies below, asks about people (settings.MESSAGE_DIRECTORY)."""

from collections import defaultdict
from collections.abc import Collection

from django.utils import timezone

from townships.models import Post, Role, Unit, User


def groups_of(user_ids: Collection[int]) -> dict[int, set[str]]:
    """User id → codes of the units where this person holds a post today; a sub-unit's people are its department's."""
    posts = Post.objects.active(timezone.localdate()).filter(user_id__in=user_ids).select_related("unit__parent")
    found: dict[int, set[str]] = defaultdict(set)
    for post in posts:
        unit = post.unit.parent if post.unit.kind == Unit.Kind.SUBUNIT and post.unit.parent else post.unit
        found[post.user_id].add(unit.code)
    return dict(found)


def administrators() -> list[User]:
    """Whoever holds the post 系统管理员 today."""
    posts = Post.objects.active(timezone.localdate()).filter(role=Role.ADMIN).select_related("user").order_by("id")
    return list({post.user_id: post.user for post in posts}.values())
