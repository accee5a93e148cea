"""Pages and verbs of dispatches: what a department is asked for, and what it does about it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_POST
from django.views.generic import DetailView, ListView

from enforcement.filters.bar import bar
from enforcement.filters.box import box_of
from enforcement.filters.dispatch import DispatchFilter, listed, sides
from enforcement.forms.appeal import appeal_forms
from enforcement.forms.dispatch import (
    ArriveForm,
    AssignForm,
    InterimForm,
    RemarkForm,
    ReportForm,
    SignForm,
    WaitingFilesForm,
)
from enforcement.forms.extension import extension_forms
from enforcement.forms.returns import return_forms
from enforcement.forms.whistle import ReworkForm
from enforcement.models import Appeal, Dispatch, Remark, Report, Whistle
from enforcement.permissions import (
    can_arrive,
    can_assign,
    can_claim,
    can_decide_appeal,
    can_read_rating_text,
    can_remark,
    can_report_back,
    can_rework,
    can_sign,
)
from enforcement.services import appeal as appeals
from enforcement.services import claim as claims
from enforcement.services import dispatch as dispatches
from enforcement.services import extension as extensions
from enforcement.services import returns
from enforcement.services import suspension as suspensions
from enforcement.services import whistle as whistles
from enforcement.services.labels import (
    DISPATCH_STATES,
    DISPATCH_TONES,
    KIND_TONES,
    WHISTLE_KINDS,
    bureau_note,
    desk_word,
    dispatch_clock,
    dot,
    voice,
)
from enforcement.services.report import work_of
from enforcement.services.steps import dispatch_steps
from enforcement.views.escalation import marks_context
from enforcement.views.event import request_id
from enforcement.views.paging import page_of, quick_context
from enforcement.views.whistle import tasks_of, unit_names
from records.models import Entry
from records.services import UsedForm, upload
from records.services.attachment import BadFile, files_of
from records.verbs import require
from townships import people
from townships.models import Role, Unit

USED = "这张表已经用过一次，那时的内容还在下面。现在填的是新的反馈的话，请再按一次；不是，就不用再交。"
QUICK = (
    ("全部", ""),
    ("在办", "state=open"),
    ("待签收", "state=sent"),
    ("待到场", "state=signed"),
    ("返工中", "state=rework"),
    ("挂账", "state=suspended"),
    ("超期", "late=late"),
    ("按期限", "order=due"),
)


# --- the list -------------------------------------------------------------------------------------------------------
ROW = (
    "id", "number", "whistle__title", "whistle__kind", "is_lead", "state", "sent_at", "next_due", "report_due",
    "interim_at", "sign_due", "signed_at", "arrive_due", "arrived_at", "provisional", "department__short_name",
    "by_unit__short_name", "assigned_unit__short_name", "assigned_officer__name", "claimed_by__name",
    "whistle__resume_due",
)  # fmt: skip


class DispatchList(ListView):  # type: ignore[type-arg]  # generic for mypy only
    template_name = "enforcement/dispatch_list.html"

    def get_queryset(self) -> QuerySet[Dispatch]:
        return listed(self.request)

    def get_template_names(self) -> list[str]:
        if self.request.htmx.target == "rows":  # type: ignore[attr-defined]  # django-htmx puts it there
            return ["enforcement/dispatch_rows.html"]
        return [self.template_name]

    def get_context_data(self, **_: Any) -> dict[str, Any]:
        found, box = self.get_queryset(), box_of(self.request)
        of = sides(self.request, box)
        filters = SimpleLazyObject(partial(DispatchFilter, self.request.GET, found, request=self.request, **of))
        page = page_of(self.request, (filters.qs if self.request.GET else found).values(*ROW))
        return {
            "bar": SimpleLazyObject(lambda: bar(filters)),  # the rows alone do not ask for it
            "page": page,
            "rows": [dispatch_row(values) for values in page.rows],
            "now": timezone.now(),
            "box": box,
            **quick_context(QUICK, page, box.query),
            "departments": SimpleLazyObject(unit_names),
            "shows_sender": not of["is_out"],
            "shows_department": not of["is_in"],
        }


def dispatch_row(one: dict[str, Any]) -> dict[str, Any]:
    """One line of the list, as plain values."""
    claimed = f"{one['claimed_by__name']} 认领" if one["claimed_by__name"] else ""
    return {
        **one,
        "kind": WHISTLE_KINDS[one["whistle__kind"]],
        "kind_tone": KIND_TONES.get(one["whistle__kind"], ""),
        "role": "主办" if one["is_lead"] else "协办",
        "state": DISPATCH_STATES[one["state"]],
        "state_tone": DISPATCH_TONES[one["state"]],
        "clock": dispatch_clock(one),
        "who": one["assigned_unit__short_name"] or one["assigned_officer__name"] or claimed,
        "late_sign": bool(one["signed_at"] and one["signed_at"] > one["sign_due"]),
        "late_arrival": bool(one["arrived_at"] and one["arrived_at"] > one["arrive_due"]),
    }


# --- one dispatch ---------------------------------------------------------------------------------------------------
def visible_dispatch(request: HttpRequest, pk: int) -> Dispatch:
    """The dispatch, or 404. With what every page says of it: to join the rest too, the planner thinks for ten ms."""
    found = Dispatch.objects.visible_to(request.user).select_related("whistle", "event", "by_unit", "department")
    return get_object_or_404(found, pk=pk)


class DispatchDetail(DetailView):  # type: ignore[type-arg]
    template_name = "enforcement/dispatch_detail.html"

    def get_object(self, queryset: QuerySet[Dispatch] | None = None) -> Dispatch:  # noqa: ARG002 - Django's signature
        return visible_dispatch(self.request, self.kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **detail_context(self.request, self.object)}


def detail_context(request: HttpRequest, dispatch: Dispatch, **bound: Form) -> dict[str, Any]:
    """All that the page shows. `bound`: the form that was sent and is wrong, by its verb."""
    user, now = request.user, timezone.now()
    is_department = user.acting is not None and user.acting.organ_id == dispatch.department_id  # type: ignore[union-attr]
    rest = Dispatch.objects.filter(whistle=dispatch.whistle_id).exclude(pk=dispatch.pk).select_related("department")
    others = list(rest.order_by("id"))
    standing = returns.standing(user, dispatch, now)
    extension = extensions.outlook(user, dispatch, now)
    forms = {**forms_of(user, dispatch, standing, extension), **bound}
    return {
        "dispatch": dispatch,
        "whistle": dispatch.whistle,
        "event": dispatch.event,
        "now": now,
        "state_tone": DISPATCH_TONES[dispatch.state],
        "kind_tone": KIND_TONES.get(dispatch.whistle.kind, ""),
        "clock": dispatch_clock(vars(dispatch)),
        "attachments": files_of(dispatch.event),
        "others": [(other, dot(vars(other), f"{other.department}{other.role_label}", now)) for other in others],
        "voice": voice(dispatch.by_unit),
        "other_side": dispatch.by_unit if is_department else dispatch.department,
        "tasks": tasks_of(dispatch.whistle, sorted([dispatch, *others], key=lambda one: one.pk)),
        "work": work_of([dispatch])[dispatch.pk],
        "steps": dispatch_steps(dispatch),
        "remarks": remarks_of(dispatch, is_department=is_department),
        **marks_context(user, dispatch),
        "extension": extension,
        "suspension": suspensions.outlook(user, dispatch.whistle),
        **appeal_context(user, dispatch),
        "entries": Entry.objects.about(dispatch.whistle, dispatch),
        "desk_phone": desk_phone(dispatch.by_unit),
        "call_instead": "" if is_department else call_instead(dispatch),
        "forms": forms,
        "returns": standing,
        "is_department": is_department,
        "can_claim": can_claim(user, dispatch),
        "can_assign": can_assign(user, dispatch),
        "act": request.GET.get("act", ""),
        "interim_first": "interim" in forms and dispatch.report_due is not None and dispatch.interim_at is None,
    }


def remarks_of(dispatch: Dispatch, *, is_department: bool) -> list[tuple[Remark, bool]]:
    """The thread, each remark with whether the reader's own side wrote it."""
    own = Remark.Side.DEPARTMENT if is_department else Remark.Side.TOWNSHIP
    return [(remark, remark.side == own) for remark in dispatch.remarks.order_by("id")]


