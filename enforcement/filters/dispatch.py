"""The dispatch list's filters, all of them in the URL."""

from datetime import date, timedelta
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone

from enforcement.filters.whistle import ONLY_LATE, midnight, named
from enforcement.models import Dispatch, Whistle
from townships.models import Unit

ORDERS = (("due", "最急（只看在办）"),)
PARTS = (("True", "主办"), ("False", "协办"))


class DispatchFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="编号、标题", method="with_text")
    state = django_filters.ChoiceFilter(
        label="状态",
        choices=[("open", "在办"), *Dispatch.State.choices],
        method="in_state",
        empty_label="全部状态",
    )
    kind = django_filters.ChoiceFilter(
        label="哨种", field_name="whistle__kind", choices=Whistle.Kind.choices, empty_label="全部哨种"
    )
    is_lead = django_filters.ChoiceFilter(label="主协办", choices=PARTS, empty_label="不限")
    department = django_filters.CharFilter(label="部门", method="of_department")
    township = django_filters.ModelChoiceFilter(label="镇街", queryset=Unit.objects.townships(), empty_label="全部镇街")
    late = django_filters.ChoiceFilter(label="期限", choices=ONLY_LATE, method="only_late", empty_label="不限")
    since = django_filters.DateFilter(label="派出自", method="from_day")
    until = django_filters.DateFilter(label="派出至", method="to_day")
    order = django_filters.ChoiceFilter(label="排序", choices=ORDERS, method="in_order", empty_label="最新派出")

    class Meta:
        model = Dispatch
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        post = self.request.user.acting
        if post is None or post.unit.is_township:
            del self.filters["township"]
        if in_department(post):
            del self.filters["department"]

    def with_text(self, queryset: QuerySet[Dispatch], _: str, text: str) -> QuerySet[Dispatch]:
        return queryset.filter(Q(number__icontains=text) | Q(whistle__title__icontains=text))

    def in_state(self, queryset: QuerySet[Dispatch], _: str, state: str) -> QuerySet[Dispatch]:
        return queryset.filter(state__in=Dispatch.OPEN if state == "open" else [state])

    def of_department(self, queryset: QuerySet[Dispatch], _: str, name: str) -> QuerySet[Dispatch]:
        return queryset.filter(department__in=named(name))

    def only_late(self, queryset: QuerySet[Dispatch], _: str, __: str) -> QuerySet[Dispatch]:
        return queryset.filter(state__in=Dispatch.OPEN, next_due__lt=timezone.now())

    def from_day(self, queryset: QuerySet[Dispatch], _: str, day: date) -> QuerySet[Dispatch]:
        return queryset.filter(sent_at__gte=midnight(day))

    def to_day(self, queryset: QuerySet[Dispatch], _: str, day: date) -> QuerySet[Dispatch]:
        """The whole of that day."""
        return queryset.filter(sent_at__lt=midnight(day + timedelta(days=1)))

    def in_order(self, queryset: QuerySet[Dispatch], _: str, order: str) -> QuerySet[Dispatch]:
        if order == "due":
            return queryset.filter(state__in=Dispatch.OPEN, next_due__isnull=False).order_by("next_due", "id")
        return queryset


def in_department(post: Any) -> bool:
    """Whose list holds one department's dispatches alone."""
    return post is not None and (post.unit.is_department or post.unit.kind == Unit.Kind.SUBUNIT)
