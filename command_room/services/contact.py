"""通讯录: whom one may look up, and how they are reached."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, QuerySet

from townships.models import Post, Role, Unit, User, mobile_sight

SPEAKERS = (Role.DUTY, Role.LIAISON, Role.GUIDANCE, Role.GRID)


def people(user: Any) -> QuerySet[User]:
    """By the spelling of their names, each with `shows_mobile`."""
    seen = Post.objects.visible_to(user).filter(user=OuterRef("pk"))
    shows = ExpressionWrapper(mobile_sight(user), BooleanField())
    return User.objects.filter(Exists(seen)).annotate(shows_mobile=shows).order_by("pinyin", "id")


def units(user: Any) -> QuerySet[Unit]:
    """In the order of the offices."""
    return Unit.objects.visible_to(user).select_related("parent").order_by("order", "code")


def person_rows(found: Sequence[User], user: Any) -> list[dict[str, Any]]:
    """With their posts and the number to call: their own, or that of their unit. One query."""
    posts: dict[int, list[Post]] = defaultdict(list)
    asked = Post.objects.visible_to(user).filter(user__in=[one.pk for one in found]).select_related("unit__parent")
    for post in asked.order_by("rank", "id"):
        posts[post.user_id].append(post)
    return [
        {
            "name": one.name or one.username,
            "mobile": one.mobile if getattr(one, "shows_mobile", False) else "",
            "posts": [(post.label, post.get_rank_display(), post.rank != Post.Rank.MAIN) for post in posts[one.pk]],
            "phones": list(dict.fromkeys(filter(None, (_phone(post.unit) for post in posts[one.pk])))),
        }
        for one in found
    ]


def unit_rows(found: Sequence[Unit], user: Any) -> list[dict[str, Any]]:
    """With who speaks for them today. One query."""
    speakers: dict[int, list[str]] = defaultdict(list)
    for post in speaking(user).filter(unit__in=[one.pk for one in found]).select_related("user"):
        speakers[post.unit_id].append(str(post.user))
    return [
        {
            "name": one.short_name,
            "full": one.name if one.name != one.short_name else "",
            "kind": one.get_kind_display(),
            "parent": one.parent.short_name if one.parent else "",
            "phone": one.phone,
            "speakers": list(dict.fromkeys(speakers[one.pk])),
        }
        for one in found
    ]


def speaking(user: Any) -> QuerySet[Post]:
    """Posts of those whom one asks for at a unit: its desk, not its leaders."""
    return Post.objects.visible_to(user).filter(role__in=SPEAKERS).order_by("role", "rank", "id")


def _phone(unit: Unit) -> str:
    return unit.phone or (unit.parent.phone if unit.parent else "")
