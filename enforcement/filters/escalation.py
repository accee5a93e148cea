"""The filters of 督办, all of them in the URL."""

from datetime import date, datetime
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from enforcement.filters.asked import Asked, Asker
from enforcement.filters.bar import midnight
from enforcement.models import Escalation
from townships.models import OVERSIGHT, Unit

LEVELS = ((3, "红牌"), (2, "黄牌"), (1, "提醒"))
OPEN = (("open", "还没有办的"),)
WHOSE = (("own", "我们超期的"), ("ours", "我们在等的"))
QUARTERS = 8
MONTHS = 3


def listed(asker: Any) -> QuerySet[Escalation]:
    """Yellow and red ones, the newest first; with a level asked for, of that level."""
    rows = Escalation.objects.visible_to(asker.user).order_by("-id")
    return rows if asker.GET.get("level") else rows.filter(level__gte=Escalation.Level.YELLOW)


def asked(user: Any, query: QueryDict) -> Asked:
    """What the list shows under this address."""
    asker = Asker(user, query)
    return Asked(EscalationFilter(query, listed(asker), request=asker))


class EscalationFilter(django_filters.FilterSet):
    level = django_filters.ChoiceFilter(label="级别", choices=LEVELS, empty_label="黄牌和红牌")
    open = django_filters.ChoiceFilter(label="办了没有", choices=OPEN, method="still_running", empty_label="不限")
    whose = django_filters.ChoiceFilter(label="谁超期", choices=WHOSE, method="of_side", empty_label="不限")
    unit = django_filters.CharFilter(label="责任单位", method="of_unit")
    quarter = django_filters.ChoiceFilter(label="季度", choices=(), method="in_quarter", empty_label="全部季度")

    class Meta:
        model = Escalation
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        post = self.request.user.acting
        self.filters["quarter"].extra["choices"] = quarters(timezone.localdate())
        if post is None or post.role in OVERSIGHT:
            del self.filters["whose"]

    def still_running(self, rows: QuerySet[Escalation], _: str, __: str) -> QuerySet[Escalation]:
        return rows.running()  # type: ignore[attr-defined, no-any-return]

    def of_side(self, rows: QuerySet[Escalation], _: str, side: str) -> QuerySet[Escalation]:
        unit_id = self.request.user.acting.unit_id
        return rows.filter(unit=unit_id) if side == "own" else rows.filter(by_unit=unit_id).exclude(unit=unit_id)

    def of_unit(self, rows: QuerySet[Escalation], _: str, name: str) -> QuerySet[Escalation]:
        found = Unit.objects.filter(Q(short_name__icontains=name) | Q(name__icontains=name))
        return rows.filter(unit__in=found.exclude(kind__in=(Unit.Kind.GRID, Unit.Kind.SUBUNIT)))

    def in_quarter(self, rows: QuerySet[Escalation], _: str, quarter: str) -> QuerySet[Escalation]:
        year, number = map(int, quarter.split("-"))
        this = 4 * year + number - 1
        return rows.filter(at__gte=begin_of(this), at__lt=begin_of(this + 1))


def quarters(today: date) -> list[tuple[str, str]]:
    """This quarter and those before it: (2026-4, 2026 年第 4 季度)."""
    last = 4 * today.year + (today.month - 1) // MONTHS
    found = [divmod(last - back, 4) for back in range(QUARTERS)]
    return [(f"{year}-{number + 1}", f"{year} 年第 {number + 1} 季度") for year, number in found]


def begin_of(quarter: int) -> datetime:
    """Its first moment; quarters are counted on, four a year."""
    year, number = divmod(quarter, 4)
    return midnight(date(year, MONTHS * number + 1, 1))
