"""第三张红牌: the units that have turned red three times this quarter, for the government to name.

《浙江省综合行政执法条例》 art 36: the naming is the government's; the portal prepares the list and no more.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from enforcement.models import Dispatch, Escalation
from townships.models import Unit

THIRD = 3
SHOWN = 20  # slips of a unit; all of them are in the list
FIELDS = ("id", "unit_id", "number", "clock", "at", "due", "by_unit__short_name")


@dataclass(frozen=True)
class Named:
    """A unit and its latest reds of the quarter; `count` is all of them."""

    unit: Unit
    count: int
    rows: Sequence[Mapping[str, Any]]


def third_reds(now: datetime) -> list[Named]:
    """The most first. What was returned with success or withdrawn is not held against anybody. Three queries."""
    reds = Escalation.objects.filter(level=Escalation.Level.RED, at__gte=quarter_begin(now))
    reds = reds.exclude(dispatch__state__in=Dispatch.GONE)
    counted = reds.values("unit_id").annotate(n=Count("pk")).filter(n__gte=THIRD).order_by("-n", "unit_id")
    counts = {row["unit_id"]: row["n"] for row in counted}
    units = Unit.objects.in_bulk(counts)
    place = Window(RowNumber(), partition_by=F("unit_id"), order_by=F("id").desc())
    latest = reds.filter(unit_id__in=counts).annotate(place=place).filter(place__lte=SHOWN)
    rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in latest.order_by("-id").values(*FIELDS):
        rows[row["unit_id"]].append(row)
    return [Named(units[pk], n, rows[pk]) for pk, n in counts.items()]


def quarter_begin(now: datetime) -> datetime:
    """The first moment of the quarter that `now` is in."""
    local = timezone.localtime(now)
    first = 3 * ((local.month - 1) // 3) + 1
    return local.replace(month=first, day=1, hour=0, minute=0, second=0, microsecond=0)
