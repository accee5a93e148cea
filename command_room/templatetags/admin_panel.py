"""The administrators' front page: what needs care, and when each periodic job ran last."""

from typing import Any

from django import template
from django.utils import timezone

from command_room.services import care, care_running
from records.services import job_run

register = template.Library()


@register.inclusion_tag("command_room/_admin_panel.html", takes_context=True)
def admin_panel(context: Any) -> dict[str, Any]:
    now = timezone.now()
    jobs = job_run.jobs(now)
    cards = care.cards(now, jobs)
    return {
        "cards": [card for card in cards if card.number],
        "well": [card for card in cards if not card.number],
        "jobs": [(care_running.label_of(one), one) for one in jobs],
        "now": now,
        "request": context["request"],
        "perms": context["perms"],
    }
