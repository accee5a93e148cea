from calendar import monthrange
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
from townships.models import Holiday, Shift, Unit
from townships.permissions import can_plan_shifts
from townships.services import shift as service
from townships.views.squad import choice_of_townships, own_unit_id, township_of

WEEK = timedelta(days=7)
SATURDAY = 5
LINE = 16  # characters of names in a band that fit on one line of the sheet; more are printed smaller
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


@require_GET
def sheet(request: HttpRequest) -> HttpResponse:
    """值班表: a month of the township's, to be printed and hung up."""
    township = township_of(request)
    first = parsed_day(f"{request.GET.get('month', '')}-01") or timezone.localdate().replace(day=1)
    return render(request, "townships/shifts_sheet.html", {**month_context(township, first), "now": timezone.now()})


def month_context(township: Unit, first: date) -> dict[str, Any]:
    """A row a day, as `rota_context`; bands that nobody has in this month are left out."""
    days = [first + timedelta(days=n) for n in range(monthrange(first.year, first.month)[1])]
    shifts = list(Shift.objects.filter(township=township, day__range=(days[0], days[-1])).select_related("user"))
    used = {shift.band for shift in shifts}
    said: dict[tuple[date, str], str] = defaultdict(str)
    for shift in shifts:
        said[shift.day, shift.band] += f"{shift.user}、"
    bands = [(band, label) for band, label in Shift.Band.choices if band in used] or Shift.Band.choices
    rows = [(day, [cell for cell in cells if cell[0] in dict(bands)]) for day, cells in _rows(days, shifts)]
    marks = marks_of(days)
    return {
        "township": township,
        "first": first,
        "bands": [(band, label, "–".join(f"{at:%H:%M}" for at in Shift.HOURS[band])) for band, label in bands],
        "rows": [(day, cells, *marks[day]) for day, cells in rows],
        "previous": first - timedelta(days=1),
        "next": days[-1] + timedelta(days=1),
        "is_dense": max((len(names) for names in said.values()), default=0) > LINE,
        "is_empty": not shifts,
    }


def marks_of(days: Sequence[date]) -> dict[date, tuple[str, bool]]:
    """What stands beside each day, and whether it is one of rest: 国庆节 放假, 调休上班."""
    special = {one.date: one for one in Holiday.objects.filter(date__range=(days[0], days[-1]))}
    marks = {}
    for day in days:
        one = special.get(day)
        is_rest = one.kind == Holiday.Kind.HOLIDAY if one else day.weekday() >= SATURDAY
        marks[day] = ((one.name or one.get_kind_display()) if one else "", is_rest)
    return marks


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
