from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils import timezone

from townships.models import User


class LoginForm(AuthenticationForm):
    error_messages = {
        "invalid_login": "用户名或密码不对。请分清大小写，再试一次。",
        "inactive": "这个账号已停用，请联系系统管理员。",
    }

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if user.password_expires_at is not None and user.password_expires_at < timezone.now():
            raise ValidationError("一次性密码已过期，请联系系统管理员重新发放。", code="expired")
