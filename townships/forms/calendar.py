from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from townships.models import WorkingHours
from townships.worktime import parse_windows, print_windows

MOST_BYTES = 200_000


class HolidayFileForm(forms.Form):
    file = forms.FileField(label="放假安排文件", help_text="CSV，第 1 行是列名；种类填放假或调休上班")
    source = forms.CharField(label="依据", max_length=100, help_text="例如：国务院办公厅通知的文号")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise ValidationError("文件太大，放假安排一年不过几十行，请核对是否选错了文件。")
        return file


class WindowsField(forms.CharField):
    """08:30-12:00、14:00-17:30 ↔ [["08:30", "12:00"], ["14:00", "17:30"]]"""

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else "、".join("-".join(pair) for pair in value)

    def clean(self, value: Any) -> list[list[str]]:
        text = super().clean(value)
        pairs = [part.strip().split("-") for part in text.replace("，", "、").replace(",", "、").split("、")]
        try:
            return print_windows(parse_windows(pairs))
        except ValueError:
            raise ValidationError("请写成 08:30-12:00、14:00-17:30 的样子，从早到晚，互不重叠。") from None


class WorkingHoursForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    windows = WindowsField(label="时段", help_text="例如 08:30-12:00、14:00-17:30")

    class Meta:
        model = WorkingHours
        fields = ["valid_from", "windows"]

    def clean_valid_from(self) -> date:
        day: date = self.cleaned_data["valid_from"]
        latest = WorkingHours.objects.order_by("-valid_from").first()
        if latest and day <= latest.valid_from:
            raise ValidationError(f"须晚于现行时段的起用日期 {latest.valid_from}；已用过的时段不再改动。")
        return day
