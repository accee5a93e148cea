from uuid import uuid4

from django import forms

from townships.models import ShiftNote


class ShiftNoteForm(forms.Form):
    """What the next one has to know; what is open stands on the note by itself. `request_id` makes twice once."""

    text = forms.CharField(
        label="交代（可不写）",
        max_length=ShiftNote.TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": "5"}),
        help_text="下一班要留意的事。不写群众姓名、电话；没办结的事已经列在下面。",
        error_messages={"max_length": f"交代最多 {ShiftNote.TEXT} 字，请删短。"},
    )
    request_id = forms.UUIDField(
        initial=uuid4,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("required", "invalid"), "页面不完整，没有交班。请刷新后再试。"),
    )
