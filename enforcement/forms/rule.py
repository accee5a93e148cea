"""The admin's forms of dated rows: a new row, or the end of one."""

from typing import Any

from django import forms
from django.utils import timezone

from enforcement.models import Limit, RoutingRule, Whistle
from enforcement.services import dated
from townships.models import Unit

WHY = {"reason": {"max_length": "最多 %(limit_value)d 字，请删短到 %(limit_value)d 字以内。"}}


class NewRowForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy only
    """Checks the day; the overlap itself is resolved by `dated.take_over` and guarded by the database."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            self.check_row()

    def check_row(self) -> None:
        try:
            dated.check_start(self.instance, today=timezone.localdate())
        except dated.BadDay as error:
            self.add_error("valid_from", str(error))

    def validate_constraints(self) -> None:
        """All but the overlap of days: the row before is closed only when this one is saved."""
        try:
            self.instance.validate_constraints(exclude={*self._get_validation_exclusions(), "valid_from"})  # type: ignore[attr-defined]
        except forms.ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]


class LimitForm(NewRowForm):
    class Meta:
        model = Limit
        fields = ["kind", "step", "amount", "unit", "valid_from", "reason"]
        error_messages = WHY


class RuleForm(NewRowForm):
    class Meta:
        model = RoutingRule
        fields = [
            *["category", "township", "route", "lead", "helpers", "kind", "squad_amount", "squad_unit"],
            *["valid_from", "reason"],
        ]
        error_messages = WHY

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "---------"), *Whistle.Kind.choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name, sentence in rule_faults(data, list(data.get("helpers", []))):
            self.add_error(name, sentence)
        return data


class RuleEndForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = RoutingRule
        fields = ["valid_to"]

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        try:
            dated.check_end(self.instance, today=timezone.localdate())
        except dated.BadDay as error:
            self.add_error("valid_to", str(error))


def rule_faults(data: dict[str, Any], helpers: list[Unit]) -> list[tuple[str, str]]:
    """(field, what to do) of what does not fit together in a route."""
    lead, route, amount, unit = (data.get(name) for name in ("lead", "route", "squad_amount", "squad_unit"))
    faults = []
    if route == RoutingRule.Route.WHISTLE and not lead:
        faults.append(("lead", "去向是吹哨的，请选主办部门。"))
    if route == RoutingRule.Route.WHISTLE and not data.get("kind"):
        faults.append(("kind", "去向是吹哨的，请选哨种。"))
    if data.get("kind") and data["kind"] not in Whistle.Kind.values:
        faults.append(("kind", f"哨种请从{'、'.join(Whistle.Kind.labels)}中选。"))
    if lead and not lead.is_department:
        faults.append(("lead", "主办须是市级部门或垂直管理单位。"))
    if lead in helpers or not all(helper.is_department for helper in helpers):
        faults.append(("helpers", "协办须是主办以外的部门。"))
    if bool(amount) != bool(unit):
        faults.append(("squad_amount", "队伍时限的数量和单位要么都填，要么都不填。"))
    return faults
