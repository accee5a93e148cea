"""Forms of 延期: ask for it, and say no."""

from django import forms

from enforcement.forms.event import VerbForm, request_id, text
from enforcement.services.extension import Outlook


class ExtensionForm(VerbForm):
    request_id = request_id()
    reason = text("延期理由", 400, "请写为什么按期办不完、到时能办到哪一步。", rows=3)


class RefuseExtensionForm(VerbForm):
    decision = text("不同意的原因", 400, "请写不同意的原因，部门会看到。", rows=2)


def extension_forms(outlook: Outlook, seen_state: str) -> dict[str, forms.Form]:
    """The forms of what this person may do now about an extension. `seen_state` is the dispatch's."""
    found: dict[str, forms.Form] = {}
    if outlook.can_ask:
        found["extend"] = ExtensionForm(initial={"seen_state": seen_state}, auto_id="extend_%s")
    if outlook.can_answer:
        found["refuse_extension"] = RefuseExtensionForm(initial={"seen_state": "asked"}, auto_id="refuse_extension_%s")
    return found
