from itertools import groupby
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from records.verbs import require
from townships import people
from townships.models import SquadMember, Unit
from townships.permissions import can_oversee_squads, can_plan_shifts, can_set_status, can_view_squad
from townships.services import squad


def township_of(request: HttpRequest) -> Unit:
    """The acting person's township, or the one that the guidance office or an auditor has chosen.

    Somebody else's township is not there (404); who has none may not ask (403).
    """
    user: Any = request.user
    code = request.GET.get("township", "")
    if can_oversee_squads(user):
        townships = Unit.objects.open_on(timezone.localdate()).townships()
        found = townships.filter(code=code).first() if code else townships.first()
    else:
        found = user.acting.unit if user.acting else None
        if found is None or not can_view_squad(user, found):
            raise PermissionDenied
    if found is None or (code and found.code != code):
        raise Http404
    return found


def own_unit_id(request: HttpRequest) -> int | None:
    """The unit acted in: rows of another are not there for writing."""
    user: Any = request.user
    return user.acting.unit_id if user.acting else None


def choice_of_townships(request: HttpRequest) -> dict[str, Any]:
    """For who sees them all: the links to the others."""
    if not can_oversee_squads(request.user):
        return {}
    return {"townships": Unit.objects.open_on(timezone.localdate()).townships()}


@require_GET
def squad_page(request: HttpRequest) -> HttpResponse:
    township = township_of(request)
    places = people.roster(township, timezone.localdate())
    context = {
        **choice_of_townships(request),
        "township": township,
        "groups": [(slot, list(group)) for slot, group in groupby(places, lambda p: p.member.get_slot_display())],
        "completeness": people.completeness(places),
        "expiring": sum(place.is_expiring and place.needs_certificate for place in places),
        "statuses": [(status.value, status.label) for status in SquadMember.ONE_TAP],
        "can_change": can_plan_shifts(request.user, township),
    }
    return render(request, "townships/squad.html", context)


@require_GET
def who_can_come(request: HttpRequest) -> HttpResponse:
    """A page, and by htmx the panel of the board."""
    township = township_of(request)
    now = timezone.now()
    context = {
        **choice_of_townships(request),
        "township": township,
        "on_duty": people.on_duty_now(township, now),
        "now": now,
    }
    is_fragment = "HX-Request" in request.headers
    template = "townships/_who_can_come.html" if is_fragment else "townships/who_can_come.html"
    return render(request, template, context)


@require_POST
def member_status(request: HttpRequest, pk: int) -> HttpResponse:
    member = get_object_or_404(SquadMember, pk=pk, township_id=own_unit_id(request))
    require(request, can_set_status, member)
    note = request.POST.get("note", "").replace("\0", "").strip()[:40]
    squad.set_status(member, status=request.POST.get("status", ""), note=note, by=request.user)
    return redirect(f"{member.get_absolute_url()}#member-{member.pk}")
