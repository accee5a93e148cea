"""保存期限: the rules, what is past its time, and the yes or no to clearing it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from command_room.forms.retention import DecideForm, RuleForm
from command_room.permissions import can_decide_retention, can_view_retention
from command_room.services import retention
from command_room.services.retention import KINDS
from records.models import RetentionList

SHOWN = 30


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    if not can_view_retention(request.user):
        raise PermissionDenied
    return page(request)


def page(request: HttpRequest, form: RuleForm | None = None) -> HttpResponse:
    """Each kind with its rule and the list that waits; below, what was decided. `form`: one that was refused."""
    user: Any = request.user
    lists = RetentionList.objects.select_related("rule__by", "decided_by").order_by("-id")
    waiting = {one.rule.kind: one for one in lists.filter(state__in=("listed", "confirmed"))}
    ended = lists.filter(state__in=("done", "declined"), rule__kind__in=KINDS)[:SHOWN]
    rules = retention.rules()
    rows = [
        {
            "kind": kind,
            "rule": rules.get(code),
            "waiting": waiting.get(code),
            "may_decide": can_decide_retention(user) and code in waiting and waiting[code].may_decide(user),
            "form": form if form and form.data.get("kind") == code else None,
        }
        for code, kind in KINDS.items()
    ]
    past = [(one, KINDS[one.rule.kind]) for one in ended]
    context = {"rows": rows, "past": past, "may_set": can_decide_retention(user), "form": form, "now": timezone.now()}
    return render(request, "command_room/retention.html", context, status=422 if form else 200)


@require_POST
def set_rule(request: HttpRequest) -> HttpResponse:
    if not can_decide_retention(request.user):
        raise PermissionDenied
    form = RuleForm(request.POST)
    if not form.is_valid():
        return page(request, form)
    said = form.cleaned_data
    retention.set_rule(said["kind"], days=said["days"], basis=said["basis"], by=request.user)
    messages.success(request, f"已改为保存 {said['days']} 天，下个月按它列清单；清理要由另一位管理员确认。")
    return redirect("command_room:retention")


@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    found = decided(request, pk)
    form = DecideForm(request.POST)
    if not form.is_valid() or not retention.confirm(found, by=request.user, seen_count=form.cleaned_data["seen_count"]):
        messages.warning(request, "没有清理：清单在这期间变了，请看清现在的条数再确认。")
    else:
        messages.success(request, "已确认，后台分批清理，结果记在这里。")
    return redirect("command_room:retention")


@require_POST
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    retention.decline(decided(request, pk), by=request.user)
    messages.success(request, "这次不清理，下个月再列。")
    return redirect("command_room:retention")


def decided(request: HttpRequest, pk: int) -> RetentionList:
    """The list that is to be decided, by somebody who may: another than who set how long."""
    if not can_decide_retention(request.user):
        raise PermissionDenied
    found = get_object_or_404(RetentionList.objects.select_related("rule"), pk=pk)
    if found.rule.by_id == request.user.pk:
        raise PermissionDenied("保存期限是您改的，清理要由另一位管理员确认。")
    return found
