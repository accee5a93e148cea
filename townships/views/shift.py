from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_POST

from records.verbs import require
from townships.forms.shift import ShiftForm
from townships.models import Shift, Unit
from townships.permissions import can_plan_shifts
from townships.services import shift as service
from townships.views.squad import choice_of_townships, own_unit_id, township_of

WEEK = timedelta(days=7)
FIRST, LAST = date(2000, 1, 1), date(2100, 1, 1)


def rota_context(township: Unit, day: date) -> dict[str, Any]:
    """The week that `day` is in: a row a day, in it a cell a band."""
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=n) for n in range(7)]
    shifts = Shift.objects.filter(township=township, day__range=(days[0], days[-1])).select_related("user")
    return {
        "township": township,
        "bands": Shift.Band.choices,
        "rows": _rows(days, shifts),
        "days": days,
        "today": timezone.localdate(),
        "previous": days[0] - WEEK,
        "next": days[0] + WEEK,
    }


def _rows(days: Sequence[date], shifts: Any) -> list[tuple[date, list[tuple[str, str, list[Shift]]]]]:
    cells: dict[tuple[date, str], list[Shift]] = defaultdict(list)
    for shift in shifts:
        cells[shift.day, shift.band].append(shift)
    return [(day, [(band, label, cells[day, band]) for band, label in Shift.Band.choices]) for day in days]


@require_GET
def rota(request: HttpRequest) -> HttpResponse:
    township = township_of(request)
    day = parsed_day(request.GET.get("week")) or timezone.localdate()
    context = {**choice_of_townships(request), **rota_context(township, day)}
    if can_plan_shifts(request.user, township):
        context["form"] = ShiftForm(
            township=township,
            initial={"day": parsed_day(request.GET.get("day")) or day, "band": request.GET.get("band")},
        )
    return render(request, "townships/shifts.html", context)


@require_POST
def shift_add(request: HttpRequest) -> HttpResponse:
    township = township_of(request)
    require(request, can_plan_shifts, township)
    form = ShiftForm(request.POST, township=township)
    if not form.is_valid():
        context = rota_context(township, parsed_day(request.POST.get("day")) or timezone.localdate())
        return render(request, "townships/shifts.html", {**context, "form": form}, status=422)
    shift = service.add(township, by=request.user, **form.cleaned_data)
    messages.success(request, f"已排{said(shift)}")
    return redirect(shift)


@require_POST
def shift_remove(request: HttpRequest, pk: int) -> HttpResponse:
    shift = get_object_or_404(Shift.objects.select_related("township", "user"), pk=pk, township_id=own_unit_id(request))
    require(request, can_plan_shifts, shift.township)
    back = shift.get_absolute_url()
    service.remove(shift, by=request.user)
    messages.success(request, f"已取消{said(shift)}；取消错了，再排一次就行")
    return redirect(back)


def said(shift: Shift) -> str:
    """Whose shift, and when: 11 月 24 日早班，甘霖镇值班员一."""
    return f" {shift.day.month} 月 {shift.day.day} 日{shift.get_band_display()}，{shift.user}"


def parsed_day(text: str | None) -> date | None:
    """A day from the address; nonsense, and a day so far away that its week has an end nobody can name, is no day."""
    try:
        day = parse_date(text or "")
    except ValueError:
        return None
    return day if day and FIRST <= day <= LAST else None
