"""The whistle's form, and the small forms of what the township decides on it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.functional import cached_property

from enforcement.forms.event import VerbForm, request_id, text
from enforcement.models import Event, Whistle
from enforcement.services.routing import RouteProposal, propose_route
from townships.models import Unit

DIGITS = 18  # of an id that the database knows
UNKNOWN = "这个部门已经停用，请重新选。"


class WhistleForm(VerbForm):
    """Which kind, what for, why not alone, and whom. Prefilled with the event and with what the rules propose."""

    request_id = request_id()
    kind = forms.ChoiceField(
        label="哨种",
        choices=Whistle.Kind.choices,
        error_messages={"required": "请选一种哨。", "invalid_choice": "请选一种哨。"},
    )
    facts = text("情况和请求", 4000, "请写清情况，和请部门做什么。", rows=5)
    why = forms.ChoiceField(
        label="镇街为何办不了",
        choices=Whistle.Why.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "请选镇街为何办不了。", "invalid_choice": "请选镇街为何办不了。"},
    )
    why_text = text("补充说明", 400, rows=2, placeholder="例如：已劝导两次，需要部门的检测设备")
    lead = forms.ModelChoiceField(
        Unit.objects.none(),
        label="主办部门",
        error_messages={"required": "请选一个主办部门。", "invalid_choice": UNKNOWN},
    )
    helpers = forms.ModelMultipleChoiceField(
        Unit.objects.none(), label="协办部门", required=False, error_messages={"invalid_choice": UNKNOWN}
    )

    def __init__(self, data: Any = None, *, event: Event) -> None:
        self.event = event
        super().__init__(data, initial=_first(event, self.proposal) if data is None else {})
        departments = Unit.objects.departments().open_on(timezone.localdate())
        self.fields["lead"].queryset = departments  # type: ignore[attr-defined]
        self.fields["helpers"].queryset = departments  # type: ignore[attr-defined]

    @cached_property
    def proposal(self) -> RouteProposal:
        """What the rules propose. Asked for where the form is shown, not where a good one is sent."""
        return propose_route(self.event, today=timezone.localdate())

    @cached_property
    def departments(self) -> list[Unit]:
        return list(self.fields["lead"].queryset)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        lead, helpers = data.get("lead"), data.get("helpers")
        if helpers is not None:
            data["helpers"] = [unit for unit in helpers if unit != lead]
        if data.get("why") == Whistle.Why.JOINT and lead and not data.get("helpers"):
            self.add_error("helpers", "选了“涉及两个以上部门职责”，请至少选一个协办部门，或改选别的原因。")
        if data.get("why") == Whistle.Why.TRIED and not data.get("why_text"):
            self.add_error("why_text", "选了“镇街已处置，仍未解决”，请写做过什么、结果怎样。")
        return data

    @property
    def lead_chosen(self) -> set[int]:
        """The id of the lead as it stands in the form, typed or proposed; empty without one."""
        return _ids([self["lead"].value()])

    @property
    def helpers_chosen(self) -> set[int]:
        return _ids(self["helpers"].value() or [])

    @property
    def likely(self) -> list[Unit]:
        """The departments shown at once: proposed by the rules, the lead first, and those chosen already."""
        proposed = [unit.pk for unit in (self.proposal.lead, *self.proposal.helpers) if unit]
        shown = dict.fromkeys([*proposed, *self.lead_chosen, *self.helpers_chosen])
        by_id = {unit.pk: unit for unit in self.departments}
        return [by_id[pk] for pk in shown if pk in by_id]

    @property
    def others(self) -> list[Unit]:
        shown = {unit.pk for unit in self.likely}
        return [unit for unit in self.departments if unit.pk not in shown]


class RejectForm(VerbForm):
    reason = text("不批准的原因", 400, "请写不批准的原因，指挥室会看到。", rows=2)


class ReworkForm(VerbForm):
    reason = text("返工要求", 400, "请写哪里没有办好、要部门再做什么。", rows=2)


def _first(event: Event, proposal: RouteProposal) -> dict[str, Any]:
    usual = Whistle.Kind.URGENT if event.is_urgent else Whistle.Kind.ROUTINE
    return {
        "seen_state": event.state,
        "kind": proposal.kind or usual,
        "facts": event.facts,
        "lead": proposal.lead and proposal.lead.pk,
        "helpers": [unit.pk for unit in proposal.helpers],
    }


def _ids(values: Sequence[Any]) -> set[int]:
    return {int(value) for value in values if str(value).isdecimal() and len(str(value)) <= DIGITS}
