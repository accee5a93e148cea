"""What an event's page says besides the event: checks on the spot, hand-overs, reports of the same matter."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.forms import Form

from enforcement.forms.check import CheckForm
from enforcement.forms.handover import HandoverForm
from enforcement.forms.merge import MergeForm
from enforcement.models import Check, Event, Handover, Report
from enforcement.permissions import (
    can_answer_check,
    can_answer_handover,
    can_merge,
    can_offer_handover,
    can_take_back,
)
from enforcement.services import merge as merges
from enforcement.services.check import Look

MERGED_SHOWN = 20
MERGED_FIELDS = ("number", "title", "reported_at", "merged_into")


def parts_context(user: Any, event: Event, looks: Sequence[Look], handovers: Sequence[Handover]) -> dict[str, Any]:
    """`looks` and `handovers` are the event's, the newest first. At most four queries."""
    visible = Event.objects.visible_to(user)
    to_check = next((look.check for look in looks if can_answer_check(user, look.check)), None)
    offered = next((one for one in handovers if one.is_open), None)
    return {
        "looks": [look for look in looks if look.check is not to_check],
        "to_check": to_check,
        "said": final_report(to_check) if to_check else None,
        "handover": offered,
        "can_take_back": offered is not None and can_take_back(user, offered),
        "can_answer_handover": offered is not None and can_answer_handover(user, offered),
        "likely": merges.likely(event) if can_merge(user, event) else [],
        "merged": merged_into(event, visible) if event.has_ties else [],
        "outcome": event.merged_into or event,
        "can_see_main": event.merged_into_id is not None and visible.filter(pk=event.merged_into_id).exists(),
        "forms": parts_forms(user, event, to_check, offered),
    }


def merged_into(event: Event, visible: QuerySet[Event]) -> list[Event]:
    """The first reports of the same matter, of those this person may see."""
    return list(visible.filter(merged_into=event).only(*MERGED_FIELDS).order_by("id")[:MERGED_SHOWN])


def final_report(check: Check) -> Report | None:
    """What the lead says that it has done, for who goes and looks."""
    reports = Report.objects.filter(kind=Report.Kind.FINAL, dispatch__whistle=check.whistle_id, dispatch__is_lead=True)
    return reports.select_related("dispatch__department").order_by("-id").first()


def parts_forms(user: Any, event: Event, to_check: Any, offered: Handover | None) -> dict[str, Form]:
    """The forms of what this person may do now."""
    forms: dict[str, Form] = {}
    if to_check is not None:
        forms["check"] = CheckForm(initial={"seen_state": to_check.state}, auto_id="check_%s")
    if can_merge(user, event):
        forms["merge"] = MergeForm(event=event)
    if offered is None and can_offer_handover(user, event):
        forms["handover"] = HandoverForm(event=event)
    return forms
