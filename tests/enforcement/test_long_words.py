"""Whatever somebody types: ten thousand characters, emoji, rare characters of names and places."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from uuid import uuid4

import pytest
from django import forms as django_forms
from django.core.exceptions import ValidationError

from enforcement import forms
from enforcement.models import Event
from enforcement.services import dispatch as dispatches
from tests.cast import Cast, client_for
from tests.enforcement import walk
from townships.forms.shift_note import ShiftNoteForm

RARE = "𠮷㙍䶮𬭚👩‍🚒🔥"  # U+20BB7 and others beyond the first plane, a joined emoji
MODULES = [import_module(f"{forms.__name__}.{one.name}") for one in iter_modules(forms.__path__)]
FORMS = {
    form for module in MODULES for form in vars(module).values()
    if isinstance(form, type) and issubclass(form, django_forms.BaseForm) and form.__module__.startswith("enforcement")
} | {ShiftNoteForm}  # fmt: skip
TEXTS = [
    (f"{form.__name__}.{name}", field)
    for form in sorted(FORMS, key=lambda form: (form.__module__, form.__name__))
    for name, field in form.base_fields.items()
    if type(field) is django_forms.CharField and not isinstance(field.widget, django_forms.HiddenInput)
]


def test_there_are_texts_to_try() -> None:
    assert len(TEXTS) > 20


@pytest.mark.parametrize("field", [field for _, field in TEXTS], ids=[name for name, _ in TEXTS])
def test_ten_thousand_characters_are_refused_with_what_to_do(field: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        field.clean("𠮷" * 10_000)
    assert f"最多 {field.max_length} 字，请删短" in caught.value.messages[0]


@pytest.mark.usefixtures("rules")
def test_emoji_and_rare_characters_come_back_as_they_were_typed(cast: Cast) -> None:
    """From the report to the remark, on the pages of whoever reads them."""
    form = {"request_id": uuid4(), "category": walk.category().pk, "place": f"{RARE}路 8 号", "facts": f"看到{RARE}"}
    answer = client_for(cast.grid).post("/events/report/", {**form, "is_urgent": "no", "category_text": "无证经营"})
    assert answer.status_code == 302
    event = Event.objects.get()
    assert (event.place, event.facts) == (f"{RARE}路 8 号", f"看到{RARE}")
    lead = walk.part(walk.submitted(cast, "emergency", of=event), cast.scjg)
    walk.arrived(cast, lead)
    walk.report(cast, lead, measures=f"清理{RARE}")
    dispatches.remark(lead, by=cast.scjg_liaison, request_id=uuid4(), text=f"留言{RARE}")
    page = client_for(cast.duty).get(lead.get_absolute_url()).content.decode()
    for typed in (f"{RARE}路 8 号", f"清理{RARE}", f"留言{RARE}"):
        assert typed in page
    found = client_for(cast.duty).get("/events/", {"q": RARE[:2]}).content.decode()
    assert event.number in found


@pytest.mark.usefixtures("rules")
def test_ten_thousand_characters_keep_the_rest_of_the_form(cast: Cast) -> None:
    form = {"request_id": uuid4(), "category_text": "无证经营", "place": "东湖路 18 号", "facts": "长" * 10_000}
    walk.category()
    answer = client_for(cast.grid).post("/events/report/", {**form, "is_urgent": "no"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "情况最多 4000 字，请删短到 4000 字以内。" in page
    assert "东湖路 18 号" in page
    assert "长" * 10_000 in page
