"""Forms of what a department does: sign, name who goes, arrive, report back, write to the township."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils import timezone

from enforcement.forms.event import VerbForm, request_id, text
from enforcement.forms.files import EvidenceField
from enforcement.models import Dispatch, Report
from records.services.attachment import MAX_FILES, Upload
from townships import people
from townships.models import Certificate, Unit, User

LAPSED = "勾选的人都没有今天有效的执法证件：请加一名持证人员；这次不行使执法权的，去掉下面的勾。"


@dataclass(frozen=True)
class Goer:
    """Who or what may be named to go: a sub-unit or a person, with a word on it."""

    value: str  # "unit-12", "user-34"
    name: str
    hint: str


class GoesField(forms.ChoiceField):
    """Sub-units and officers of a department in one choice, as both are answers to “who goes”."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="谁去", **kwargs)
        self.goers: list[Goer] = []

    def offer(self, dispatch: Dispatch) -> None:
        """The sub-units of this township, then the people, those of its sub-unit first. Two queries."""
        units = people.subunits(dispatch.department, dispatch.by_unit)
        officers = people.officers_near(dispatch.department, dispatch.by_unit)
        self.goers = [
            *(Goer(f"unit-{unit.pk}", unit.short_name, "派出机构") for unit in units),
            *(Goer(f"user-{user.pk}", user.name, "人员") for user in officers),
        ]
        self.choices = [(goer.value, goer.name) for goer in self.goers]
        self.people: dict[str, Unit | User] = {
            **{f"unit-{unit.pk}": unit for unit in units},
            **{f"user-{user.pk}": user for user in officers},
        }


class SignForm(VerbForm):
    goes = GoesField(required=False, error_messages={"invalid_choice": "请选本单位现在的人员或派出机构。"})

    def __init__(self, *args: Any, dispatch: Dispatch, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["goes"].offer(dispatch)  # type: ignore[attr-defined]

    def assigned(self) -> dict[str, Any]:
        """What the services take. Only after `is_valid()`."""
        who = self.fields["goes"].people.get(self.cleaned_data["goes"])  # type: ignore[attr-defined]
        return {
            "assigned_unit": who if isinstance(who, Unit) else None,
            "assigned_officer": who if isinstance(who, User) else None,
        }


class AssignForm(SignForm):
    goes = GoesField(error_messages={"required": "请选谁去。", "invalid_choice": "请选本单位现在的人员或派出机构。"})


@dataclass(frozen=True)
class Comer:
    """Somebody who may be ticked as having come, and what today's certificate allows."""

    user: User
    is_certified: bool
    word: str
    is_ticked: bool = False


class ArriveForm(VerbForm):
    """Who came. One with a certificate valid today, where enforcement power will be used."""

    officers = forms.ModelMultipleChoiceField(
        User.objects.none(),
        label="谁到场了",
        error_messages={"required": "请勾选到场的人。", "invalid_choice": "请勾选本单位现在的人员。"},
    )
    uses_power = forms.BooleanField(label="需要行使执法权（检查、取证、责令改正、处罚）", required=False)

    def __init__(self, *args: Any, dispatch: Dispatch, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        officers = people.officers_near(dispatch.department, dispatch.by_unit)
        self.fields["officers"].queryset = officers  # type: ignore[attr-defined]
        self.people = list(officers)
        of_unit = people.subunit_people(dispatch.assigned_unit) if dispatch.assigned_unit else []
        named = {person.pk for person in of_unit} | {dispatch.assigned_officer_id} - {None}
        self.likely = named or {user.pk}
        self.certified = _certificates(self.people, timezone.localdate())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        officers = data.get("officers")
        if officers and data.get("uses_power") and not any(self._is_certified(user.pk) for user in officers):
            self.add_error("officers", LAPSED)
        return data

    @property
    def comers(self) -> list[Comer]:
        """Who was named to go, or who is signed in, first; then the certified; then those near, by name."""
        ticked = {str(value) for value in self["officers"].value() or []}
        found = [
            Comer(user, self._is_certified(user.pk), self._word(user.pk), str(user.pk) in ticked)
            for user in self.people
        ]
        return sorted(found, key=lambda comer: (comer.user.pk not in self.likely, not comer.is_certified))

    def _is_certified(self, user_id: int) -> bool:
        return self.certified.get(user_id, ("", False))[1]

    def _word(self, user_id: int) -> str:
        return self.certified.get(user_id, ("没有执法证件，可以到场，不能执法", False))[0]


def _certificates(officers: list[User], today: date) -> dict[int, tuple[str, bool]]:
    """User id → (what to say of the certificate, whether one is valid today)."""
    latest: dict[int, Certificate] = {}
    for found in Certificate.objects.filter(holder__in=officers).order_by("valid_to"):
        kept = latest.get(found.holder_id)
        if kept is None or found.valid_from <= today:  # one of the future does not hide the one of today
            latest[found.holder_id] = found
    return {pk: _word(found, today) for pk, found in latest.items()}


def _word(found: Certificate, today: date) -> tuple[str, bool]:
    if found.valid_to < today:
        return f"证件已于 {found.valid_to:%Y-%m-%d} 到期，可以到场，换证后才能执法", False
    if found.valid_from > today:
        return f"证件 {found.valid_from:%Y-%m-%d} 起有效，可以到场，今天不能执法", False
    return f"持证，有效至 {found.valid_to:%Y-%m-%d}", True


class WaitingFilesForm(forms.Form):
    """A form with files, of which those of an earlier, refused sending wait; `request_id` makes twice once."""

    request_id = request_id()

    def __init__(self, *args: Any, waiting: Sequence[Upload] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting = waiting

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["files"] = self.all_files
        if len(data["files"]) > MAX_FILES and "files" not in self.errors:
            over = len(data["files"]) - MAX_FILES
            self.add_error("files", f"照片和文件一共最多 {MAX_FILES} 个，请去掉 {over} 个。")
        return data

    @property
    def form_id(self) -> UUID:
        """The `request_id`: the one that was sent, or a new one."""
        sent: UUID | None = getattr(self, "cleaned_data", {}).get("request_id")
        fresh: UUID = self["request_id"].initial
        return sent or fresh

    def renew(self, sentence: str, seen_state: str) -> None:
        """The form has been used before: it comes again with a new id, the present state, and this sentence."""
        self.add_error(None, sentence)
        self.cleaned_data.pop("request_id", None)
        data = cast("QueryDict", self.data).copy()
        data["seen_state"] = seen_state
        self.data = data

    @property
    def sent_files(self) -> list[Upload]:
        """The good ones of this sending."""
        return self.fields["files"].good if self.is_bound else []  # type: ignore[attr-defined]

    @property
    def all_files(self) -> list[Upload]:
        return [*self.waiting, *self.sent_files]


class InterimForm(WaitingFilesForm):
    measures = text("进展", 4000, "请写到现场后看到什么、正在做什么。", rows=3)
    files = EvidenceField(label="照片和文件")  # type: ignore[assignment]  # a field; BaseForm.files stays what it is


class ReportForm(WaitingFilesForm, VerbForm):
    result = forms.ChoiceField(
        label="结果",
        choices=Report.Result.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "请选结果。", "invalid_choice": "请选结果。"},
    )
    measures = text("措施和情况", 4000, "请写采取了什么措施、现在怎样。", rows=4)
    files = EvidenceField(label="照片和文件")  # type: ignore[assignment]  # a field; BaseForm.files stays what it is


class RemarkForm(forms.Form):
    request_id = request_id()
    text = text("留言", 1000, "请写留言。", rows=2)
