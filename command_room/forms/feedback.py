"""意见反馈: what somebody says about the portal, and the answer."""

from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django import forms
from django.urls import Resolver404, resolve

from command_room.models import Feedback

INCOMPLETE = "页面不完整，没有提交。请返回上一页，刷新后再试。"


KEY_NAME = "token"  # an address that holds one opens a page by itself


def safe_path(wanted: str) -> str:
    """The path of a page of this portal, without what was searched for there; empty for anything else,
    and for an address that opens by what stands in it."""
    if not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return ""
    try:
        parts = urlsplit(wanted)
        match = resolve(parts.path)
    except (ValueError, Resolver404):  # no address at all, or none of ours
        return ""
    if parts.netloc or len(parts.path) > Feedback.PATH:
        return ""
    return "" if KEY_NAME in match.kwargs else parts.path


class FeedbackForm(forms.Form):
    """`request_id` makes two sendings one; `from_path` is the page on which the link was followed."""

    kind = forms.ChoiceField(
        label="什么意见",
        choices=Feedback.Kind.choices,
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "请选一种意见。"),
    )
    text = forms.CharField(
        label="请您说说",
        max_length=Feedback.TEXT,
        widget=forms.Textarea(attrs={"rows": "6"}),
        help_text="在做什么、想怎样、实际怎样。不写群众姓名、电话和案情。",
        error_messages={
            "required": "请写几句：在做什么、哪里不顺。",
            "max_length": f"内容最多 {Feedback.TEXT} 字，请删短。",
        },
    )
    may_call = forms.BooleanField(
        label="可以打电话问我",
        required=False,
        help_text="勾选后，系统管理员看得到您登记的手机号；不勾选就看不到。",
    )
    from_path = forms.CharField(required=False, widget=forms.HiddenInput)
    request_id = forms.UUIDField(
        initial=uuid4,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("required", "invalid"), INCOMPLETE),
    )

    def clean_from_path(self) -> str:
        return safe_path(self.cleaned_data["from_path"])


class AnswerForm(forms.Form):
    """`seen_state`: what the person who answers saw."""

    text = forms.CharField(
        label="答复",
        max_length=Feedback.TEXT,
        widget=forms.Textarea(attrs={"rows": "5"}),
        help_text="提意见的人会收到消息，审计员也看得到。只能答复一次。",
        error_messages={
            "required": "请写答复：怎么处理、什么时候；做不到的，说明为什么。",
            "max_length": f"答复最多 {Feedback.TEXT} 字，请删短。",
        },
    )
    seen_state = forms.CharField(widget=forms.HiddenInput, error_messages={"required": INCOMPLETE})

    def __init__(self, *args: Any, row: Feedback, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_state"].initial = row.state
