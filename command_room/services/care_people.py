"""Accounts that need care."""

from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from command_room.services.care_card import Card, Line, counted
from enforcement.services import leaving
from townships.models import Post, User

PEOPLE = "admin:townships_user_changelist"


def leavers(today: date) -> Card:
    """Accounts that are switched off, with something still in their hands."""
    gone = Q(is_active=False) | Q(disabled_from__lte=today)
    number, few = counted(User.objects.filter(gone).filter(leaving.holders_of_open()), "username")
    lines = [Line(f"{user}（{user.username}）", "名下有未办结", _leave(user)) for user in few]
    link = f"{reverse(PEOPLE)}?is_active__exact=0"
    return Card("已停用但名下仍有未办结的账号", number, "个", lines, link, "查看", "离岗的人都已交接", is_grave=True)


def _leave(user: User) -> str:
    return reverse("enforcement:leaving", args=[user.pk])


def without_post(today: date) -> Card:
    """Active accounts that have no post now and none coming."""
    held = Post.objects.filter(user=OuterRef("pk")).filter(Q(valid_to=None) | Q(valid_to__gte=today))
    number, few = counted(User.objects.filter(~Exists(held), is_active=True), "username")
    add = reverse("admin:townships_post_add")
    lines = [Line(f"{user}（{user.username}）", "登录后什么也看不到", f"{add}?user={user.pk}") for user in few]
    return Card("没有岗位的账号", number, "个", lines, reverse(PEOPLE), "查看人员", "每个账号都有岗位")


def expired_passwords(now: datetime) -> Card:
    rows = User.objects.filter(is_active=True, must_change_password=True, password_expires_at__lt=now)
    number, few = counted(rows, "password_expires_at")
    lines = [
        Line(
            f"{user}（{user.username}）",
            f"{timezone.localtime(user.password_expires_at):%m-%d %H:%M} 过期",
            reverse("admin:one-time-password", args=[user.pk]),
        )
        for user in few
    ]
    link = f"{reverse(PEOPLE)}?must_change_password__exact=1"
    return Card("一次性密码过期未用的账号", number, "个", lines, link, "重新发放", "没有过期的一次性密码")


def never_used(today: date) -> Card:
    rows = User.objects.filter(is_active=True, last_login=None, posts__in=Post.objects.active(today)).distinct()
    number, few = counted(User.objects.filter(pk__in=rows.values("pk")), "-date_joined", "username")
    lines = [
        Line(f"{user}（{user.username}）", f"{timezone.localdate(user.date_joined)} 开户", _person(user))
        for user in few
    ]
    link = f"{reverse(PEOPLE)}?last_login__isempty=1"
    return Card("从未登录的账号", number, "个", lines, link, "查看", "每个账号都用过")


def _person(user: User) -> str:
    return reverse("admin:townships_user_change", args=[user.pk])
