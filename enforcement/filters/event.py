"""The event list's filters, all of them in the URL."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import QueryDict

from enforcement.filters.asked import Asked, Asker
from enforcement.filters.bar import OPEN, ORDERS, from_day, in_order, in_state, to_day
from enforcement.models import Event
from enforcement.services import search
from records.services.search import Wanted
from townships.models import Role, Unit

ORDERS_OF_EVENTS = (*ORDERS, ("place", "按地点（只看在办）"))
URGENT = (("True", "只看紧急"), ("False", "不紧急"))


def listed(user: Any) -> QuerySet[Event]:
    """A township its own: what a neighbour offers it waits in its work list, and is not its event yet."""
    found, post = Event.objects.visible_to(user).order_by("-id"), user.acting
    return found.filter(township_id=post.unit_id) if post and post.unit.is_township else found


def asked(user: Any, query: QueryDict) -> Asked:
    """What the list shows under this address."""
    return Asked(EventFilter(query or None, listed(user), request=Asker(user, query)))


class EventFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="编号、地点、标题、情况", method="with_text")
    state = django_filters.ChoiceFilter(
        label="状态", choices=[OPEN, *Event.State.choices], method=in_state, empty_label="全部状态"
    )
    category = django_filters.CharFilter(label="类别", method="of_category")
    township = django_filters.ModelChoiceFilter(label="镇街", queryset=Unit.objects.townships(), empty_label="全部镇街")
    grid = django_filters.ModelChoiceFilter(label="网格", queryset=Unit.objects.none(), empty_label="全部网格")
    source = django_filters.ChoiceFilter(label="来源", choices=Event.Source.choices, empty_label="全部来源")
    urgent = django_filters.ChoiceFilter(label="紧急", field_name="is_urgent", choices=URGENT, empty_label="不限")
    since = django_filters.DateFilter(label="上报自", field_name="reported_at", method=from_day)
    until = django_filters.DateFilter(label="上报至", field_name="reported_at", method=to_day)
    order = django_filters.ChoiceFilter(label="排序", choices=ORDERS_OF_EVENTS, method=in_order, empty_label="最新上报")

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
        return search.events(queryset, Wanted(text))

    def of_category(self, queryset: QuerySet[Event], _: str, text: str) -> QuerySet[Event]:
        """A code or its beginning, or a part of the name of the class or its group."""
        code, *_rest = text.split()
        if code.isascii() and code.isdigit():
            return queryset.filter(category__code__startswith=code)
        return queryset.filter(Q(category__name__icontains=text) | Q(category__parent__name__icontains=text))
