"""The event list's filters, all of them in the URL."""

from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone

from enforcement.models import Event
from townships.models import Role, Unit

DATE = forms.DateInput(attrs={"type": "date", "class": "form-control"})
TEXT = forms.TextInput(attrs={"class": "form-control"})
SELECT = forms.Select(attrs={"class": "form-select"})
ORDERS = (("due", "最急（只看在办）"),)


class EventFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="编号、地点、标题", method="with_text", widget=TEXT)
    state = django_filters.ChoiceFilter(
        label="状态",
        choices=[("open", "在办"), *Event.State.choices],
        method="in_state",
        empty_label="全部状态",
        widget=SELECT,
    )
    category = django_filters.CharFilter(label="类别", method="of_category", widget=TEXT)
    township = django_filters.ModelChoiceFilter(
        label="镇街", queryset=Unit.objects.townships(), empty_label="全部镇街", widget=SELECT
    )
    grid = django_filters.ModelChoiceFilter(
        label="网格", queryset=Unit.objects.none(), empty_label="全部网格", widget=SELECT
    )
    source = django_filters.ChoiceFilter(
        label="来源", choices=Event.Source.choices, empty_label="全部来源", widget=SELECT
    )
    urgent = django_filters.ChoiceFilter(
        label="紧急",
        field_name="is_urgent",
        choices=[("True", "只看紧急"), ("False", "不紧急")],
        empty_label="不限",
        widget=SELECT,
    )
    since = django_filters.DateFilter(label="上报自", method="reported_since", widget=DATE)
    until = django_filters.DateFilter(label="上报至", method="reported_until", widget=DATE)
    order = django_filters.ChoiceFilter(
        label="排序", choices=ORDERS, method="in_order", empty_label="最新上报", widget=SELECT
    )

    class Meta:
        model = Event
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        post = self.request.user.acting
        if post is not None and post.unit.is_township:
            del self.filters["township"]
            self.filters["grid"].queryset = Unit.objects.filter(parent=post.unit_id, kind=Unit.Kind.GRID)
        else:
            del self.filters["grid"]
            if post is None or post.role == Role.GRID:
                del self.filters["township"]

    def with_text(self, queryset: QuerySet[Event], _: str, text: str) -> QuerySet[Event]:
        has_text = Q(number__icontains=text) | Q(title__icontains=text) | Q(place__icontains=text)
        return queryset.filter(has_text | Q(outside_number=text))

    def in_state(self, queryset: QuerySet[Event], _: str, state: str) -> QuerySet[Event]:
        return queryset.filter(state__in=Event.OPEN if state == "open" else [state])

    def of_category(self, queryset: QuerySet[Event], _: str, text: str) -> QuerySet[Event]:
        """A code or its beginning, or a part of the name of the class or its group."""
        code, *_rest = text.split()
        if code.isascii() and code.isdigit():
            return queryset.filter(category__code__startswith=code)
        return queryset.filter(Q(category__name__icontains=text) | Q(category__parent__name__icontains=text))

    def reported_since(self, queryset: QuerySet[Event], _: str, day: date) -> QuerySet[Event]:
        return queryset.filter(reported_at__gte=_midnight(day))

    def reported_until(self, queryset: QuerySet[Event], _: str, day: date) -> QuerySet[Event]:
        """The whole of that day."""
        return queryset.filter(reported_at__lt=_midnight(day + timedelta(days=1)))

    def in_order(self, queryset: QuerySet[Event], _: str, __: str) -> QuerySet[Event]:
        """By due time; what waits for nobody at the township has none."""
        return queryset.filter(state__in=Event.OPEN, next_due__isnull=False).order_by("next_due", "id")


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
