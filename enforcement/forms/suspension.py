"""Forms of 挂账: ask for it until a day, and say no."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from enforcement.forms.event import VerbForm, request_id, text
from enforcement.models import Suspension
from enforcement.services.suspension import Outlook

USUALLY = timedelta(days=30)


class SuspensionForm(VerbForm):
    request_id = request_id()
    reason = forms.ChoiceField(
        label="为什么办不下去",
        choices=Suspension.Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "请选一个理由。", "invalid_choice": "请选一个理由。"},
    )
    text = text("说明", 400, "请写在等什么、等谁，什么时候能继续。", rows=3)
    until = forms.DateField(
        label="挂账到",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "请选挂账到哪一天。", "invalid": "请写日期，例如 2026-12-18。"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        today = timezone.localdate()
        self.first, self.last = today + timedelta(days=1), today + timedelta(days=Suspension.LONGEST_DAYS)
        kwargs["initial"] = {"until": today + USUALLY, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["until"].widget.attrs.update(min=f"{self.first}", max=f"{self.last}")

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"]
        if until < self.first:
            raise forms.ValidationError(f"最早挂账到明天（{self.first}），当天到期的不用挂账。")
        if until > self.last:
            raise forms.ValidationError(f"一次最多挂账 {Suspension.LONGEST_DAYS} 天，最晚到 {self.last}。")
        return until


class RefuseSuspensionForm(VerbForm):
    decision = text("不批准的原因", 400, "请写不批准的原因，申请的单位会看到。", rows=2)


def suspension_forms(outlook: Outlook, seen_state: str) -> dict[str, forms.Form]:
    """The forms of what this person may do now about a suspension. `seen_state` is the whistle's."""
    found: dict[str, forms.Form] = {}
    if outlook.can_ask:
        found["suspend"] = SuspensionForm(initial={"seen_state": seen_state}, auto_id="suspend_%s")
    if outlook.can_decide:
        found["refuse_suspension"] = RefuseSuspensionForm(
            initial={"seen_state": "asked"}, auto_id="refuse_suspension_%s"
        )
    return found
