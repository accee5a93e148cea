"""Forms of 退哨: ask, decline, arbitrate."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import cached_property

from enforcement.forms.event import VerbForm, request_id, text
from enforcement.models import Dispatch, Return
from enforcement.permissions import can_agree, can_arbitrate
from enforcement.services.returns import Standing, may_take_over
from townships.models import Unit

ARTICLE = "选了“{}”，请写依据的法律条款，例如“《浙江省城市市容和环境卫生管理条例》第十六条”。"
TAKEN = "这个部门已停用，或者已经在这张哨单里，请另选。"


class ReturnForm(VerbForm):
    request_id = request_id()
    ground = forms.ChoiceField(
        label="为什么不该由本单位办",
        choices=Return.Ground.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "请选一个理由。", "invalid_choice": "请选一个理由。"},
    )
    article = text("依据条款", 120, placeholder="法规名称和第几条；前两个理由必须写")
    text = text("说明", 400, "请写明情况；认为该由哪个部门办的，也写上。", rows=3)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        ground = data.get("ground")
        if ground in Return.NEEDS_ARTICLE and not data.get("article") and "article" not in self.errors:
            self.add_error("article", ARTICLE.format(Return.Ground(ground).label))
        return data


class DeclineForm(VerbForm):
    text = text("不同意的原因", 400, "请写不同意的原因，联络员会看到。", rows=2)


@dataclass(frozen=True)
class Heir:
    """A unit that may take it over, with a word on it."""

    unit: Unit
    hint: str
    is_party: bool  # the arbitrator's own bureau


class ArbitrateForm(VerbForm):
    outcome = forms.ChoiceField(
        label="怎么裁定",
        widget=forms.RadioSelect,
        error_messages={"required": "请选怎么裁定。", "invalid_choice": "请选怎么裁定。"},
    )
    to_unit = forms.ModelChoiceField(
        Unit.objects.none(),
        label="改派给",
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": TAKEN},
    )
    decision = text("裁定理由", 400, "请写裁定理由，有关部门和吹哨单位都会看到。", rows=3)

    def __init__(self, *args: Any, dispatch: Dispatch, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dispatch, self.standing = dispatch, standing
        outcome, to_unit = self.fields["outcome"], self.fields["to_unit"]
        outcome.choices = outcomes(dispatch)  # type: ignore[attr-defined]
        to_unit.queryset = may_take_over(dispatch)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("outcome") != Return.State.REASSIGNED:
            data["to_unit"] = None
            self.errors.pop("to_unit", None)  # what is not asked for
        elif not data.get("to_unit") and "to_unit" not in self.errors:
            self.add_error("to_unit", "选了改派，请选改派给哪个部门。")
        return data

    @cached_property
    def heirs(self) -> list[Heir]:
        """Those that help already first, since they know the matter. Two queries."""
        parts = Dispatch.objects.filter(whistle=self.dispatch.whistle_id).exclude(pk=self.dispatch.pk)
        states = dict(parts.order_by("id").values_list("department_id", "state"))
        found = [
            Heir(unit, hint(states.get(unit.pk)), unit.pk in self.standing.own)
            for unit in self.fields["to_unit"].queryset  # type: ignore[attr-defined]
        ]
        return sorted(found, key=lambda heir: states.get(heir.unit.pk) in (None, Dispatch.State.RETURNED))


def hint(state: str | None) -> str:
    """What to say of a unit that has, or had, another dispatch of the whistle in this state."""
    if state is None:
        return ""
    return "已退哨" if state == Dispatch.State.RETURNED else "现在协办，改为主办"


def outcomes(dispatch: Dispatch) -> list[tuple[str, str]]:
    found = [(Return.State.REASSIGNED, f"退哨成立，改派给别的部门{dispatch.role_label}")]
    if not dispatch.is_lead:
        found.append((Return.State.RELEASED, "退哨成立，准予退出，不再派别的部门"))
    return [*found, (Return.State.UPHELD, f"退哨不成立，仍由{dispatch.department}{dispatch.role_label}")]


def return_forms(user: Any, dispatch: Dispatch, standing: Standing) -> dict[str, forms.Form]:
    """The forms of what this person may do now about a return."""
    seen = {"seen_state": dispatch.state}
    found: dict[str, forms.Form] = {}
    if standing.can_ask and not standing.refusal:
        found["return"] = ReturnForm(initial=seen, auto_id="return_%s")
    if can_agree(user, dispatch):
        found["decline"] = DeclineForm(initial=seen, auto_id="decline_%s")
    if can_arbitrate(user, dispatch):
        found["arbitrate"] = ArbitrateForm(initial=seen, dispatch=dispatch, standing=standing, auto_id="arbitrate_%s")
    return found