def desk_phone(unit: Unit) -> str:
    """The number of who speaks for the unit that whistles; where none is kept, that of somebody at its desk."""
    if unit.phone:
        return unit.phone
    return next((user.mobile for user in people.desk(unit) if user.mobile), "")


def call_instead(dispatch: Dispatch) -> str:
    """Whom to call where a dispatch waits at a desk at which nobody is: its unit's number, or that of who was told."""
    is_unheard = dispatch.state == Dispatch.State.SENT and people.lacks_desk(dispatch.department)
    return desk_phone(dispatch.department) if is_unheard else ""


def appeal_context(user: Any, dispatch: Dispatch) -> dict[str, Any]:
    """How it was judged, whether the department does not accept that, and until when it may say so."""
    low = dispatch.stars is not None and dispatch.stars <= Appeal.MOST_STARS
    appeal = dispatch.its_appeal
    is_decider = appeal is not None and can_decide_appeal(user, appeal)
    return {
        "reads_rating_text": can_read_rating_text(user),
        "appeal": appeal,
        "appeal_due": appeals.due_of(dispatch) if low and appeal is None else None,
        "bureau_note": bureau_note(user, dispatch.department, dispatch.by_unit) if is_decider else "",
    }


def forms_of(
    user: Any, dispatch: Dispatch, standing: returns.Standing, extension: extensions.Outlook
) -> dict[str, Form]:
    """The forms of what this person may do now."""
    return {
        **verb_forms(user, dispatch),
        **return_forms(user, dispatch, standing),
        **extension_forms(extension, dispatch.state),
        **appeal_forms(user, dispatch),
    }


