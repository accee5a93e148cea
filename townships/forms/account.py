from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UsernameField
from django.core.exceptions import ValidationError
from django.utils import timezone

from townships.models import SecondFactor, User
from townships.services import second_factor


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


class CodeField(forms.CharField):
    """Six digits of the authenticator, or one of the recovery codes."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "class": "num"}
        super().__init__(max_length=20, widget=forms.TextInput(attrs=attrs), **kwargs)


class CodeForm(forms.Form):
    """A code of the account's device; `verify` asks for it once everything else in the form is right."""

    code = CodeField(label="验证码", help_text="验证器上的 6 位数字；设备不在手边时，可输入一个恢复码。")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_code(self) -> str:
        return check_code(self.user, self.cleaned_data["code"])


def check_code(user: User, code: str) -> str:
    """The code, which is used up by this. Raises ValidationError with what to do."""
    try:
        if second_factor.verify(user, code):
            return code
    except second_factor.Throttled as error:
        raise ValidationError(error.sentence, code="throttled") from error
    raise ValidationError("验证码不对，或者已经用过。请等验证器换一个数字再输。", code="wrong")


class SetUpForm(forms.Form):
    """The first code of a new device, and one of the old device where there is one."""

    offer = forms.CharField(max_length=400, widget=forms.HiddenInput)
    code = CodeField(label="验证器上显示的 6 位数字")
    old_code = CodeField(label="原来设备的验证码", help_text="换设备前，先证明原来的设备在您手里；也可输入一个恢复码。")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if not user.otp_stamp:
            del self.fields["old_code"]

    def clean_offer(self) -> SecondFactor:
        device = second_factor.offered(self.user, self.cleaned_data["offer"])
        if device is None:
            raise ValidationError("这一页打开得太久，二维码已换新。请删掉刚才加的那一条，重新扫码。")
        return device

    def clean(self) -> dict[str, Any]:
        """The old device's code last: a right one is used up, and should not be for a slip in the new one's."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not second_factor.fits(cleaned["offer"], cleaned["code"]):
            self.add_error("code", "这个数字不对。请看验证器上“嵊州综合执法协同”这一条，等它换一个数字再输。")
        if not self.errors and "old_code" in self.fields:
            try:
                check_code(self.user, cleaned["old_code"])
            except ValidationError as error:
                self.add_error("old_code", error)
        return cleaned


class PasswordForm(PasswordChangeForm):
    """The rules in one breath; each is still named by its validator when it is broken."""

    field_order = ["old_password", "new_password1", "new_password2", "code"]
    code = CodeField(
        label="验证码", help_text="验证器上的 6 位数字，或一个恢复码。刚登录时用过的那个不能再用，请等下一个。"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.user.otp_stamp:
            del self.fields["code"]
        if self.user.must_change_password:
            self.fields["old_password"].label = "现在的密码（刚才登录用的那个）"
        self.fields["new_password1"].help_text = (
            "至少 8 个字符，大写字母、小写字母、数字、符号中有三类；不要用常见的密码或自己的姓名、用户名，"
            f"不能与最近 {settings.PASSWORD_HISTORY} 次用过的相同。"
        )
        self.fields["new_password2"].label = "再输一遍新密码"
        self.fields["new_password2"].help_text = ""

    def clean(self) -> dict[str, Any]:
        """The code last: one that is right is used up, and should not be for a password that is refused."""
        cleaned = super().clean() or self.cleaned_data
        if "code" in self.fields and not self.errors:
            try:
                check_code(self.user, cleaned["code"])
            except ValidationError as error:
                self.add_error("code", error)
        return cleaned
