"""The filters of 通讯录, all of them in the URL."""

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet

from townships.models import Post, Role, Unit, User, mobile_sight, squad_of
from townships.services import search

KINDS = (
    ("township", "镇街"), ("department", "市级部门"), ("guidance", "执法指导办"), ("subunit", "部门派出机构"),
    ("grid", "网格"), ("city", "市级管理单位"),
)  # fmt: skip
WIDE = {"township": Unit.TOWNSHIP_KINDS, "department": Unit.DEPARTMENT_KINDS}
NEAR = (("ours", "本单位和队伍"),)
ORDERS = (("pinyin", "按拼音"),)


class PersonFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="姓名、拼音、账号、手机", method="with_text")
    near = django_filters.ChoiceFilter(label="哪里的", choices=NEAR, method="near_by", empty_label="不限")
    role = django_filters.ChoiceFilter(label="岗位", choices=Role.choices, method="with_role", empty_label="全部岗位")
    unit = django_filters.CharFilter(label="单位", method="of_unit")

    class Meta:
        model = User
        fields: list[str] = []

    def with_text(self, queryset: QuerySet[User], _: str, text: str) -> QuerySet[User]:
        return search.people(queryset, text, mobile_sight(self.request.user))

    def near_by(self, queryset: QuerySet[User], _: str, __: str) -> QuerySet[User]:
        post = self.request.user.acting
        if post is None:
            return queryset.none()
        own = Q(unit_id=post.organ_id) | Q(unit__parent_id=post.organ_id) | Q(user__in=squad_of(post))
        return queryset.filter(self._holding(own))

    def with_role(self, queryset: QuerySet[User], _: str, role: str) -> QuerySet[User]:
        return queryset.filter(self._holding(Q(role=role)))

    def of_unit(self, queryset: QuerySet[User], _: str, name: str) -> QuerySet[User]:
        units = search.units(Unit.objects.visible_to(self.request.user), name).values("pk")
        return queryset.filter(self._holding(Q(unit__in=units)))

    def _holding(self, wanted: Q) -> Exists:
        return Exists(Post.objects.visible_to(self.request.user).filter(wanted, user=OuterRef("pk")))


class UnitFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label="名称、拼音、代码", method="with_text")
    kind = django_filters.ChoiceFilter(label="类别", choices=KINDS, method="of_kind", empty_label="全部类别")
    order = django_filters.ChoiceFilter(label="排序", choices=ORDERS, method="in_order", empty_label="按机构序列")

    class Meta:
        model = Unit
        fields: list[str] = []

    def with_text(self, queryset: QuerySet[Unit], _: str, text: str) -> QuerySet[Unit]:
        return search.units(queryset, text)

    def of_kind(self, queryset: QuerySet[Unit], _: str, kind: str) -> QuerySet[Unit]:
        return queryset.filter(kind__in=WIDE.get(kind, (kind,)))

    def in_order(self, queryset: QuerySet[Unit], _: str, __: str) -> QuerySet[Unit]:
        return queryset.order_by("pinyin", "id")
