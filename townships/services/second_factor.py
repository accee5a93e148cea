"""The second factor: an authenticator's code at the log-in, ten recovery codes, and what happens when both are lost."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.util import random_hex

from notifications import kinds
from notifications.services.outbox import notify
from records.models import Stage
from records.services import access, record
from townships import people
from townships.models import Post, RecoveryCode, SecondFactor, User
from townships.services.post import end_sessions

SESSION_KEY = "otp"
CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are taken for one another
SETUP_SECONDS = 1800
SALT = "second-factor-setup"


class Throttled(Exception):  # noqa: N818 - an answer, not a fault
    """Too many wrong codes: none is looked at before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until

    @property
    def sentence(self) -> str:
        seconds = max(1, int((self.until - timezone.now()).total_seconds()) + 1)
        wait = f"{seconds} 秒" if seconds < 60 else f"{-(-seconds // 60)} 分钟"  # noqa: PLR2004 - a minute
        return f"输错的次数太多，请等 {wait}后再输。"


# --- who needs it -----------------------------------------------------------------------------------------------------
def is_required(post: Post | None) -> bool:
    return post is not None and post.role in settings.OTP_REQUIRED_ROLES


def is_asked(user: User) -> bool:
    """Of whoever acts in a role that needs it, and of whoever has set it up."""
    return bool(user.otp_stamp) or is_required(user.acting)


def has_passed(user: User, session: Mapping[str, Any]) -> bool:
    return bool(user.otp_stamp) and session.get(SESSION_KEY) == user.otp_stamp


def may_set_up(user: User, now: datetime) -> bool:
    """For the first time whenever one likes; after a reset only within the grace."""
    return user.otp_grace_until is None or now < user.otp_grace_until


# --- setting it up ----------------------------------------------------------------------------------------------------
def offer(user: User) -> str:
    """A fresh seed, signed for this person: nothing is stored until a code has proved that the device has it."""
    return signing.dumps([user.pk, random_hex(SecondFactor._meta.get_field("key").max_length // 4)], salt=SALT)


def offered(user: User, token: str) -> SecondFactor | None:
    """The device of an offer, unsaved; None if it is not this person's, or too old."""
    try:
        pk, seed = signing.loads(token, salt=SALT, max_age=SETUP_SECONDS)
    except signing.BadSignature:
        return None
    return SecondFactor(user=user, name="验证器", key=seed) if pk == user.pk else None


def fits(device: SecondFactor, code: str) -> bool:
    """Whether this is the code of an offered device now. The device remembers it: it is not good for a log-in as well."""
    typed = code.replace(" ", "")
    clock = TOTP(device.bin_key, device.step, device.t0, device.digits, 0)
    clock.time = time.time()
    is_right = typed.isascii() and typed.isdigit() and clock.verify(int(typed), device.tolerance)
    if is_right:
        device.last_t, device.drift = clock.t(), clock.drift
    return bool(is_right)


@transaction.atomic
def set_up(device: SecondFactor) -> list[str]:
    """Keep an offered device whose code has been seen (`fits`): the recovery codes, shown once.

    What was there before ends with it, and so do the other sessions: they carry the old stamp.
    """
    user = device.user
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # of two sendings at once the second one's holds
    _forget(user)
    device.save()
    user.otp_stamp, user.otp_grace_until = secrets.token_hex(8), None
    user.save(update_fields=["otp_stamp", "otp_grace_until"])
    codes = _new_codes(user)
    record(user, "second_factor_set_up", by=user, what="设置了二次验证", stage=Stage.FILE)
    access.note(user, "second_factor_set_up", user)
    _tell(kinds.SecondFactorSetUp, user, [user], device.pk)
    return codes


@transaction.atomic
def turn_off(user: User) -> None:
    """By the person, who has just given a code, and whose role does not need it."""
    pk = _forget(user)
    user.otp_stamp = ""
    user.save(update_fields=["otp_stamp"])
    record(user, "second_factor_off", by=user, what="关闭了二次验证", stage=Stage.FILE)
    access.note(user, "second_factor_off", user)
    _tell(kinds.SecondFactorOff, user, [user], pk)


@transaction.atomic
def reset(user: User, *, by: Any) -> None:
    """The device is lost: an administrator lets the person set up another, within the grace and after the password.

    Every session ends, as one may be open on what was lost; the person, all administrators and all auditors are told.
    """
    pk = _forget(user)
    end_sessions([user.pk])
    user.otp_stamp = ""
    user.otp_grace_until = timezone.now() + timedelta(hours=settings.OTP_GRACE_HOURS)
    user.save(update_fields=["otp_stamp", "otp_grace_until"])
    what = f"重置二次验证，{settings.OTP_GRACE_HOURS} 小时内重新设置"
    record(user, "second_factor_reset", by=by, what=what, stage=Stage.FILE)
    access.note(by, "second_factor_reset", user)
    _tell(kinds.SecondFactorReset, user, dict.fromkeys([user, *people.watchers()]), pk)


# --- a code at the log-in ---------------------------------------------------------------------------------------------
@transaction.atomic
def verify(user: User, code: str) -> bool:
    """Whether this is a code of the device or a recovery code that has not been used. Each is good once.

    The device's row is locked: of two that send the same code at once, one gets in. Raises Throttled.
    """
    device = SecondFactor.objects.select_for_update().filter(user=user, confirmed=True).first()
    if device is None:
        return False
    allowed, why = device.verify_is_allowed()
    if not allowed:
        raise Throttled(why["locked_until"])
    typed = code.replace(" ", "").replace("-", "").lower()
    is_right = device.verify_token(typed) if typed.isascii() and typed.isdigit() else _use_recovery(device, typed)
    if not is_right:
        access.note(user, "second_factor_failed", user)
    return bool(is_right)


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _use_recovery(device: SecondFactor, typed: str) -> bool:
    rows = RecoveryCode.objects.filter(user_id=device.user_id, code_hash=_hash(device.user_id, typed), used_at=None)
    if not rows.update(used_at=timezone.now()):
        device.throttle_increment()
        return False
    device.throttle_reset()
    access.note(device.user, "recovery_code_used", device.user)
    return True


def _new_codes(user: User) -> list[str]:
    codes = ["".join(secrets.choice(LETTERS) for _ in range(10)) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, code_hash=_hash(user.pk, code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _hash(user_id: int, code: str) -> str:
    """49 random bits under a key that is not in the database: a slow hash would add nothing."""
    return hmac.new(settings.OTP_KEY.encode(), f"recovery:{user_id}:{code}".encode(), hashlib.sha256).hexdigest()


def _forget(user: User) -> int:
    """Which device it was, for the message's key."""
    last = SecondFactor.objects.filter(user=user).values_list("pk", flat=True).last() or 0
    SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    return int(last)


def _tell(kind: type[kinds.Kind], user: User, to: Any, pk: int) -> None:
    """No name leaves the building: the account is named by its office."""
    said = kind("二次验证", kind.title, user.office, None, reverse("notifications:inbox"))
    notify(said, to=to, key=f"{kind.code()}:{user.pk}:{pk}:{timezone.now():%Y%m%d%H%M%S}")
