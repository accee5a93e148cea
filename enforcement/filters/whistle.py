"""The whistle list's filters, all of them in the URL."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict

from enforcement.filters.asked import Asked, Asker
from enforcement.filters.bar import ONLY_LATE, OPEN, ORDERS, from_day, in_order, in_state, only_late, to_day
from enforcement.filters.box import IN, NAMES, OUT, box_of
from enforcement.models import Dispatch, Whistle
from enforcement.services import search
from records.services.search import Wanted
from townships.models import Unit

NOT_RETURNED = [state for state in Dispatch.State.values if state != Dispatch.State.RETURNED]


def listed(asker: Any) -> QuerySet[Whistle]:
    """One box, newest first, each by its own index: the unit's own whistles, or those that it has a dispatch of."""
    found, box = Whistle.objects.visible_to(asker.user), box_of(asker)
    if box.code == OUT:
        return found.filter(by_unit_id=box.unit_id).order_by("-id")
    if box.code == IN:
        held = {"dispatches__department_id": box.unit_id, "dispatches__state__in": NOT_RETURNED}
        return found.filter(**held).order_by("-dispatches__id")
    return found.order_by("-id")


def asked(user: Any, query: QueryDict) -> Asked:
    """What the list shows under this address."""
    asker = Asker(user, query)
    box = box_of(asker)
    return Asked(WhistleFilter(query, listed(asker), request=asker, is_out=box.code == OUT), NAMES.get(box.code, ""))


class WhistleFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="编号、标题、情况", method="with_text")
    state = django_filters.ChoiceFilter(
        label="状态", choices=[OPEN, *Whistle.State.choices], method=in_state, empty_label="全部状态"
    )
    kind = django_filters.ChoiceFilter(label="哨种", choices=Whistle.Kind.choices, empty_label="全部哨种")
    department = django_filters.CharFilter(label="派给", method="with_department")
    by_unit = django_filters.ModelChoiceFilter(label="吹哨单位", queryset=Unit.objects.organs(), empty_label="全部单位")
    late = django_filters.ChoiceFilter(label="期限", choices=ONLY_LATE, method=only_late, empty_label="不限")
    since = django_filters.DateFilter(label="提交自", field_name="submitted_at", method=from_day)
    until = django_filters.DateFilter(label="提交至", field_name="submitted_at", method=to_day)
    order = django_filters.ChoiceFilter(label="排序", choices=ORDERS, method=in_order, empty_label="最新提交")

    class Meta:
        model = Whistle
        fields: list[str] = []

    def __init__(self, *args: Any, is_out: bool, **kwargs: Any) -> None:
        """`is_out`: all of them are the unit's own."""
        super().__init__(*args, **kwargs)
        if is_out:
            del self.filters["by_unit"]

    def with_text(self, queryset: QuerySet[Whistle], _: str, text: str) -> QuerySet[Whistle]:
        return search.whistles(queryset, Wanted(text))

    def with_department(self, queryset: QuerySet[Whistle], _: str, name: str) -> QuerySet[Whistle]:
        parts = Dispatch.objects.filter(whistle_id=OuterRef("pk"), department__in=named(name))
        return queryset.filter(Exists(parts))


def named(name: str) -> list[int]:
    """The ids of the units that are called so, or whose name holds it: a short list for an index to work with."""
    units = Unit.objects.organs()
    exact = list(units.filter(short_name=name).values_list("pk", flat=True))
    return exact or list(
        units.filter(Q(short_name__icontains=name) | Q(name__icontains=name)).values_list("pk", flat=True)
    )
