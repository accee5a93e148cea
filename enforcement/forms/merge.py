"""Merging an event into another report of the same matter: one of those proposed, or one whose number is known."""

from typing import Any

from django import forms

from enforcement.forms.event import VerbForm, text
from enforcement.models import Event
from enforcement.services import merge as merges

UNKNOWN = "本镇街没有这个编号，请核对后再填，例如 20261124-0007。"


class MergeForm(VerbForm):
    """Cleans to `into`, whichever of the two was sent."""

    into = forms.ModelChoiceField(
        Event.objects.none(), required=False, widget=forms.HiddenInput, error_messages={"invalid_choice": UNKNOWN}
    )
    number = text("并入哪一件（编号）", 40, placeholder="例如 20261124-0007", autocomplete="off")

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"seen_state": event.state}, "auto_id": "merge_%s", **kwargs})
        self.event = event
        self.fields["into"].queryset = Event.objects.filter(township=event.township_id)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        number = data.pop("number", "").strip()
        if number and not data.get("into"):
            data["into"] = merges.by_number(self.event, number)
        if not data.get("into") and not self.errors:
            self.add_error("number", UNKNOWN if number else "请填要并入的那一件的编号。")
        return data
