"""What is printed, signed and filed: the order to a department, the slip of a red card. Sight as that of their pages."""

from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from enforcement.models import Dispatch, Escalation
from enforcement.services.labels import CLOCKS, voice
from enforcement.views.dispatch import desk_phone, visible_dispatch
from enforcement.views.escalation import slip_context, visible_escalation
from records.services import qr


@require_GET
def dispatch(request: HttpRequest, pk: int) -> HttpResponse:
    """派单."""
    return render(request, "enforcement/dispatch_sheet.html", order_of(visible_dispatch(request, pk)))


def order_of(one: Dispatch) -> dict[str, Any]:
    rest = one.whistle.dispatches.exclude(pk=one.pk).exclude(state__in=Dispatch.GONE).select_related("department")
    return {
        "dispatch": one,
        "whistle": one.whistle,
        "event": one.event,
        "others": list(rest.order_by("-is_lead", "id")),
        "limits": limits_of(one),
        "voice": voice(one.by_unit),
        "phone": desk_phone(one.by_unit),
        "department_phone": desk_phone(one.department),
        "qr": page_code(one),
        "now": timezone.now(),
    }


def page_code(one: Dispatch | Escalation) -> SafeString:
    """The address of its page: whoever scans it signs in and sees what they may."""
    return qr.drawn(f"{settings.PORTAL_URL}{one.get_absolute_url()}")


class Limit(NamedTuple):
    """One line of the order: by when, and when it was."""

    name: str
    due: datetime
    done: datetime | None
    is_provisional: bool

    @property
    def is_late(self) -> bool:
        return self.done is not None and self.done > self.due


def limits_of(one: Dispatch) -> list[Limit]:
    """Each step that has a limit, in the order of the day."""
    steps = (
        ("sign_due", one.signed_at),
        ("arrive_due", one.arrived_at),
        ("report_due", one.interim_at),
        ("finish_due", one.first_reported_at),
        ("rework_due", one.reported_at if one.rework_at and one.state != Dispatch.State.REWORK else None),
    )
    known = ((name, getattr(one, name), done) for name, done in steps)
    return [Limit(CLOCKS[name], due, done, name in one.provisional) for name, due, done in known if due]


@require_GET
def escalation(request: HttpRequest, pk: int) -> HttpResponse:
    """督办单."""
    row = visible_escalation(request, pk)
    context = {
        **slip_context(row),
        "qr": page_code(row),
        "phone": desk_phone(row.by_unit),
    }
    return render(request, "enforcement/escalation_sheet.html", context)
