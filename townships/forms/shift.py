from datetime import date, timedelta
from typing import Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from townships import people
from townships.models import Shift, Unit, User

REACH = timedelta(days=366)


class ShiftForm(forms.Form):
    """One person, one band of one day. Without times, the band's usual hours."""

    user = forms.ModelChoiceField(label="人员", queryset=User.objects.none(), empty_label="请选择")
    day = forms.DateField(label="日期", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    band = forms.ChoiceField(label="班次", choices=Shift.Band.choices)
    starts_at = forms.TimeField(label="开始", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    ends_at = forms.TimeField(label="结束", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    is_on_call = forms.BooleanField(label="备勤（在家待命）", required=False)

    def __init__(self, *args: Any, township: Unit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        person = cast("forms.ModelChoiceField[User]", self.fields["user"])
        person.queryset = people.schedulable(township, timezone.localdate())
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            "user",
            "day",
            "band",
            Div(Field("starts_at", wrapper_class="col"), Field("ends_at", wrapper_class="col"), css_class="row"),
            HTML('<p class="form-text">时间不填，按班次的通常时间；结束不晚于开始的，算到次日。</p>'),
            "is_on_call",
        )

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if abs(day - timezone.localdate()) > REACH:
            raise ValidationError("日期请选前后一年之内的。")
        return day

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if (cleaned.get("starts_at") is None) != (cleaned.get("ends_at") is None):
            self.add_error("ends_at", "开始和结束请都填写，或都不填。")
        return cleaned
