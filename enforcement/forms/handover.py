"""Handing an event to a neighbouring township, and what that one answers."""

from typing import Any

from django import forms
from django.utils import timezone

from enforcement.forms.event import VerbForm, request_id, text
from enforcement.models import Event
from townships.models import Unit


class HandoverForm(VerbForm):
    request_id = request_id()
    to = forms.ModelChoiceField(
        Unit.objects.none(),
        label="移交哪个镇街",
        empty_label="请选",
        error_messages={"required": "请选移交哪个镇街。", "invalid_choice": "请选另一个镇街。"},
    )
    reason = text("理由", 400, "请写为什么是对方的事，例如地点在对方辖区。", rows=2)

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"seen_state": event.state}, "auto_id": "handover_%s", **kwargs})
        others = Unit.objects.townships().open_on(timezone.localdate()).exclude(pk=event.township_id)
        self.fields["to"].queryset = others  # type: ignore[attr-defined]


class HandoverRefuseForm(VerbForm):
    decision = text("不接收的原因", 400, "请写为什么不接收，对方会看到。", rows=2)