def verb_forms(user: Any, dispatch: Dispatch) -> dict[str, Form]:
    """What the department does and what is said to it; the likely answers are filled in."""
    seen = {"seen_state": dispatch.state}
    forms: dict[str, Form] = {}
    if can_sign(user, dispatch):
        forms["sign"] = SignForm(initial=seen, dispatch=dispatch, auto_id="sign_%s")
    elif can_assign(user, dispatch):
        forms["assign"] = AssignForm(initial=seen, dispatch=dispatch, auto_id="assign_%s")
    if can_arrive(user, dispatch):
        initial = {**seen, "officers": likely_to_come(user, dispatch), "uses_power": True}
        forms["arrive"] = ArriveForm(initial=initial, dispatch=dispatch, user=user, auto_id="arrive_%s")
    if can_report_back(user, dispatch):
        forms["interim"] = InterimForm(auto_id="interim_%s")
        forms["report"] = ReportForm(initial=seen, auto_id="report_%s")
    if can_rework(user, dispatch) and dispatch.whistle.state == Whistle.State.REPORTED:
        forms["rework"] = ReworkForm(initial=seen, auto_id="rework_%s")
    if can_remark(user, dispatch):
        forms["remark"] = RemarkForm(auto_id="remark_%s")
    return forms


def likely_to_come(user: Any, dispatch: Dispatch) -> list[int]:
    """Who is ticked beforehand: the officer who was named, or the officer who reads the page."""
    if dispatch.assigned_officer_id:
        return [dispatch.assigned_officer_id]
    return [user.pk] if user.acting.role == Role.OFFICER else []


def again(request: HttpRequest, dispatch: Dispatch, **bound: Form) -> HttpResponse:
    """The page once more, with what was typed and what to do about it."""
    return render(request, "enforcement/dispatch_detail.html", detail_context(request, dispatch, **bound), status=422)


