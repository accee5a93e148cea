"""Password rules beyond Django's own: the usual parameters under GB/T 22239-2019 (domain 9.3)."""

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError

from townships.models import OldPassword, User

CLASSES_NEEDED = 3


class ThreeClassesValidator:
    def validate(self, password: str, user: User | None = None) -> None:  # noqa: ARG002 - Django's signature
        classes = {_kind(character) for character in password}
        if len(classes) < CLASSES_NEEDED:
            raise ValidationError(self.get_help_text(), code="password_too_few_classes")

    def get_help_text(self) -> str:
        return "大写字母、小写字母、数字、符号四类中至少要有三类。"


class HistoryValidator:
    def validate(self, password: str, user: User | None = None) -> None:
        """Refuse the current password and those before it, PASSWORD_HISTORY in all."""
        if user is None or user.pk is None:
            return
        earlier = OldPassword.objects.filter(user=user).order_by("-at", "-id").values_list("password", flat=True)
        hashes = [user.password, *earlier[: settings.PASSWORD_HISTORY - 1]]
        if any(check_password(password, hashed) for hashed in hashes):
            raise ValidationError(self.get_help_text(), code="password_used_before")

    def get_help_text(self) -> str:
        return f"不能与最近 {settings.PASSWORD_HISTORY} 次用过的密码相同。"


def _kind(character: str) -> str:
    if character.isascii() and character.isalpha():
        return "upper" if character.isupper() else "lower"
    return "digit" if character.isdigit() else "other"
