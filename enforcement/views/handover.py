"""移交: offered from the event's page, answered on a page of its own that both townships may read."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from enforcement.forms.event import VerbForm
from enforcement.forms.handover import HandoverForm, HandoverRefuseForm
from enforcement.models import Event, Handover
from enforcement.permissions import can_answer_handover, can_offer_handover, can_take_back
from enforcement.services import handover as handovers
from enforcement.views.event import again as event_again
from enforcement.views.event import visible_event
from records.services.attachment import files_of
from records.verbs import require

TONES = {"asked": "blue", "accepted": "ok"}


@require_POST
def offer(request: HttpRequest, pk: int) -> HttpResponse:
    event = visible_event(request, pk)
    require(request, can_offer_handover, event)
    form = HandoverForm(request.POST, event=event)
    if not form.is_valid():
        return event_again(request, event, handover=form)
    made = handovers.offer(event, by=request.user, **form.cleaned_data)
    messages.success(request, f"已请{made.to_township}接收，答复前仍由您这里办")
    return redirect(event)


def visible_handover(request: HttpRequest, pk: int) -> Handover:
    """The hand-over with what its page says of it, or 404."""
    related = ("event__category", "event__township", "event__grid", "from_township", "to_township")
    return get_object_or_404(Handover.objects.visible_to(request.user).select_related(*related), pk=pk)


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "enforcement/handover_detail.html", context(request, visible_handover(request, pk)))


def context(request: HttpRequest, handover: Handover, **bound: Form) -> dict[str, Any]:
    """All that the page shows; of the event itself nothing where this person may not see it (any more).

    `bound`: the form that was sent and is wrong, `refuse` or `press`.
    """
    user = request.user
    can_answer = can_answer_handover(user, handover)
    event = Event.objects.visible_to(user).filter(pk=handover.event_id).exists() and handover.event
    refuse = HandoverRefuseForm(initial={"seen_state": handover.state}, auto_id="refuse_%s")
    return {
        "handover": handover,
        "event": event or None,
        "attachments": files_of(event or None),
        "now": timezone.now(),
        "state_tone": TONES.get(handover.state, ""),
        "can_answer": can_answer,
        "can_take_back": can_take_back(user, handover),
        "form": bound.get("refuse", refuse),
        "press": bound.get("press"),
    }


def again(request: HttpRequest, handover: Handover, **bound: Form) -> HttpResponse:
    return render(request, "enforcement/handover_detail.html", context(request, handover, **bound), status=422)


@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    handover = visible_handover(request, pk)
    require(request, can_answer_handover, handover)
    form = VerbForm(request.POST)
    if not form.is_valid():
        return again(request, handover, press=form)
    handovers.accept(handover, by=request.user, **form.cleaned_data)
    messages.success(request, "已接收，请按自己的时限受理")
    return redirect(handover.event)


@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    handover = visible_handover(request, pk)
    require(request, can_answer_handover, handover)
    form = HandoverRefuseForm(request.POST, auto_id="refuse_%s")
    if not form.is_valid():
        return again(request, handover, refuse=form)
    handovers.refuse(handover, by=request.user, **form.cleaned_data)
    messages.success(request, f"已答复{handover.from_township}不接收")
    return redirect(handover)


@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    handover = visible_handover(request, pk)
    require(request, can_take_back, handover)
    form = VerbForm(request.POST)
    if not form.is_valid():
        return again(request, handover, press=form)
    handovers.take_back(handover, by=request.user, **form.cleaned_data)
    messages.success(request, "已收回，由您这里办")
    return redirect(handover.event)
