"""发起联合行动: the form, and its sending. What it makes is a whistle, and its pages are those of a whistle."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from enforcement.forms.action import ActionForm
from enforcement.models import Whistle
from enforcement.permissions import can_start_action, can_start_again
from enforcement.services import action as actions
from enforcement.services.labels import voice
from enforcement.views.event import request_id
from enforcement.views.whistle import kinds_context
from townships.models import Unit


@require_http_methods(["GET", "POST"])
def submit(request: HttpRequest) -> HttpResponse:
    """`?like=` names one of the unit's own that was turned down: the form begins with what it said."""
    if not can_start_action(request.user):
        raise PermissionDenied
    unit: Unit = request.user.acting.unit  # type: ignore[union-attr]
    if made := made_already(request):
        return redirect(made)
    form = ActionForm(request.POST or None, unit=unit, like=turned_down(request))
    if form.is_bound and form.is_valid():
        whistle = actions.submit(unit, by=request.user, **form.cleaned_data)
        waits = f"已提交，等{voice(unit).leaders}审核"
        messages.success(request, waits if whistle.sent_at is None else "应急哨已发出，各单位谁已签收见本页")
        return redirect(whistle)
    context = {"form": form, "unit": unit, **kinds_context(form)}
    return render(request, "enforcement/action_submit.html", context, status=422 if form.is_bound else 200)


def made_already(request: HttpRequest) -> Whistle | None:
    """What the first sending of the same form made, where by now the form would not be good any more."""
    sent = request_id(request)
    if sent is None:
        return None
    own = Whistle.objects.filter(submitted_by=request.user.pk, assemble_at__lte=timezone.now())
    made = own.filter(request_id=sent).first()
    if made:
        messages.info(request, "这张表已经提交过，没有重复提交；请核对下面的内容")
    return made


def turned_down(request: HttpRequest) -> Whistle | None:
    named = request.GET.get("like", "")
    if not (named.isascii() and named.isdigit()):
        return None
    like = Whistle.objects.visible_to(request.user).filter(pk=named[:18]).first()
    return like if like and can_start_again(request.user, like) else None
