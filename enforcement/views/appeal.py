"""评价申诉: the rated department asks, the guidance office decides, both on the dispatch's page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from enforcement.forms.appeal import AppealForm, DecideForm
from enforcement.models import Appeal
from enforcement.permissions import can_appeal, can_decide_appeal
from enforcement.services import appeal as appeals
from enforcement.views.dispatch import again, visible_dispatch
from records.verbs import require


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_appeal, dispatch)
    form = AppealForm(request.POST, auto_id="appeal_%s")
    if not form.is_valid():
        return again(request, dispatch, appeal=form)
    appeals.ask(dispatch, by=request.user, **form.cleaned_data)
    messages.success(request, "已提出申诉，指导办裁定后会告诉双方")
    return redirect(dispatch)


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    appeal = get_object_or_404(Appeal.objects.visible_to(request.user).select_related("dispatch"), pk=pk)
    require(request, can_decide_appeal, appeal)
    form = DecideForm(request.POST, auto_id="decide_%s")
    if not form.is_valid():
        return again(request, visible_dispatch(request, appeal.dispatch_id), decide=form)
    appeals.decide(appeal, by=request.user, **form.cleaned_data)
    messages.success(request, "已裁定，双方已收到消息")
    return redirect(appeal)
