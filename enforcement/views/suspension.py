"""Verbs of 挂账 on a whistle: ask, approve, refuse, resume."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from enforcement.forms.event import VerbForm
from enforcement.forms.suspension import RefuseSuspensionForm, SuspensionForm
from enforcement.models import Suspension
from enforcement.permissions import can_ask_suspension, can_decide_suspension, can_resume
from enforcement.services import suspension as suspensions
from enforcement.services.labels import voice
from enforcement.views.whistle import again, visible_whistle
from records.verbs import require


def visible_suspension(request: HttpRequest, pk: int) -> Suspension:
    """The suspension with its whistle as the page needs it, or 404."""
    found = get_object_or_404(Suspension.objects.visible_to(request.user), pk=pk)
    found.whistle = visible_whistle(request, found.whistle_id)
    return found


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    whistle = visible_whistle(request, pk)
    require(request, can_ask_suspension, whistle)
    form = SuspensionForm(request.POST, auto_id="suspend_%s")
    if not form.is_valid():
        return again(request, whistle, suspend=form)
    form.cleaned_data.pop("seen_state")
    suspensions.ask(whistle, by=request.user, **form.cleaned_data)
    messages.success(request, f"已申请挂账，等{voice(whistle.by_unit).leaders}批准；批准之前照常计时")
    return redirect(whistle)


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    suspension = visible_suspension(request, pk)
    if suspension.is_asked:  # otherwise somebody was faster, which the service says in a sentence
        require(request, can_decide_suspension, suspension)
    form = VerbForm(request.POST)
    if not form.is_valid():
        return again(request, suspension.whistle, approve=form)
    suspensions.approve(suspension, by=request.user)
    messages.success(request, "已批准挂账，暂停计时，有关单位已收到消息")
    return redirect(suspension.whistle)


@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    suspension = visible_suspension(request, pk)
    if suspension.is_asked:  # otherwise somebody was faster, which the service says in a sentence
        require(request, can_decide_suspension, suspension)
    form = RefuseSuspensionForm(request.POST, auto_id="refuse_suspension_%s")
    if not form.is_valid():
        return again(request, suspension.whistle, refuse_suspension=form)
    suspensions.refuse(suspension, by=request.user, decision=form.cleaned_data["decision"])
    messages.success(request, "未批准挂账，申请的单位已收到消息，照常计时")
    return redirect(suspension.whistle)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    whistle = visible_whistle(request, pk)
    require(request, can_resume, whistle)
    form = VerbForm(request.POST)
    if not form.is_valid():
        return again(request, whistle, approve=form)
    suspensions.resume(whistle, by=request.user, **form.cleaned_data)
    messages.success(request, "已恢复办理，各期限从暂停的地方接着算，有关单位已收到消息")
    return redirect(whistle)
