from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UsernameField
from django.core.exceptions import ValidationError
from django.utils import timezone

from townships.models import User


class LoginForm(AuthenticationForm):
    # longer than any account's: otherwise the row of the failed attempt does not fit its column
    username = UsernameField(max_length=150, widget=forms.TextInput(attrs={"autofocus": True}))
    error_messages = {
        "invalid_login": "用户名或密码不对。请分清大小写，再试一次。",
        "inactive": "这个账号已停用，请联系系统管理员。",
    }

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if user.password_expires_at is not None and user.password_expires_at < timezone.now():
            raise ValidationError("一次性密码已过期，请联系系统管理员重新发放。", code="expired")


class PasswordForm(PasswordChangeForm):
    """The rules in one breath; each is still named by its validator when it is broken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.user.must_change_password:
            self.fields["old_password"].label = "现在的密码（刚才登录用的那个）"
        self.fields["new_password1"].help_text = (
            "至少 8 个字符，大写字母、小写字母、数字、符号中有三类；不要用常见的密码或自己的姓名、用户名，"
            f"不能与最近 {settings.PASSWORD_HISTORY} 次用过的相同。"
        )
        self.fields["new_password2"].label = "再输一遍新密码"
        self.fields["new_password2"].help_text = ""
