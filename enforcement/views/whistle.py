"""Pages and verbs of whistles: blow, find, read, approve or not, confirm an emergency, close."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_http_methods, require_POST
from django.views.generic import DetailView, ListView

from enforcement.filters.bar import bar
from enforcement.filters.box import OUT, box_of
from enforcement.filters.whistle import WhistleFilter, listed
from enforcement.forms.event import VerbForm
from enforcement.forms.rating import CloseForm, RatingFields
from enforcement.forms.suspension import suspension_forms
from enforcement.forms.whistle import RejectForm, WhistleForm
from enforcement.forms.withdrawal import WithdrawForm
from enforcement.models import Check, Dispatch, Event, Whistle
from enforcement.permissions import (
    can_approve,
    can_ask_check,
    can_claim,
    can_close,
    can_confirm_emergency,
    can_read_rating_text,
    can_reject,
    can_rework,
    can_start_action,
    can_start_again,
    can_whistle,
    can_withdraw,
)
from enforcement.services import check as checks
from enforcement.services import claim as claims
from enforcement.services import extension as extensions
from enforcement.services import suspension as suspensions
from enforcement.services import whistle as whistles
from enforcement.services.labels import (
    KIND_TONES,
    WHISTLE_KINDS,
    WHISTLE_STATES,
    WHISTLE_TONES,
    Clock,
    desk_word,
    dispatch_clock,
    dot,
    part_rows,
    part_word,
    voice,
    whistle_clock,
)
from enforcement.services.rating import is_too_late
from enforcement.services.report import Work, work_of
from enforcement.services.steps import forecast, whistle_steps
from enforcement.views.escalation import marks_context
from enforcement.views.event import request_id
from enforcement.views.paging import page_of, quick_context
from records.models import Entry
from records.services.attachment import files_of
from records.verbs import require
from townships.models import Unit

TONES = {"late": "late", "done": "ok", "": ""}  # of a dot in a list, as that of one beside a word
KIND_WORDS = {
    "emergency": "危及人身财产安全。立即发出，领导事后确认。",
    "urgent": "拖不到明天的事。领导批准后发出。",
    "routine": "按平常时限办的事。领导批准后发出。",
    "campaign": "多部门的疑难事、专项整治。领导批准后发出。",
}


QUICK = (
    ("全部", ""),
    ("在办", "state=open"),
    ("待审核", "state=submitted"),
    ("待签收", "state=signing"),
    ("待评价", "state=reported"),
    ("挂账", "state=suspended"),
    ("超期", "late=late"),
    ("按期限", "order=due"),
)


# --- the list -------------------------------------------------------------------------------------------------------
ROW = (
    "id", "number", "title", "kind", "state", "submitted_at", "sent_at", "approved_at", "next_due", "provisional",
    "departments", "by_unit__short_name",
)  # fmt: skip


class WhistleList(ListView):  # type: ignore[type-arg]  # generic for mypy only
    template_name = "enforcement/whistle_list.html"

    def get_queryset(self) -> QuerySet[Whistle]:
        return listed(self.request)

    def get_template_names(self) -> list[str]:
        if self.request.htmx.target == "rows":  # type: ignore[attr-defined]  # django-htmx puts it there
            return ["enforcement/whistle_rows.html"]
        return [self.template_name]

    def get_context_data(self, **_: Any) -> dict[str, Any]:
        now, box = timezone.now(), box_of(self.request)
        found = self.get_queryset()
        filters = SimpleLazyObject(
            partial(WhistleFilter, self.request.GET, found, request=self.request, is_out=box.code == OUT)
        )
        page = page_of(self.request, (filters.qs if self.request.GET else found).values(*ROW))
        return {
            "bar": SimpleLazyObject(lambda: bar(filters)),  # the rows alone do not ask for it
            "page": page,
            "rows": whistle_rows(page.rows, now, shows_unit=box.code != OUT),
            "now": now,
            "box": box,
            **quick_context(QUICK, page, box.query),
            "departments": SimpleLazyObject(unit_names),
            "can_start_action": can_start_action(self.request.user),
        }


def whistle_rows(whistles: Sequence[dict[str, Any]], now: datetime, *, shows_unit: bool) -> list[dict[str, Any]]:
    """The lines of the list, as plain values: model instances would cost more than the queries. At most two queries."""
    parts = part_rows([one["id"] for one in whistles])
    asked = {pk for one in whistles if one["id"] not in parts for pk in one["departments"]}
    names = dict(Unit.objects.filter(pk__in=asked).values_list("pk", "short_name")) if asked else {}
    return [
        {
            **one,
            "line": f"{one['number']} · {one['by_unit__short_name']}" if shows_unit else one["number"],
            "kind": WHISTLE_KINDS[one["kind"]],
            "kind_tone": KIND_TONES.get(one["kind"], ""),
            "state": WHISTLE_STATES[one["state"]],
            "state_tone": WHISTLE_TONES.get(one["state"], ""),
            "unconfirmed": one["sent_at"] is not None and one["approved_at"] is None and one["state"] != "withdrawn",
            "clock": whistle_clock(one, parts[one["id"]]),
            "dots": [dot(part, part["department__short_name"], now) for part in parts[one["id"]]]
            or [(names[pk], "") for pk in one["departments"]],
        }
        for one in whistles
    ]


def unit_names() -> list[str]:
    """Whoever may be asked: departments, and by departments townships too."""
    return list(Unit.objects.organs().open_on(timezone.localdate()).values_list("short_name", flat=True))


# --- one whistle ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Part:
    """A department on the page: `is_open_to_me` where this person may read more of it than its name and state."""

    dispatch: Dispatch
    word: str  # where it stands
    tone: str  # late, ok or nothing
    clock: Clock
    work: Work
    is_open_to_me: bool
    can_rework: bool
    rating: RatingFields | None


def visible_whistle(request: HttpRequest, pk: int) -> Whistle:
    """The whistle, or 404. With what every page says of it: each further join costs the planner more than a query."""
    return get_object_or_404(Whistle.objects.visible_to(request.user).select_related("event", "by_unit"), pk=pk)


class WhistleDetail(DetailView):  # type: ignore[type-arg]
    template_name = "enforcement/whistle_detail.html"

    def get_object(self, queryset: QuerySet[Whistle] | None = None) -> Whistle:  # noqa: ARG002 - Django's signature
        return visible_whistle(self.request, self.kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **detail_context(self.request, self.object)}


def detail_context(request: HttpRequest, whistle: Whistle, **bound: Form) -> dict[str, Any]:
    """All that the page shows. `bound`: the form that was sent and is wrong, by its verb."""
    user, now, is_submitted = request.user, timezone.now(), whistle.state == Whistle.State.SUBMITTED
    related = ("department", "returning__to_unit", "assigned_unit", "assigned_officer", "appeal")
    dispatches = list(whistle.dispatches.select_related(*related).order_by("id"))
    mine = set(Dispatch.objects.visible_to(user).filter(whistle=whistle).values_list("pk", flat=True))
    suspension = suspensions.outlook(user, whistle)
    forms = {**verb_forms(user, whistle, dispatches), **suspension_forms(suspension, whistle.state), **bound}
    return {
        "whistle": whistle,
        "event": whistle.event,
        "now": now,
        "state_tone": WHISTLE_TONES.get(whistle.state, ""),
        "kind_tone": KIND_TONES.get(whistle.kind, ""),
        "voice": voice(whistle.by_unit),
        **action_context(user, whistle, dispatches),
        "clock": whistle_clock(vars(whistle), [vars(one) for one in dispatches]),
        "attachments": files_of(whistle.event),
        "parts": parts_of(user, dispatches, mine, cast("CloseForm | None", forms.get("close"))),
        "asked": [] if dispatches else whistles.asked_departments(whistle),
        "forecast": forecast(whistle.kind, now, whistle.assemble_at) if is_submitted else [],
        "steps": whistle_steps(whistle, dispatches),
        **marks_context(user, whistle),
        "suspension": suspension,
        "extension_asked": extensions.waiting(user, dispatches),
        "entries": Entry.objects.about(whistle.event, whistle, *(one for one in dispatches if one.pk in mine)),
        "confirm_is_provisional": "confirm_due" in whistle.provisional,
        "forms": forms,
        **check_context(user, whistle, dispatches),
        "reads_rating_text": can_read_rating_text(user),
        "reworking": [one for one in dispatches if one.state == Dispatch.State.REWORK],
        "is_own_township": user.acting is not None and user.acting.unit_id == whistle.by_unit_id,  # type: ignore[union-attr]
        **{can.__name__: can(user, whistle) for can in (can_approve, can_confirm_emergency, can_close, can_claim)},
    }


def verb_forms(user: Any, whistle: Whistle, dispatches: list[Dispatch]) -> dict[str, Form]:
    """The forms of what this person may do now."""
    seen = {"seen_state": whistle.state}
    forms: dict[str, Form] = {}
    if can_reject(user, whistle):
        forms["reject"] = RejectForm(initial=seen, auto_id="reject_%s")
    if can_close(user, whistle):
        forms["close"] = close_form(whistle, dispatches, initial=seen)
    if can_withdraw(user, whistle):
        forms["withdraw"] = WithdrawForm(initial=seen, auto_id="withdraw_%s")
    return forms


def check_context(user: Any, whistle: Whistle, dispatches: Sequence[Dispatch]) -> dict[str, Any]:
    """What was seen on the spot. Where it was not in order, sending back is the first choice."""
    looks = checks.looks(whistle) if whistle.event_id else []
    may_ask = can_ask_check(user, whistle) and not (looks and looks[0].check.is_open)
    return {
        "looks": looks,
        "failed_check": bool(looks) and looks[0].check.state == Check.State.FAILED,
        "lead_again": next((one.pk for one in dispatches if one.is_lead and can_rework(user, one)), None),
        "can_ask_check": may_ask and checks.whom_to_ask(whistle.event) is not None,  # type: ignore[arg-type]  # `may_ask`
    }


def close_form(whistle: Whistle, dispatches: list[Dispatch], **given: Any) -> CloseForm:
    """With stars for each department that came, until the evaluation is due."""
    is_open = not is_too_late(whistle, timezone.now())
    return CloseForm(**given, dispatches=dispatches, is_open=is_open, auto_id="close_%s")


def parts_of(user: Any, dispatches: list[Dispatch], mine: set[int], close: CloseForm | None) -> list[Part]:
    now, work = timezone.now(), work_of([one for one in dispatches if one.pk in mine])
    return [
        Part(
            dispatch=one,
            word=part_word(vars(one)),
            tone=TONES[dot(vars(one), "", now).tone],
            clock=dispatch_clock(vars(one)),
            work=work[one.pk],
            is_open_to_me=one.pk in mine,
            can_rework=close is not None and can_rework(user, one),
            rating=close.of(one) if close else None,
        )
        for one in dispatches
    ]


def again(request: HttpRequest, whistle: Whistle, **bound: Form) -> HttpResponse:
    """The page once more, with what was typed and what to do about it."""
    return render(request, "enforcement/whistle_detail.html", detail_context(request, whistle, **bound), status=422)


def action_context(user: Any, whistle: Whistle, dispatches: Sequence[Dispatch]) -> dict[str, Any]:
    """What the page of a joint action shows besides; `missed`: it has assembled before it was approved."""
    over = whistle.assemble_at is not None and whistle.assemble_at <= timezone.now()
    return {
        "tasks": tasks_of(whistle, dispatches),
        "missed": over and whistle.state == Whistle.State.SUBMITTED,
        "can_start_again": can_start_again(user, whistle),
    }


def tasks_of(whistle: Whistle, dispatches: Sequence[Dispatch]) -> list[tuple[Unit, str]]:
    """Who is to do what in a joint action: as sent, or as asked for where it is not sent yet."""
    if not whistle.is_action:
        return []
    if dispatches:
        return [(one.department, one.task) for one in dispatches if one.state not in Dispatch.GONE]
    return [(unit, whistle.tasks.get(str(unit.pk), "")) for unit in whistles.asked_departments(whistle)]


def everybody(whistle: Whistle) -> str:
    return "各单位" if whistle.is_action else "各部门"


# --- blowing --------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    """The form, and its sending."""
    event = get_object_or_404(Event.objects.visible_to(request.user).select_related("township"), pk=pk)
    if made := made_already(request, event):
        return redirect(made)
    require(request, can_whistle, event)
    form = WhistleForm(request.POST or None, event=event)
    if form.is_bound and form.is_valid():
        whistle = whistles.submit(event, by=request.user, **form.cleaned_data)
        messages.success(
            request, "已提交，等镇领导审核" if whistle.sent_at is None else "应急哨已发出，各部门谁已签收见本页"
        )
        return redirect(whistle)
    status = 422 if form.is_bound else 200
    return render(request, "enforcement/whistle_submit.html", submit_context(event, form), status=status)


def made_already(request: HttpRequest, event: Event) -> Whistle | None:
    """What the first sending of the same form made; for whoever opens the form too late, the event's whistle."""
    if event.state != Event.State.WHISTLED:
        return None  # `submit` itself finds what a form made that is sent again after its whistle was turned down
    made = Whistle.objects.visible_to(request.user).filter(event=event).order_by("-id")
    sent = request_id(request)
    if sent and (first := made.filter(request_id=sent).first()):
        messages.info(request, "这张表已经提交过，没有重复提交；请核对下面的内容")
        return first
    if request.method == "GET":
        messages.info(request, "这件事已经吹过哨")
        return made.first()
    return None


