"""消息设置: by which channels one is told, and when not."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Fieldset, Layout
from django import forms
from django.core.exceptions import ValidationError

from notifications.models import Delivery
from notifications.services.route import Wishes

STEPS = ("first", "second", "third")
LABELS = ("先用", "发不到时用", "还发不到时用")
HOURS = [("", "不汇总，随到随发"), *((str(hour), f"每天 {hour}:00") for hour in range(6, 22))]
CLOCKS = "有期限的消息（如派单等您签收）不受免打扰和汇总影响，随到随发。"


class PreferenceForm(forms.Form):
    """As many steps as there are channels; the first must be chosen."""

    quiet_from = forms.TimeField(
        label="从", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_to = forms.TimeField(
        label="到", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    digest_hour = forms.TypedChoiceField(
        label="没有期限的消息", choices=HOURS, coerce=int, empty_value=None, required=False
    )

    def __init__(self, data: Any = None, *, wishes: Wishes, house: Wishes) -> None:
        super().__init__(data, initial=_initial(wishes))
        names = dict(Delivery.Channel.choices)
        offered = list(dict.fromkeys([*house.channels, *wishes.channels]))
        steps = list(zip(STEPS, LABELS, strict=True))[: len(offered)]
        for number, (step, label) in enumerate(steps):
            empty = [("", "不用")] if number else []
            self.fields[step] = forms.ChoiceField(
                label=label,
                required=not number,
                choices=[*empty, *((channel, names[channel]) for channel in offered)],
                error_messages={"required": "请至少选一个渠道。", "invalid_choice": "请从列出的渠道里选。"},
            )
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = _layout([step for step, _ in steps])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        chosen = [cleaned[step] for step in STEPS if cleaned.get(step)]
        if len(set(chosen)) < len(chosen):
            raise ValidationError("同一个渠道只能选一次。")
        start, end = cleaned.get("quiet_from"), cleaned.get("quiet_to")
        if (start is None) != (end is None) and not {"quiet_from", "quiet_to"} & self.errors.keys():
            self.add_error("quiet_to", "开始和结束请都填写，或都不填。")
        elif start is not None and start == end:
            self.add_error("quiet_to", "结束不能与开始相同。")
        return cleaned

    def wishes(self) -> dict[str, Any]:
        """What the service takes. Only after `is_valid()`."""
        fields = {name: self.cleaned_data[name] for name in ("quiet_from", "quiet_to", "digest_hour")}
        return {"channels": [self.cleaned_data[step] for step in STEPS if self.cleaned_data.get(step)], **fields}


def _initial(wishes: Wishes) -> dict[str, Any]:
    quiet = wishes.quiet
    hours = {"quiet_from": quiet.start, "quiet_to": quiet.end} if quiet else {}
    digest = {"digest_hour": "" if wishes.digest_hour is None else str(wishes.digest_hour)}
    return {**dict(zip(STEPS, wishes.channels, strict=False)), **hours, **digest}


def _layout(steps: list[str]) -> Layout:
    return Layout(
        Fieldset("用什么通知", *steps, css_class="mb-3"),
        Fieldset(
            "免打扰时段",
            Div(Field("quiet_from", wrapper_class="col"), Field("quiet_to", wrapper_class="col"), css_class="row"),
            HTML('<p class="form-text">这段时间里没有期限的消息先攒着，过后合成一条发。都不填，就没有免打扰。</p>'),
            css_class="mb-3",
        ),
        Fieldset("每日汇总", "digest_hour"),
        HTML(f'<p class="form-text">{CLOCKS}</p>'),
    )
