import hashlib
import hmac
from collections.abc import Sequence
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

SECRET_BYTES = 20


class SecondFactor(TOTPDevice):  # type: ignore[misc]  # the library is untyped
    """A person's authenticator. `key` in the database is a seed; the secret is made of it with OTP_KEY, which is not there."""

    class Meta:
        proxy = True
        verbose_name = verbose_name_plural = "二次验证器"
        default_permissions: ClassVar[Sequence[str]] = ()

    @property
    def bin_key(self) -> bytes:
        return hmac.new(settings.OTP_KEY.encode(), f"totp:{self.key}".encode(), hashlib.sha256).digest()[:SECRET_BYTES]


class RecoveryCode(models.Model):
    """A code for the day when the device is not at hand: good once, kept as a hash."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions: ClassVar[Sequence[str]] = ()
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.used_at or '-'}"
