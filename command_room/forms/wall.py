from typing import Any

from django import forms

from command_room.services import wall
from enforcement.forms.event import request_id, text
from townships.models import Unit

TERMS = ((30, "30 天"), (90, "90 天"), (180, "半年"), (365, "一年"))


class WallChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Unit) -> str:
        return f"{obj}指挥台" if obj.is_township else f"全市总览（{obj}）"


class WallLinkForm(forms.Form):
    """Where the screen hangs, what it shows, and how long the link holds."""

    unit = WallChoice(
        label="显示什么", queryset=Unit.objects.none(), empty_label=None, error_messages={"required": "请选显示哪里。"}
    )
    label = text("放在哪里", 40, "请写大屏放在哪里，例如“一楼指挥大厅”，以后好认。", placeholder="例如：一楼指挥大厅")
    days = forms.TypedChoiceField(label="有效期", choices=TERMS, coerce=int, initial=180)
    request_id = request_id()

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = wall.units(user)
        self.fields["unit"].queryset = found  # type: ignore[attr-defined]
        self.fields["unit"].initial = found.first()
