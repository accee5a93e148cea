"""Passwords: the one place where they are set, and who is kept from guessing them."""

import secrets
import string
from datetime import datetime, timedelta
from typing import Any

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from records.models import Stage
from records.services import access, record
from townships.models import OldPassword, User

ONE_TIME_HOURS = 24
GROUP, GROUPS = 4, 3
LETTERS = "".join(c for c in string.ascii_letters if c not in "IOlo")  # read aloud over the phone, none is mistaken
DIGITS = "23456789"
# and no others are written: a hash takes long enough for an administrator to end the account meanwhile
PASSWORD_FIELDS = ["password", "password_changed_at", "must_change_password", "password_expires_at"]


@transaction.atomic
def change_password(user: User, raw: str, *, by: Any) -> None:
    """The person's own new password, checked by the validators before."""
    _set_password(user, raw)
    user.must_change_password, user.password_expires_at = False, None
    user.save(update_fields=PASSWORD_FIELDS)
    record(user, "password_change", by=by, what="修改了本人密码", stage=Stage.FILE)


@transaction.atomic
def issue_one_time_password(user: User, *, by: Any) -> str:
    """A random password that lets in for 24 hours and must be changed at the first log-in.

    Returned once and kept nowhere but as a hash. Every session of the account ends, and a lock-out is lifted.
    """
    raw = random_password()
    _set_password(user, raw)
    user.must_change_password = True
    user.password_expires_at = timezone.now() + timedelta(hours=ONE_TIME_HOURS)
    user.save(update_fields=PASSWORD_FIELDS)
    reset(username=user.username)
    record(user, "password_one_time", by=by, what=f"发放一次性密码，{ONE_TIME_HOURS} 小时内有效", stage=Stage.FILE)
    return raw


@transaction.atomic
def retire() -> int:
    """Switch off every account whose day has come; the sign-in has refused it since midnight. How many it was."""
    due = User.objects.filter(is_active=True, disabled_from__lte=timezone.localdate())
    users = list(due.select_for_update())
    for user in users:
        user.is_active = False
        user.save(update_fields=["is_active"])
        what = f"{user.disabled_from} 起停用账号"
        record(user, "account_retired", by=None, what=what, stage=Stage.FILE)
    return len(users)


def password_is_due(user: User, now: datetime) -> bool:
    """At the first log-in, after a one-time password, and when the password has reached its age."""
    oldest = now - timedelta(days=settings.PASSWORD_MAX_AGE_DAYS)
    return user.must_change_password or user.password_changed_at < oldest


def is_address_blocked(address: str | None) -> bool:
    """Whether one address has failed so often within the cool-off time, over all accounts, that it must wait.

    High, because a whole town hall may sit behind one address; five failures lock a single account long before.
    """
    since = timezone.now() - get_cool_off()
    failures = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=since).aggregate(
        n=Sum("failures_since_start")
    )
    return int(failures["n"] or 0) >= int(settings.LOGIN_FAILURES_PER_ADDRESS)


def note_failure(username: str) -> None:
    """A log-in that failed, for the auditor. What is nobody's name is not kept: it may be somebody's password."""
    user = User.objects.filter(username=username).first() if username else None
    access.note(None, "login_failed", user, detail={} if user else {"unknown": True})


def _set_password(user: User, raw: str) -> None:
    """Keep the hash of the old password, so that it is not used again, and forget those beyond the history."""
    if user.has_usable_password():
        OldPassword.objects.create(user=user, password=user.password)
    kept = OldPassword.objects.filter(user=user).order_by("-at", "-id").values("pk")[: settings.PASSWORD_HISTORY - 1]
    OldPassword.objects.filter(user=user).exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
    user.set_password(raw)
    user.password_changed_at = timezone.now()


def random_password() -> str:
    """Three groups of four with hyphens; 62 bits. Letters, a digit and the hyphen make three classes."""
    while True:
        groups = ["".join(secrets.choice(LETTERS + DIGITS) for _ in range(GROUP)) for _ in range(GROUPS)]
        raw = "-".join(groups)
        if any(c in DIGITS for c in raw) and any(c in LETTERS for c in raw):
            return raw
