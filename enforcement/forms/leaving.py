from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from enforcement.forms.event import INCOMPLETE
from enforcement.services.leaving import Lot, seal
from townships.models import User

REACH = timedelta(days=366)


class LeavingForm(forms.Form):
    """From which day, and who takes each lot; nobody chosen means that it goes back to the desk."""

    seen = forms.CharField(widget=forms.HiddenInput, error_messages={"required": INCOMPLETE})
    day = forms.DateField(
        label="从哪一天起停用",
        help_text="这一天起不能登录，岗位到前一天为止。选今天，就是马上停用。",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "请选从哪一天起停用。", "invalid": "日期请写成 2026-11-24 的样子。"},
    )

    def __init__(self, data: Any = None, *, lots: Sequence[Lot]) -> None:
        super().__init__(data, initial={"seen": seal(lots), "day": timezone.localdate()})
        self.lots = lots
        for lot in lots:
            choices = [("", lot.back), *((str(heir.pk), f"{heir}（{heir.username}）") for heir in lot.heirs)]
            wrong = {"invalid_choice": "此人现在不能接，请从列出的人里选，或交回。"}
            self.fields[lot.key] = forms.ChoiceField(
                label=lot.title,
                choices=choices,
                required=False,
                error_messages=wrong,
                widget=forms.Select(attrs={"class": "form-select"}),
            )

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        today = timezone.localdate()
        if not today <= day <= today + REACH:
            raise ValidationError(f"请选今天（{today}）到一年以内的日子。")
        return day

    def shown(self) -> list[tuple[Lot, forms.BoundField]]:
        return [(lot, self[lot.key]) for lot in self.lots]

    def heirs(self) -> dict[str, User | None]:
        """Lot → who takes it. Only after `is_valid()`."""
        by_pk = {str(heir.pk): heir for lot in self.lots for heir in lot.heirs}
        return {lot.key: by_pk.get(self.cleaned_data[lot.key]) for lot in self.lots}
