"""What a grid member answers from the spot: 通过, 不通过 or 无法核查, with words and photos."""

from typing import Any

from django import forms

from enforcement.forms.dispatch import WaitingFilesForm
from enforcement.forms.event import VerbForm, text
from enforcement.forms.files import PhotosField
from enforcement.models import Check

LABELS = {Check.State.PASSED: "通过", Check.State.FAILED: "不通过", Check.State.UNABLE: "无法核查"}
TO_SAY: dict[str | None, str] = {
    Check.State.FAILED: "请写哪里没有处置好。",
    Check.State.UNABLE: "请写为什么看不了，例如门锁着、找不到地方。",
}


class CheckForm(WaitingFilesForm, VerbForm):
    """Three buttons send it; two of them ask for words."""

    answer = forms.ChoiceField(
        label="结果",
        choices=list(LABELS.items()),
        error_messages={"required": "请按下面三个按钮中的一个。", "invalid_choice": "请按下面三个按钮中的一个。"},
    )
    text = text("说明", 400, rows=2, placeholder="不通过、无法核查的，写一句为什么")
    files = PhotosField(label="照片（可不传，最多 9 张）")  # type: ignore[assignment]  # BaseForm.files stays what it is

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        missing = TO_SAY.get(data.get("answer"))
        if missing and not data.get("text"):
            self.add_error("text", missing)
        return data

    @property
    def buttons(self) -> list[tuple[str, str]]:
        return [(str(value), label) for value, label in LABELS.items()]
