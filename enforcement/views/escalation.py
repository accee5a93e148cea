"""督办: the list, the slip, the third reds; and the one reminder by hand."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_POST
from django.views.generic import DetailView, ListView

from enforcement.filters.bar import bar
from enforcement.filters.escalation import EscalationFilter, listed, quarters
from enforcement.forms.event import VerbForm
from enforcement.models import Dispatch, Escalation, Event, Whistle
from enforcement.permissions import can_oversee, can_remind, can_view_escalations
from enforcement.services import escalation as escalations
from enforcement.services.labels import CLOCKS
from enforcement.services.marks import NAMES, TONES, marks_of, reminder_of
from enforcement.services.reds import THIRD, third_reds
from enforcement.views.paging import page_of, quick_context
from records.verbs import require
from townships.models import Role

ROW = (
    "id", "number", "level", "clock", "due", "at", "unit__short_name", "by_unit__short_name",
    "dispatch__number", "dispatch__whistle__title", "dispatch__next_due",
    "whistle__number", "whistle__title", "whistle__next_due", "whistle__confirm_due", "whistle__approved_at",
    "event__number", "event__title", "event__next_due",
)  # fmt: skip
NOUNS: dict[type, str] = {Dispatch: "派单", Whistle: "哨单", Event: "事件"}


class EscalationList(ListView):  # type: ignore[type-arg]  # generic for mypy only
    template_name = "enforcement/escalation_list.html"

    def get_queryset(self) -> QuerySet[Escalation]:
        if not can_view_escalations(self.request.user):
            raise PermissionDenied
        return listed(self.request)

    def get_template_names(self) -> list[str]:
        if self.request.htmx.target == "rows":  # type: ignore[attr-defined]  # django-htmx puts it there
            return ["enforcement/escalation_rows.html"]
        return [self.template_name]

    def get_context_data(self, **_: Any) -> dict[str, Any]:
        now, user = timezone.now(), self.request.user
        found = self.get_queryset()
        filters = SimpleLazyObject(partial(EscalationFilter, self.request.GET, found, request=self.request))
        page = page_of(self.request, (filters.qs if self.request.GET else found).values(*ROW))
        quarter, title = quarters(timezone.localdate(now))[0]
        oversees = can_oversee(user)
        return {
            "bar": SimpleLazyObject(lambda: bar(filters)),
            "page": page,
            "rows": [escalation_row(one) for one in page.rows],
            "now": now,
            "oversees": oversees,
            "quarter": title,
            "quarter_code": quarter,
            "third": THIRD,
            "named": SimpleLazyObject(partial(third_reds, now)) if oversees else (),
            "clocks": CLOCKS,
            **quick_context(quick(quarter, oversees=oversees), page),
        }


def quick(quarter: str, *, oversees: bool) -> list[tuple[str, str]]:
    own = [] if oversees else [("我们超期的", "whose=own"), ("我们在等的", "whose=ours")]
    return [
        ("全部", ""),
        ("还没有办的", "open=open"),
        *own,
        ("红牌", "level=3"),
        ("黄牌", "level=2"),
        ("本季红牌", f"level=3&quarter={quarter}"),
    ]


def escalation_row(one: dict[str, Any]) -> dict[str, Any]:
    """One line of the list, as plain values."""
    kind = next(kind for kind in ("dispatch", "whistle", "event") if one[f"{kind}__number"])
    running = one[f"{kind}__next_due"]
    if one["clock"] == "confirm_due":
        running = None if one["whistle__approved_at"] else one["whistle__confirm_due"]
    return {
        "id": one["id"],
        "number": one["number"],
        "level": NAMES[one["level"]],
        "tone": TONES[one["level"]],
        "title": one["dispatch__whistle__title"] or one["whistle__title"] or one["event__title"],
        "about": one[f"{kind}__number"],
        "unit": one["unit__short_name"],
        "by_unit": one["by_unit__short_name"],
        "clock": CLOCKS[one["clock"]],
        "due": one["due"],
        "at": one["at"],
        "is_running": running == one["due"],
    }


def visible_escalation(request: HttpRequest, pk: int) -> Escalation:
    """The row with what its page says of it, or 404."""
    whose = ("unit", "by_unit", "dispatch__department")
    about = ("event__category", "whistle__event__category", "dispatch__whistle__event__category")
    rows = Escalation.objects.visible_to(request.user).select_related(*whose, *about)
    return get_object_or_404(rows, pk=pk)


class EscalationDetail(DetailView):  # type: ignore[type-arg]
    template_name = "enforcement/escalation_detail.html"

    def get_object(self, queryset: QuerySet[Escalation] | None = None) -> Escalation:  # noqa: ARG002 - Django's signature
        return visible_escalation(self.request, self.kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **slip_context(self.object)}


def slip_context(row: Escalation) -> dict[str, Any]:
    """The facts of the clock, and no words of people."""
    now, target = timezone.now(), row.target
    whistle = target.whistle if isinstance(target, Dispatch) else target
    same = {str(target._meta.model_name): target, "clock": row.clock, "due": row.due}
    return {
        "row": row,
        "target": target,
        "noun": NOUNS[type(target)],
        "category": whistle.event.category.name if isinstance(whistle, Whistle) and whistle.event else "",
        "kind": whistle.get_kind_display() if isinstance(whistle, Whistle) else whistle.category.name,
        "clock": CLOCKS[row.clock],
        "tone": TONES[row.level],
        "levels": Escalation.objects.filter(**same).order_by("level"),
        "is_running": Escalation.objects.filter(pk=row.pk).running().exists(),
        "is_event": isinstance(target, Event),
        "now": now,
        "late_now": now - row.due,
    }


# --- on the pages of what is late -------------------------------------------------------------------------------------
def marks_context(user: Any, target: Event | Whistle | Dispatch) -> dict[str, Any]:
    """What escalation_marks.html shows: the marks, and on a dispatch the reminder, or the button for it.

    A grid member has nothing to do about them.
    """
    if user.acting is None or user.acting.role == Role.GRID:
        return {}
    context: dict[str, Any] = {"marks": marks_of(target, user)}
    if isinstance(target, Dispatch) and can_remind(user, target):
        reminder = reminder_of(target)
        context |= {"reminder": reminder, "can_remind": reminder is None}
    return context


@require_POST
def remind(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = get_object_or_404(Dispatch.objects.visible_to(request.user).select_related("whistle"), pk=pk)
    require(request, can_remind, dispatch)
    form = VerbForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "页面不完整，没有催办。请刷新后再试。")
        return redirect(dispatch)
    row = escalations.remind(dispatch, by=request.user, seen_state=form.cleaned_data["seen_state"])
    messages.success(request, f"已于 {timezone.localtime(row.at):%H:%M} 提醒对方，同一个期限只提醒一次")
    return redirect(dispatch)
