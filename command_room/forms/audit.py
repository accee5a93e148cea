from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from command_room.services import audit
from command_room.services.audit import Asked
from enforcement.filters.bar import midnight


def day(label: str) -> forms.DateField:
    wrong = {"invalid": "日期请写成 2026-11-24 的样子。"}
    return forms.DateField(label=label, required=False, widget=forms.DateInput({"type": "date"}), error_messages=wrong)


def said(label: str, length: int, hint: str) -> forms.CharField:
    widget = forms.TextInput({"placeholder": hint, "autocomplete": "off"})
    return forms.CharField(label=label, max_length=length, required=False, widget=widget)


class AuditForm(forms.Form):
    """Person, object, kind and time; all in the address."""

    person = said("人员", 40, "姓名或账号")
    number = said("对象", 44, "完整编号或账号")
    kind = forms.ChoiceField(label="种类", choices=audit.CHOICES, required=False)
    since = day("自")
    until = day("至")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("since") and cleaned.get("until") and cleaned["since"] > cleaned["until"]:
            raise ValidationError("起始日期晚于截止日期，请调换。")
        return cleaned

    def asked(self) -> Asked:
        """Of a valid form."""
        said = self.cleaned_data
        return Asked(
            people=audit.people_named(said["person"]) if said["person"] else None,
            targets=audit.targets_named(said["number"]) if said["number"] else None,
            kind=said["kind"],
            since=midnight(said["since"]) if said["since"] else None,
            until=midnight(said["until"] + timedelta(days=1)) if said["until"] and said["until"] < date.max else None,
        )
