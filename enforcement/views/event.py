"""Pages and verbs of events: report, find, read, and what the desk and the squad do with them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, prefetch_related_objects
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.generic import DetailView, ListView

from enforcement.filters.bar import bar
from enforcement.filters.event import EventFilter, listed
from enforcement.forms.event import MOST_SEARCHED, DismissForm, ReportForm, SettleForm, SquadForm, VerbForm
from enforcement.models import Caller, Event, Handover
from enforcement.permissions import (
    can_claim,
    can_dismiss,
    can_hand_to_squad,
    can_report,
    can_settle,
    can_take_calls,
    can_verify,
    can_view_caller,
    can_whistle,
)
from enforcement.services import category as categories
from enforcement.services import check as checks
from enforcement.services import claim as claims
from enforcement.services import event as events
from enforcement.services.progress import milestones
from enforcement.services.returns import return_of
from enforcement.services.routing import RouteProposal, propose_route
from enforcement.views.escalation import marks_context
from enforcement.views.event_parts import parts_context
from enforcement.views.paging import page_of, quick_context
from records.models import Entry
from records.services import UsedForm, upload
from records.services.attachment import BadFile, NotStored, files_of
from records.verbs import require
from townships.models import Role

ROW = (
    "pk", "number", "title", "place", "state", "is_urgent", "reported_at", "next_due", "provisional", "source",
    "category__name", "grid__short_name", "township__short_name",
)  # fmt: skip
STATES = dict(Event.State.choices)
SOURCES = dict(Event.Source.choices)
STATE_TONES = {"reported": "blue", "verified": "blue", "settled": "ok"}
QUICK = (
    ("全部", ""),
    ("在办", "state=open"),
    ("待受理", "state=reported"),
    ("队伍处置中", "state=squad"),
    ("紧急", "state=open&urgent=True"),
    ("按期限", "order=due"),
)
CLOCKS = {"reported": "受理", "verified": "安排", "squad": "处置"}


# --- the list -------------------------------------------------------------------------------------------------------
class EventList(ListView):  # type: ignore[type-arg]  # generic for mypy only
    template_name = "enforcement/event_list.html"

    def get_queryset(self) -> QuerySet[Event]:
        return listed(self.request.user)

    def get_template_names(self) -> list[str]:
        if self.request.htmx.target == "rows":  # type: ignore[attr-defined]  # django-htmx puts it there
            return ["enforcement/event_rows.html"]
        return [self.template_name]

    def get_context_data(self, **_: Any) -> dict[str, Any]:
        filters = EventFilter(self.request.GET or None, self.object_list, request=self.request)
        page = page_of(self.request, filters.qs.values(*ROW))
        return {
            "bar": SimpleLazyObject(lambda: bar(filters)),  # the rows alone do not ask for it
            "page": page,
            "rows": [event_row(values) for values in page.rows],
            "now": timezone.now(),
            **quick_context(QUICK, page),
            "can_report": can_report(self.request.user),
            "verb": report_verb(self.request),
            "shows_township": "township" in filters.filters,
        }


def event_row(values: dict[str, Any]) -> dict[str, Any]:
    """One line of the list: plain values instead of four model instances a row, which cost more than the query."""
    tone = STATE_TONES.get(values["state"], "")
    return {**values, "tone": tone, "state": STATES[values["state"]], "source": SOURCES[values["source"]]}


# --- one event ------------------------------------------------------------------------------------------------------
def visible_event(request: HttpRequest, pk: int) -> Event:
    """The event with what its page says of it, or 404."""
    events = Event.objects.visible_to(request.user).select_related("township", "grid", "category", "reported_by")
    return get_object_or_404(events, pk=pk)


class EventDetail(DetailView):  # type: ignore[type-arg]
    template_name = "enforcement/event_detail.html"

    def get_object(self, queryset: QuerySet[Event] | None = None) -> Event:  # noqa: ARG002 - Django's signature
        return visible_event(self.request, self.kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **detail_context(self.request, self.object)}


def detail_context(request: HttpRequest, event: Event, **bound: Form) -> dict[str, Any]:
    """All that the page shows. `bound`: the form that was sent and is wrong, by its verb."""
    user = request.user
    all_whistles, all_dispatches = way_of(event, user)
    whistles = [one for one in all_whistles if one.is_mine_to_see]
    dispatches = [one for one in all_dispatches if one.is_mine_to_see]
    was_reported = any(dispatch.first_reported_at for dispatch in all_dispatches)
    looks = checks.looks(event=event) if was_reported else []
    given = handovers_of(event)
    # the way in plain words is told from all of them, it names offices and times; opened may be those of one's own
    way = way_of(event.merged_into, user) if event.merged_into else (all_whistles, all_dispatches)
    stones = milestones(event, *way, checks=[look.check for look in looks], handovers=given)
    more = parts_context(user, event, looks, given)
    return {
        "event": event,
        "now": timezone.now(),
        "state_tone": STATE_TONES.get(event.state, ""),
        "clock": CLOCKS.get(event.state, ""),
        "attachments": files_of(event),
        "whistles": whistles,
        "dispatches": dispatches,
        **marks_context(user, event),
        "entries": Entry.objects.about(event, *whistles, *dispatches),
        "milestones": stones,
        "current": next((stone for stone in stones if stone.state == "now"), None),
        **more,
        **verb_context(user, event, more["forms"], bound),
        **reader_context(user, event),
    }


def way_of(event: Event, user: Any) -> tuple[list[Any], list[Any]]:
    """All whistles of an event, the newest first, and all their dispatches, each with whether this person may open it."""
    whistles: list[Any] = list(event.whistles.with_own_sight(user).order_by("-id"))
    if not whistles:
        return [], []
    parts: list[Any] = list(event.dispatches.with_sight(user).select_related("department", "returning").order_by("id"))
    returns = [part.returning for part in parts if return_of(part)]
    prefetch_related_objects(returns, "to_unit")  # there are few: not worth a join for each event
    seen = {part.whistle_id for part in parts if part.is_mine_to_see}
    for whistle in whistles:
        whistle.is_mine_to_see = whistle.is_mine_to_see or whistle.pk in seen
    return whistles, parts


def handovers_of(event: Event) -> list[Handover]:
    """The newest first. No query for the many that have never been offered to a neighbour."""
    if not event.has_ties:
        return []
    return list(event.handovers.select_related("from_township", "to_township").order_by("-id"))


def verb_context(user: Any, event: Event, more: dict[str, Form], bound: dict[str, Form]) -> dict[str, Any]:
    """What this person may do now; the proposed way and why where the desk decides. `more`: forms of other parts."""
    proposal = propose_route(event, today=timezone.localdate()) if can_dismiss(user, event) else None
    forms = {**verb_forms(user, event, proposal), **more, **bound}
    return {
        "proposal": proposal,
        "forms": forms,
        "due_tone": "" if forms else "idle",
        "can_verify": can_verify(user, event),
        "can_whistle": can_whistle(user, event),
        "can_claim": can_claim(user, event),
        "whistle_url": reverse("enforcement:whistle-submit", args=[event.pk]),
    }


def reader_context(user: Any, event: Event) -> dict[str, Any]:
    """Who reads: a reporter is told how it goes on, the own township who reported, its desk whether there is a caller.

    The desk that registered an event takes it up itself: nobody has to tell it what comes next.
    """
    return {
        "is_reporter": event.reported_by_id == user.pk and not can_take_calls(user),
        "is_grid_member": user.acting is not None and user.acting.role == Role.GRID,
        "is_own_township": user.acting is not None and user.acting.organ_id == event.township_id,
        "has_caller": can_view_caller(user, event) and Caller.objects.filter(event=event).exists(),
    }


def verb_forms(user: Any, event: Event, proposal: RouteProposal | None) -> dict[str, Form]:
    """The forms of what this person may do now, prefilled with what the rule proposes."""
    seen = {"seen_state": event.state}
    limit = proposal.squad_limit if proposal else None
    squad = {"amount": limit.amount, "unit": limit.unit} if limit else {}
    offered = (
        ("settle", can_settle, SettleForm, seen),
        ("squad", can_hand_to_squad, SquadForm, {**seen, **squad}),
        ("dismiss", can_dismiss, DismissForm, seen),
    )
    return {
        verb: form(initial=initial, auto_id=f"{verb}_%s") for verb, can, form, initial in offered if can(user, event)
    }


def again(request: HttpRequest, event: Event, **bound: Form) -> HttpResponse:
    """The page once more, with what was typed and what to do about it."""
    return render(request, "enforcement/event_detail.html", detail_context(request, event, **bound), status=422)


# --- reporting ------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form, and its sending. Photos of a refused sending wait, so that nobody has to choose them twice."""
    if not can_report(request.user):
        raise PermissionDenied
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    with upload.kept(by=request.user, request_id=request_id(request)) as waiting:
        form = ReportForm(*sent, user=request.user, waiting=waiting)
        if form.is_valid() and not form.is_looking and (event := registered(request, form)):
            messages.success(request, f"已{report_verb(request)}{'' if event.is_open else '并办结'}")
            return redirect(event)
    return report_again(request, form)


