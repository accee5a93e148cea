"""批量开户: the file, and the confirmation of what was shown of it."""

from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError

MOST_BYTES = 2_000_000
ENDINGS = (".xlsx", ".csv")


class AccountFileForm(forms.Form):
    file = forms.FileField(
        label="人员和岗位表",
        help_text="XLSX 或 CSV，一行一个岗位，最多 2000 行",
        widget=forms.ClearableFileInput(attrs={"accept": ",".join(ENDINGS)}),
        error_messages={"required": "请先选文件。", "empty": "文件是空的，请核对。"},
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not file.name.lower().endswith(ENDINGS):
            raise ValidationError("请上传 XLSX 或 CSV 文件；XLS 请先另存为 XLSX。")
        if file.size > MOST_BYTES:
            raise ValidationError("文件太大（2 MB 以内），请核对，或分几次导入。")
        return file


class ConfirmForm(forms.Form):
    request_id = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)
    stored = forms.CharField(max_length=60, widget=forms.HiddenInput)
    name = forms.CharField(max_length=200, widget=forms.HiddenInput)
