from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from command_room.services.retention import KINDS
from enforcement.forms.event import INCOMPLETE, text

MOST_DAYS = 36_525


class RuleForm(forms.Form):
    """A new number of days for one kind, and why."""

    kind = forms.ChoiceField(
        choices=[(code, kind.label) for code, kind in KINDS.items()],
        widget=forms.HiddenInput,
        error_messages={"required": INCOMPLETE, "invalid_choice": INCOMPLETE},
    )
    days = forms.IntegerField(label="保存天数", min_value=1, max_value=MOST_DAYS)
    basis = text("依据", 200, "请写明依据，例如哪条规定、哪次会议定的。")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind, days = KINDS.get(cleaned.get("kind", "")), cleaned.get("days")
        if kind and days and days < kind.floor:
            raise ValidationError({"days": f"{kind.label}至少保存 {kind.floor} 天。"})
        return cleaned


class DecideForm(forms.Form):
    """The list that was seen: its number of rows."""

    seen_count = forms.IntegerField(widget=forms.HiddenInput)