def registered(request: HttpRequest, form: ReportForm) -> Event | None:
    """The event; None where the form, which then says why, has to be sent once more."""
    try:
        event = events.report(by=request.user, **form.as_report())
    except BadFile as error:
        form.add_error("photos", str(error))
    except UsedForm:
        form.renew(
            f"这张表已经用过一次。现在填的是另一件事的话，请再按一次“{report_verb(request)}”；不是，就不用再交。"
        )
    else:
        upload.drop(by=request.user, request_id=event.request_id)
        return event
    return None


def report_verb(request: HttpRequest) -> str:
    """What it is called: the command room registers what it then takes up itself, others report."""
    return "登记" if can_take_calls(request.user) else "上报"


def report_again(request: HttpRequest, form: ReportForm) -> HttpResponse:
    """The form: empty, or with what was typed, the photos that wait, and the classes to choose from."""
    if form.is_bound:
        keep_photos(request, form)
    usual = categories.usual(request.user, form.township.pk)
    context = {"form": form, "choices": form.choices or ([form.chosen] if form.chosen else usual)}
    context["verb"] = report_verb(request)
    context |= {"groups": categories.groups(), "typed": form["category_text"].value(), "chosen": form.chosen}
    wrong = form.is_bound and not form.is_looking
    return render(request, "enforcement/event_report.html", context, status=422 if wrong else 200)


