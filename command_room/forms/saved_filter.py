from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest

from command_room.filters.saved_filter import kept
from command_room.models import ListCode, SavedFilter
from command_room.permissions import can_share_filter
from command_room.services import saved_filter as saved_filters

WHOSE = (("own", "只给自己用"), ("unit", "给本单位的人用"))
NAME = {"required": "请给这组条件起个名字。", "max_length": "名字请在 20 个字以内。"}


class SavedFilterForm(forms.Form):
    code = forms.ChoiceField(choices=ListCode.choices, widget=forms.HiddenInput)
    query = forms.CharField(max_length=1000, required=False, widget=forms.HiddenInput)
    request_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    name = forms.CharField(label="名称", max_length=20, error_messages=NAME)
    whose = forms.ChoiceField(label="给谁用", choices=WHOSE, required=False)

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        if not can_share_filter(request.user):
            del self.fields["whose"]

    @property
    def is_shared(self) -> bool:
        return self.cleaned_data.get("whose") == "unit"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        data["query"] = kept(data["code"], data["query"], self.request)
        why = saved_filters.refusal(
            code=data["code"],
            name=data["name"],
            is_shared=self.is_shared,
            by=self.request.user,
            request_id=data["request_id"],
        )
        if why:
            self.add_error("name", why)
        return data


class RenameForm(forms.Form):
    name = forms.CharField(label="新名称", max_length=20, error_messages=NAME)

    def __init__(self, *args: Any, saved: SavedFilter, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.saved, self.by = saved, by

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        same = SavedFilter.objects.filter(
            owner=self.saved.owner_id, unit=self.saved.unit_id, list=self.saved.list, name=name
        )
        if same.exclude(pk=self.saved.pk).exists():
            raise forms.ValidationError(f"已经有一个叫“{name}”的筛选，请换个名字。")
        return name
