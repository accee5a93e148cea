"""The dispatch list's filters, all of them in the URL."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict

from enforcement.filters.asked import Asked, Asker
from enforcement.filters.bar import ONLY_LATE, OPEN, ORDERS, from_day, in_order, in_state, only_late, to_day
from enforcement.filters.box import IN, NAMES, OUT, Box, box_of
from enforcement.filters.whistle import named
from enforcement.models import Dispatch, Whistle
from enforcement.services import search
from records.services.search import Wanted
from townships.models import Unit

PARTS = (("True", "主办"), ("False", "协办"))


def listed(asker: Any) -> QuerySet[Dispatch]:
    """One box by its own index; `visible_to` is the rule all the same."""
    found, box = Dispatch.objects.visible_to(asker.user).order_by("-id"), box_of(asker)
    if box.code == OUT:
        return found.filter(by_unit_id=box.unit_id)
    return found.filter(department_id=box.unit_id) if box.code == IN else found


def sides(asker: Any, box: Box) -> dict[str, bool]:
    """Whether one unit has sent all of them, and whether one has got all: then there is no column and no filter for it."""
    return {"is_out": box.code == OUT, "is_in": box.code == IN or answers_for_one(asker.user)}


def answers_for_one(user: Any) -> bool:
    """A sub-unit's or a department's officer, whose list holds one department's dispatches alone."""
    post = user.acting
    return post is not None and (post.unit.is_department or post.unit.kind == Unit.Kind.SUBUNIT)


def asked(user: Any, query: QueryDict) -> Asked:
    """What the list shows under this address."""
    asker = Asker(user, query)
    box = box_of(asker)
    return Asked(
        DispatchFilter(query, listed(asker), request=asker, **sides(asker, box)),
        NAMES.get(box.code, ""),
    )


class DispatchFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="编号、标题、情况", method="with_text")
    state = django_filters.ChoiceFilter(
        label="状态", choices=[OPEN, *Dispatch.State.choices], method=in_state, empty_label="全部状态"
    )
    kind = django_filters.ChoiceFilter(
        label="哨种", field_name="whistle__kind", choices=Whistle.Kind.choices, empty_label="全部哨种"
    )
    is_lead = django_filters.ChoiceFilter(label="主协办", choices=PARTS, empty_label="不限")
    department = django_filters.CharFilter(label="派给", method="of_department")
    by_unit = django_filters.ModelChoiceFilter(label="吹哨单位", queryset=Unit.objects.organs(), empty_label="全部单位")
    late = django_filters.ChoiceFilter(label="期限", choices=ONLY_LATE, method=only_late, empty_label="不限")
    since = django_filters.DateFilter(label="派出自", field_name="sent_at", method=from_day)
    until = django_filters.DateFilter(label="派出至", field_name="sent_at", method=to_day)
    order = django_filters.ChoiceFilter(label="排序", choices=ORDERS, method=in_order, empty_label="最新派出")

    class Meta:
        model = Dispatch
        fields: list[str] = []

    def __init__(self, *args: Any, is_out: bool, is_in: bool, **kwargs: Any) -> None:
        """`is_out`: all of them were sent by one unit; `is_in`: to one unit."""
        super().__init__(*args, **kwargs)
        if is_out:
            del self.filters["by_unit"]
        if is_in:
            del self.filters["department"]

    def with_text(self, queryset: QuerySet[Dispatch], _: str, text: str) -> QuerySet[Dispatch]:
        return search.dispatches(queryset, Wanted(text))

    def of_department(self, queryset: QuerySet[Dispatch], _: str, name: str) -> QuerySet[Dispatch]:
        return queryset.filter(department__in=named(name))