def submit_context(event: Event, form: WhistleForm) -> dict[str, Any]:
    return {"event": event, "form": form, **kinds_context(form), "attachments": files_of(event)}


def kinds_context(form: Form) -> dict[str, Any]:
    """The four kinds with what each would mean now, the chosen one marked."""
    now, chosen = timezone.now(), form["kind"].value()
    kinds = [
        {"value": kind.value, "label": kind.label, "words": KIND_WORDS[kind], "steps": forecast(kind, now)}
        for kind in Whistle.Kind
    ]
    return {"now": now, "kinds": [{**kind, "is_on": kind["value"] == chosen} for kind in kinds]}


# --- verbs ----------------------------------------------------------------------------------------------------------
@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    whistle = visible_whistle(request, pk)
    require(request, can_approve, whistle)
    form = VerbForm(request.POST)
    if not form.is_valid():
        return again(request, whistle, approve=form)
    whistles.approve(whistle, by=request.user, **form.cleaned_data)
    messages.success(request, f"已批准，{everybody(whistle)}已收到消息")
    return redirect(whistle)


@require_POST
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    whistle = visible_whistle(request, pk)
    require(request, can_reject, whistle)
    form = RejectForm(request.POST, auto_id="reject_%s")
    if not form.is_valid():
        return again(request, whistle, reject=form)
    whistles.reject(whistle, by=request.user, **form.cleaned_data)
    messages.success(
        request, f"已退回{desk_word(whistle.by_unit)}，没有发给任何{'单位' if whistle.is_action else '部门'}"
    )
    return redirect(whistle)


