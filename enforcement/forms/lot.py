"""Forms of an act on many rows: which rows were ticked, what is said once for all of them."""

from typing import Any

from django import forms
from django.http import QueryDict

from enforcement.forms.event import SquadForm, request_id
from enforcement.models import Lot
from enforcement.rules.deadlines import Step
from enforcement.services.lot import MOST, Terms
from townships import people
from townships.models import Unit, User

DEFAULT_LIMIT = Step("work_days", 1)
DIGITS = 18  # of an id that the database knows


class GoesForm(forms.Form):
    """Who goes: a sub-unit or a person of the own department."""

    goes = forms.ChoiceField(
        label="由谁承办",
        error_messages={"required": "请选由谁承办。", "invalid_choice": "请选本单位现在的人员或派出机构。"},
    )

    def __init__(self, *args: Any, department: Unit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units, officers = people.subunits(department, department), people.officers_of(department)
        self.people: dict[str, Unit | User] = {
            **{f"unit-{unit.pk}": unit for unit in units},
            **{f"user-{user.pk}": user for user in officers},
        }
        self.fields["goes"].choices = [  # type: ignore[attr-defined]
            ("", "请选"),
            *((value, str(who)) for value, who in self.people.items()),
        ]

    def terms(self) -> Terms:
        return Terms(goes=self.people[self.cleaned_data["goes"]])


class LimitForm(forms.Form):
    """Within which time the squad has to deal with all of them."""

    amount, unit = SquadForm.base_fields["amount"], SquadForm.base_fields["unit"]

    def terms(self) -> Terms:
        return Terms(limit=Step(self.cleaned_data["unit"], self.cleaned_data["amount"]))


class NoTerms(forms.Form):
    def terms(self) -> Terms:
        return Terms()


class LotForm(forms.Form):
    act = forms.ChoiceField(choices=Lot.Act.choices)
    request_id = request_id()

    def seen(self) -> list[tuple[int, str]]:
        """`row`: id and state as the preview showed them; what is neither is nothing."""
        data: QueryDict = self.data  # type: ignore[assignment]
        pairs = [value.partition(":") for value in data.getlist("row")[:MOST]]
        return [(int(pk), state) for pk, _, state in pairs if is_id(pk)]


def is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= DIGITS


def terms_form(act: str, data: QueryDict | None, *, by: Any) -> GoesForm | LimitForm | NoTerms:
    """What has to be said besides; unbound where it has not been said and nothing is usual."""
    if act == Lot.Act.ASSIGN:
        return GoesForm(data if data and "goes" in data else None, department=by.acting.unit)
    if act == Lot.Act.SQUAD:
        usual = {"amount": DEFAULT_LIMIT.amount, "unit": DEFAULT_LIMIT.unit}
        return LimitForm(data if data and "amount" in data else usual)
    return NoTerms(data or {})
