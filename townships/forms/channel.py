"""A new row of 消息渠道: in which order, in which hours, from when on."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from notifications.models import ChannelRule, Delivery
from notifications.transports.registry import channels_on

STEPS = (("first", "先用"), ("second", "发不到时用"), ("third", "还发不到时用"))
SLACK = timedelta(minutes=10)  # the form may have been open for a while


class ChannelRuleForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    first = forms.ChoiceField(label="先用", required=False)
    second = forms.ChoiceField(label="发不到时用", required=False)
    third = forms.ChoiceField(label="还发不到时用", required=False)

    class Meta:
        model = ChannelRule
        fields = ["valid_from", "quiet_from", "quiet_to", "burst_after", "reason"]
        help_texts = {
            "valid_from": "最早是现在；已经起用的不再改动，要改就再加一条",
            "quiet_to": "没有期限的消息在免打扰时段先攒着；都不填就没有免打扰",
            "reason": "例如：短信网关检修",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        on = channels_on()
        offered = [(value, label) for value, label in Delivery.Channel.choices if value in on]
        missing = [label for value, label in Delivery.Channel.choices if value not in on]
        for name, _ in STEPS:
            field: Any = self.fields[name]
            field.choices = [("", "不用"), *offered]
        if missing:
            self.fields["first"].help_text = f"{'、'.join(missing)}还没有接通，接通后才能选。"

    def clean_valid_from(self) -> datetime:
        at: datetime = self.cleaned_data["valid_from"]
        if at < timezone.now() - SLACK:
            raise ValidationError("起用时间最早是现在：之前的消息已经按当时的规则发了。")
        return at

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        chosen = [cleaned[name] for name, _ in STEPS if cleaned.get(name)]
        if len(set(chosen)) < len(chosen):
            raise ValidationError("同一个渠道只能选一次。")
        self.instance.channels = chosen
        return cleaned
