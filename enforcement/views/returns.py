"""Verbs of 退哨 on a dispatch: ask, agree, decline, arbitrate."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from enforcement.forms.event import VerbForm
from enforcement.forms.returns import ArbitrateForm, DeclineForm, ReturnForm
from enforcement.models import Dispatch, Return
from enforcement.permissions import can_agree, can_arbitrate, can_decline, can_return
from enforcement.services import returns
from enforcement.views.dispatch import again, visible_dispatch
from records.verbs import require

SAID: dict[str, str] = {
    Return.State.LEADER: "已申请退哨，等本单位领导同意",
    Return.State.ARBITRATION: "已申请退哨，等指导办裁定",
}


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_return, dispatch)
    form = ReturnForm(request.POST, auto_id="return_%s")
    if not form.is_valid():
        return again(request, dispatch, **{"return": form})
    made = returns.ask(dispatch, by=request.user, **form.cleaned_data)
    messages.success(request, SAID.get(made.state, "已申请退哨"))
    return redirect(dispatch)


@require_POST
def agree(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_agree, dispatch)
    form = VerbForm(request.POST)
    if not form.is_valid():
        return again(request, dispatch, agree=form)
    returns.agree(dispatch, by=request.user, **form.cleaned_data)
    messages.success(request, "已同意，送指导办仲裁")
    return redirect(dispatch)


@require_POST
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_decline, dispatch)
    form = DeclineForm(request.POST, auto_id="decline_%s")
    if not form.is_valid():
        return again(request, dispatch, decline=form)
    returns.decline(dispatch, by=request.user, **form.cleaned_data)
    messages.success(request, "已告诉联络员：不退哨，请签收")
    return redirect(dispatch)


@require_POST
def arbitrate(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_arbitrate, dispatch)
    standing = returns.standing(request.user, dispatch, timezone.now())
    form = ArbitrateForm(request.POST, dispatch=dispatch, standing=standing, auto_id="arbitrate_%s")
    if not form.is_valid():
        return again(request, dispatch, arbitrate=form)
    decide(dispatch, by=request.user, **form.cleaned_data)
    messages.success(request, "已裁定，有关部门和吹哨单位已收到消息")
    return redirect(dispatch)


def decide(dispatch: Dispatch, *, by: Any, outcome: str, to_unit: Any, **said: str) -> None:
    if to_unit:
        returns.reassign(dispatch, by=by, to_unit=to_unit, **said)
        return
    act: Callable[..., None] = returns.release if outcome == Return.State.RELEASED else returns.uphold
    act(dispatch, by=by, **said)