# --- verbs ----------------------------------------------------------------------------------------------------------
@require_POST
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_sign, dispatch)
    form = SignForm(request.POST, dispatch=dispatch, auto_id="sign_%s")
    if not form.is_valid():
        return again(request, dispatch, sign=form)
    named = form.assigned() if can_assign(request.user, dispatch) else {}
    dispatches.sign(dispatch, by=request.user, seen_state=form.cleaned_data["seen_state"], **named)
    messages.success(request, "已签收")
    return redirect(dispatch)


@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_assign, dispatch)
    form = AssignForm(request.POST, dispatch=dispatch, auto_id="assign_%s")
    if not form.is_valid():
        return again(request, dispatch, assign=form)
    dispatches.assign(dispatch, by=request.user, **form.assigned())
    messages.success(request, "已指定承办，对方已收到消息")
    return redirect(f"{dispatch.get_absolute_url()}#main")


@require_POST
def arrive(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_arrive, dispatch)
    form = ArriveForm(request.POST, dispatch=dispatch, user=request.user, auto_id="arrive_%s")
    if not form.is_valid():
        return again(request, dispatch, arrive=form)
    dispatches.arrive(dispatch, by=request.user, **form.cleaned_data)
    messages.success(request, f"已报到，{dispatch.by_unit}{desk_word(dispatch.by_unit)}已收到消息")
    return redirect(dispatch)


@require_POST
def report_interim(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_report_back, dispatch)
    with upload.kept(by=request.user, request_id=request_id(request)) as waiting:
        form = InterimForm(request.POST, request.FILES, waiting=waiting, auto_id="interim_%s")
        if filed(request, form, dispatch, dispatches.report_interim):
            messages.success(request, "已首报")
            return redirect(f"{dispatch.get_absolute_url()}#main")
    return again(request, visible_dispatch(request, pk), interim=form)


@require_POST
def report_back(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_report_back, dispatch)
    with upload.kept(by=request.user, request_id=request_id(request)) as waiting:
        form = ReportForm(request.POST, request.FILES, waiting=waiting, auto_id="report_%s")
        if filed(request, form, dispatch, dispatches.report_back):
            messages.success(request, f"已反馈，等{voice(dispatch.by_unit).side}确认")
            return redirect(dispatch)
    return again(request, visible_dispatch(request, pk), report=form)


def filed(request: HttpRequest, form: WaitingFilesForm, dispatch: Dispatch, act: Callable[..., Report]) -> bool:
    """Whether the report was taken. If not, its good files wait, so that nobody has to choose them twice."""
    try:
        if not form.is_valid():
            upload.keep(form.sent_files, by=request.user, request_id=form.form_id)
            form.waiting = form.all_files
            return False
        report = act(dispatch, by=request.user, **form.cleaned_data)
        if dispatch.rework_at and report.at < dispatch.rework_at:  # an old page, sent again after the rework was asked
            form.renew(USED, dispatch.state)
            return False
    except UsedForm:
        form.renew(USED, dispatch.state)
        return False
    except BadFile as error:
        upload.drop(by=request.user, request_id=form.form_id)
        form.add_error("files", f"{error} 其余文件也请重新选一次。")
        return False
    upload.drop(by=request.user, request_id=form.form_id)
    return True


@require_POST
def remark(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_remark, dispatch)
    form = RemarkForm(request.POST, auto_id="remark_%s")
    if not form.is_valid():
        return again(request, dispatch, remark=form)
    dispatches.remark(dispatch, by=request.user, **form.cleaned_data)
    return redirect(f"{dispatch.get_absolute_url()}#remarks")


@require_POST
def rework(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_rework, dispatch)
    form = ReworkForm(request.POST, auto_id="rework_%s")
    if not form.is_valid():
        return again(request, dispatch, rework=form)
    whistles.rework(dispatch, by=request.user, **form.cleaned_data)
    messages.success(request, f"已退回返工，{dispatch.department}已收到消息")
    return redirect(dispatch.whistle)


@require_POST
def claim(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    if dispatch.claimed_by_id != request.user.pk:  # pressed twice is taken once
        require(request, can_claim, dispatch)
        claims.take(dispatch, by=request.user)
    return redirect(dispatch)
