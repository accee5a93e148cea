"""离岗: one page for one person, by an administrator, who reads no file on it."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from enforcement.forms.leaving import LeavingForm
from enforcement.services import leaving
from records.models import Entry
from townships.models import User
from townships.permissions import can_let_go


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    if not can_let_go(request.user, user):
        raise PermissionDenied
    today = timezone.localdate()
    lots = leaving.lots_of(user, day=today)
    form = LeavingForm(request.POST if request.method == "POST" else None, lots=lots)
    if form.is_valid():
        apply(request, user, form)
        return redirect("enforcement:leaving", pk)
    context = shown(user, form, today)
    return render(request, "enforcement/leaving.html", context, status=422 if form.is_bound else 200)


def apply(request: HttpRequest, user: User, form: LeavingForm) -> None:
    day, seen = form.cleaned_data["day"], form.cleaned_data["seen"]
    try:
        moved = leaving.leave(user, by=request.user, day=day, seen=seen, heirs=form.heirs())
    except leaving.Changed as changed:
        messages.warning(request, str(changed))
    else:
        messages.success(request, f"已办好离岗：移交 {moved} 件，{day} 起停用账号")


def shown(user: User, form: LeavingForm, today: date) -> dict[str, Any]:
    return {
        "person": user,
        "form": form,
        "count": sum(len(lot.items) for lot in form.lots),
        "stays": leaving.stays_of(user, day=today),
        "is_gone": user.is_disabled_on(today),
        "entries": Entry.objects.about(user).filter(verb="person_left").reverse(),
        "now": timezone.now(),
    }
