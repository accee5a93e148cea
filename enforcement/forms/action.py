"""The form of a joint action: what for, where and when to assemble, and whom, each with a task."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property

from enforcement.forms.event import TITLE_LENGTH, request_id, text
from enforcement.models import Whistle
from enforcement.services.limit import whistle_clocks
from townships.models import Unit

TASK_LENGTH = 200
UNKNOWN = "这个单位已经停用，请重新选。"
WHEN = "请写集合的日期和时间，例如 2026-11-27 09:00。"


class ActionForm(forms.Form):
    """`unit` is the one that calls: a township calls departments, a department townships and other departments."""

    request_id = request_id()
    title = text("行动名称", TITLE_LENGTH, "请写行动名称。", placeholder="例如：沿街餐饮油烟联合整治")
    facts = text("为什么、做什么", 4000, "请写为什么联合行动、做什么。", rows=4)
    area = text("行动范围", 120, "请写行动的范围。", placeholder="例如：振兴路至文昌路沿街")
    assemble_at = forms.DateTimeField(
        label="集合时间",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"required": WHEN, "invalid": WHEN},
    )
    assemble_place = text("集合地点", 120, "请写集合的地点。", placeholder="例如：镇政府东门停车场")
    kind = forms.ChoiceField(
        label="哨种",
        choices=Whistle.Kind.choices,
        error_messages={"required": "请选一种哨。", "invalid_choice": "请选一种哨。"},
    )
    lead = forms.ModelChoiceField(
        Unit.objects.none(),
        label="主办单位",
        error_messages={"required": "请选一个主办单位。", "invalid_choice": UNKNOWN},
    )
    helpers = forms.ModelMultipleChoiceField(
        Unit.objects.none(), label="协办单位", required=False, error_messages={"invalid_choice": UNKNOWN}
    )

    def __init__(self, data: Any = None, *, unit: Unit, like: Whistle | None = None) -> None:
        """`like`: one that was turned down, to begin with what it said."""
        self.unit, self.like = unit, like
        super().__init__(data, initial={"kind": Whistle.Kind.CAMPAIGN, **_as(like)})
        for name in ("lead", "helpers"):
            self.fields[name].queryset = callable_by(unit)  # type: ignore[attr-defined]

    def clean_assemble_at(self) -> datetime:
        at: datetime = self.cleaned_data["assemble_at"]
        if at <= timezone.now():
            raise forms.ValidationError("集合时间已经过了，请写以后的时间。")
        return at

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        lead, helpers = data.get("lead"), data.get("helpers")
        data["helpers"] = [unit for unit in helpers or () if unit != lead]
        self._check_assembly(data.get("kind"), data.get("assemble_at"))
        data["tasks"] = self._tasks([unit for unit in (lead, *data["helpers"]) if unit])
        return data

    def _check_assembly(self, kind: str | None, at: datetime | None) -> None:
        """It is of no use to assemble when all should be over."""
        if not kind or not at:
            return
        now = timezone.now()
        clocks = whistle_clocks(kind, now)
        if at >= clocks.dues(now)[0].finish_due:
            name = Whistle.Kind(kind).label
            self.add_error("assemble_at", f"{name}要在 {clocks.limits.finish}内办结，集合请早些，或改选时限长的哨种。")

    def _tasks(self, units: list[Unit]) -> dict[int, str]:
        tasks = {unit.pk: self.data.get(task_name(unit.pk), "").replace("\0", "").strip() for unit in units}
        missing = [str(unit) for unit in units if not tasks[unit.pk]]
        long = [str(unit) for unit in units if len(tasks[unit.pk]) > TASK_LENGTH]
        if missing:
            self.add_error("lead", f"请写{'、'.join(missing)}的任务。")
        if long:
            self.add_error("lead", f"{'、'.join(long)}的任务请写短到 {TASK_LENGTH} 字以内。")
        return tasks

    # --- for the page -----------------------------------------------------------------------------------------------
    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """One line a unit: whether it leads or helps as the form stands, and what is typed as its task."""
        lead, helpers = str(self["lead"].value() or ""), {str(pk) for pk in self["helpers"].value() or ()}
        return [
            {
                "unit": unit,
                "leads": str(unit.pk) == lead,
                "helps": str(unit.pk) in helpers,
                "task_name": task_name(unit.pk),
                "task": self._typed(unit),
            }
            for unit in self.fields["lead"].queryset  # type: ignore[attr-defined]
        ]

    @property
    def chosen(self) -> list[dict[str, Any]]:
        return sorted(
            (line for line in self.lines if line["leads"] or line["helps"]), key=lambda line: not line["leads"]
        )

    @property
    def others(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if not (line["leads"] or line["helps"])]

    def _typed(self, unit: Unit) -> str:
        if self.is_bound:
            return str(self.data.get(task_name(unit.pk), ""))
        return str(self.like.tasks.get(str(unit.pk), "")) if self.like else ""


def callable_by(unit: Unit) -> Any:
    """Whom it may call, the townships last; itself never."""
    wanted = Q(kind__in=Unit.DEPARTMENT_KINDS)
    if unit.is_department:
        wanted |= Q(kind__in=Unit.TOWNSHIP_KINDS)
    return Unit.objects.open_on(timezone.localdate()).filter(wanted).exclude(pk=unit.pk)


def task_name(unit_id: int) -> str:
    return f"task_{unit_id}"


def _as(like: Whistle | None) -> dict[str, Any]:
    """What one that was turned down said, but for the time."""
    if like is None:
        return {}
    lead, *helpers = like.departments
    said = {name: getattr(like, name) for name in ("title", "facts", "area", "assemble_place", "kind")}
    return {**said, "lead": lead, "helpers": helpers}