@require_POST
def confirm_emergency(request: HttpRequest, pk: int) -> HttpResponse:
    whistle = visible_whistle(request, pk)
    if whistle.awaits_confirmation:  # otherwise it is the second press, which the service answers in a sentence
        require(request, can_confirm_emergency, whistle)
    whistles.confirm_emergency(whistle, by=request.user)
    messages.success(request, "已事后确认")
    return redirect(whistle)


@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    whistle = visible_whistle(request, pk)
    require(request, can_close, whistle)
    dispatches = whistle.dispatches.select_related("department")
    form = close_form(whistle, list(dispatches), data=request.POST)
    if not form.is_valid():
        return again(request, whistle, close=form)
    whistles.close(whistle, by=request.user, seen_state=form.cleaned_data["seen_state"], ratings=form.ratings())
    told = "" if whistle.is_action else "上报人和"
    messages.success(request, f"已确认办结，{told}{everybody(whistle)}已收到消息")
    if form.says_stars and is_too_late(whistle, whistle.closed_at or timezone.now()):
        messages.warning(request, "评价期限已过，这次选的评价没有记入，各部门记为未评价")
    return redirect(whistle)


@require_POST
def claim(request: HttpRequest, pk: int) -> HttpResponse:
    whistle = visible_whistle(request, pk)
    if whistle.claimed_by_id != request.user.pk:  # pressed twice is taken once
        require(request, can_claim, whistle)
        claims.take(whistle, by=request.user)
    return redirect(whistle)
