"""What an administrator must see on the admin's front page: years without a holiday list, messages that did not go."""

from datetime import timedelta
from typing import Any

from django import template
from django.db.models import Func, IntegerField, Sum
from django.utils import timezone

from command_room.services import feedback
from enforcement.models import Dispatch, Event, Whistle
from notifications.models import Delivery
from notifications.models.message import OVERDUE
from townships.models import CalendarYear

register = template.Library()


class Cardinality(Func):
    function = "CARDINALITY"
    output_field = IntegerField()


@register.inclusion_tag("command_room/_admin_panel.html", takes_context=True)
def admin_panel(context: Any) -> dict[str, Any]:
    now = timezone.now()
    this_year = timezone.localdate(now).year
    loaded = set(CalendarYear.objects.values_list("year", flat=True))
    return {
        "perms": context["perms"],
        "missing_years": [year for year in (this_year, this_year + 1) if year not in loaded],
        "provisional": sum(_provisional(model) for model in (Event, Whistle, Dispatch)),
        "failed": Delivery.objects.filter(state=Delivery.State.FAILED).count(),
        "stuck": Delivery.objects.stuck(now).count(),
        "unanswered": feedback.unanswered(),
        "stuck_minutes": OVERDUE // timedelta(minutes=1),
    }


def _provisional(model: Any) -> int:
    """How many due times of open rows were computed on plain weekdays."""
    rows = model.objects.filter(state__in=model.OPEN).exclude(provisional=[])
    return rows.aggregate(n=Sum(Cardinality("provisional")))["n"] or 0