def keep_photos(request: HttpRequest, form: ReportForm) -> None:
    """The good photos of this sending wait until the form comes again."""
    photos = form.all_photos
    if form.data.get("without_waiting"):
        upload.drop(by=request.user, request_id=form.form_id)
    fresh = [photo for photo in photos if photo in form.sent_photos]
    try:
        upload.keep(fresh, by=request.user, request_id=form.form_id)
    except NotStored as error:
        if "photos" not in form.errors:
            form.add_error("photos", str(error))
    else:
        form.waiting = photos


def request_id(request: HttpRequest) -> UUID | None:
    """The form's own id, if it is one."""
    try:
        return UUID(request.POST.get("request_id", ""))
    except ValueError:
        return None


@require_GET
def category_search(request: HttpRequest) -> HttpResponse:
    """The classes that fit what is being typed: a fragment of the report form."""
    typed = request.GET.get("category_text", "").strip()[:MOST_SEARCHED]
    if typed or not can_report(request.user):
        choices = categories.search(typed)
    else:
        choices = categories.usual(request.user, request.user.acting.organ_id)  # type: ignore[union-attr]
    return render(request, "enforcement/event_categories.html", {"choices": choices, "typed": typed})


# --- verbs ----------------------------------------------------------------------------------------------------------
@require_POST
def verify(request: HttpRequest, pk: int) -> HttpResponse:
    event = visible_event(request, pk)
    require(request, can_verify, event)
    form = VerbForm(request.POST)
    if not form.is_valid():
        return again(request, event, verify=form)
    events.verify(event, by=request.user, **form.cleaned_data)
    return redirect(event)


@require_POST
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    event = visible_event(request, pk)
    require(request, can_settle, event)
    form = SettleForm(request.POST, request.FILES, auto_id="settle_%s")
    if not form.is_valid():
        return again(request, event, settle=form)
    try:
        events.settle(event, by=request.user, **form.cleaned_data)
    except BadFile as error:
        form.add_error("photos", str(error))
        return again(request, event, settle=form)
    messages.success(request, "已办结")
    return redirect(event)


@require_POST
def hand_to_squad(request: HttpRequest, pk: int) -> HttpResponse:
    event = visible_event(request, pk)
    require(request, can_hand_to_squad, event)
    form = SquadForm(request.POST, auto_id="squad_%s")
    if not form.is_valid():
        return again(request, event, squad=form)
    events.hand_to_squad(event, by=request.user, seen_state=form.cleaned_data["seen_state"], limit=form.limit())
    messages.success(request, "已交镇街执法队，队员已收到消息")
    return redirect(event)


@require_POST
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    event = visible_event(request, pk)
    require(request, can_dismiss, event)
    form = DismissForm(request.POST, auto_id="dismiss_%s")
    if not form.is_valid():
        return again(request, event, dismiss=form)
    events.dismiss(event, by=request.user, **form.cleaned_data)
    messages.success(request, "不予受理，已告诉上报人")
    return redirect(event)


@require_POST
@never_cache
def caller(request: HttpRequest, pk: int) -> HttpResponse:
    """Name and phone of who called, on this page alone and once; the look is on record."""
    event = visible_event(request, pk)
    require(request, can_view_caller, event)
    found = events.view_caller(event, by=request.user)
    return render(request, "enforcement/event_detail.html", {**detail_context(request, event), "caller": found})


@require_POST
def claim(request: HttpRequest, pk: int) -> HttpResponse:
    event = visible_event(request, pk)
    if event.claimed_by_id != request.user.pk:  # pressed twice is taken once
        require(request, can_claim, event)
        claims.take(event, by=request.user)
    return redirect(event)
