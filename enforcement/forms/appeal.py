"""A department's appeal against a low rating, and the guidance office's decision."""

from typing import Any

from django import forms
from django.utils import timezone

from enforcement.forms.event import VerbForm, request_id, text
from enforcement.models import Appeal, Dispatch
from enforcement.permissions import can_appeal, can_decide_appeal
from enforcement.services import appeal as appeals


class AppealForm(forms.Form):
    request_id = request_id()
    text = text("申诉理由", 400, "请写为什么不接受这次评价。", rows=3)


class DecideForm(VerbForm):
    outcome = forms.ChoiceField(
        label="裁定",
        choices=[(Appeal.State.UPHELD, "维持评价"), (Appeal.State.STRUCK, "评价不计：划掉，不算进任何平均数")],
        widget=forms.RadioSelect,
        error_messages={"required": "请选维持或不计。", "invalid_choice": "请选维持或不计。"},
    )
    decision = text("裁定意见", 400, "请写理由，双方都会看到。", rows=3)


def appeal_forms(user: Any, dispatch: Dispatch) -> dict[str, forms.Form]:
    """What this person may do about a rating now."""
    appeal = dispatch.its_appeal
    if appeal is not None and can_decide_appeal(user, appeal):
        return {"decide": DecideForm(initial={"seen_state": appeal.state}, auto_id="decide_%s")}
    if appeal is None and can_appeal(user, dispatch):
        clock = appeals.due_of(dispatch)
        if clock and timezone.now() <= clock.at:
            return {"appeal": AppealForm(auto_id="appeal_%s")}
    return {}
