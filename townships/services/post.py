"""Posts: what an administrator may still change of one, and what follows from every change, by whatever way it came."""

from collections.abc import Collection
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.urls import reverse

from notifications import kinds
from notifications.services.outbox import notify
from townships import people
from townships.models import Post, Role, User

A_DAY = timedelta(days=1)
FIXED = ("user_id", "unit_id", "role")
NEW_ROW = "已有岗位的人员、单位和职务不能改：请填截止日期，再新增一条。"
BEGUN = "岗位已经开始，起始日期不能改。"
OVER = "岗位已经结束，不能再改；要重新任职，请新增一条。"
TOO_EARLY = "截止日期最早是昨天（{}）：更早的日子里，此人的办理都以这个岗位记了。"


def check_change(before: Post, after: Post, *, today: date) -> None:
    """Refuse what would make the past another one. Raises ValidationError, each sentence at its field."""
    if before.valid_to and before.valid_to < today:
        raise ValidationError(OVER)
    if any(getattr(before, name) != getattr(after, name) for name in FIXED):
        raise ValidationError(NEW_ROW)
    if before.valid_from <= today and after.valid_from != before.valid_from:
        raise ValidationError({"valid_from": BEGUN})
    if after.valid_to and after.valid_to != before.valid_to and after.valid_to < today - A_DAY:
        raise ValidationError({"valid_to": TOO_EARLY.format(today - A_DAY)})


def after_change(post: Post, *, is_new: bool) -> None:
    """In the caller's transaction: the person's sessions end, and a new administrator is told of."""
    end_sessions([post.user_id])
    if is_new and post.role == Role.ADMIN:
        tell_of_administrator(post)


def end_sessions(user_ids: Collection[int]) -> None:
    """Every session of these people ends at its next request. One query."""
    User.objects.filter(pk__in=user_ids).update(session_generation=F("session_generation") + 1)


@transaction.atomic
def tell_of_administrator(post: Post) -> None:
    """To all administrators and auditors, the newcomer among them: whoever has not expected it can ask at once."""
    message = kinds.AdministratorAdded(
        number=f"岗位 {post.pk}",
        matter=f"新增{Role.ADMIN.label}，{post.valid_from} 起",
        unit=str(post.unit),
        due=None,
        link=reverse("townships:administrators"),
    )
    notify(message, to=people.watchers(), key=f"administrator_added:{post.pk}")
