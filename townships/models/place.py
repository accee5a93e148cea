from datetime import date
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from records.models.pieces import PinyinField


class UnitQuerySet(models.QuerySet["Unit"]):
    def open_on(self, day: date) -> Self:
        return self.filter(valid_from__lte=day).filter(Q(valid_to=None) | Q(valid_to__gte=day))

    def visible_to(self, user: Any) -> Self:
        """Every organ; of grids and sub-units the own, and for who sees the whole city all."""
        post = user.acting
        units = self.open_on(timezone.localdate())
        if post is None:
            return self.none()
        if post.role in ("guidance", "auditor", "admin"):
            return units
        parts = (Unit.Kind.GRID, Unit.Kind.SUBUNIT)
        return units.filter(
            ~Q(kind__in=parts) | Q(parent_id=post.organ_id) | Q(kind=parts[1], township_id=post.organ_id)
        )

    def townships(self) -> Self:
        return self.filter(kind__in=Unit.TOWNSHIP_KINDS)

    def departments(self) -> Self:
        return self.filter(kind__in=Unit.DEPARTMENT_KINDS)

    def organs(self) -> Self:
        """Whoever may whistle and be whistled for."""
        return self.filter(kind__in=(*Unit.TOWNSHIP_KINDS, *Unit.DEPARTMENT_KINDS))


class Unit(models.Model):
    """An organ, a grid or a sub-unit. Closed with a date and a successor, never deleted."""

    class Kind(models.TextChoices):
        CITY_DEPT = "city_dept", "市级部门"
        VERTICAL_BRANCH = "vertical_branch", "垂直管理单位"
        PARTY_ORGAN = "party_organ", "党委工作机构"
        GUIDANCE = "guidance", "执法指导办"
        TOWNSHIP = "township", "乡"
        TOWN = "town", "镇"
        STREET = "street", "街道"
        GRID = "grid", "网格"
        SUBUNIT = "subunit", "部门派出机构"
        CITY = "city", "市级管理单位"

    TOWNSHIP_KINDS = (Kind.TOWNSHIP, Kind.TOWN, Kind.STREET)
    DEPARTMENT_KINDS = (Kind.CITY_DEPT, Kind.VERTICAL_BRANCH, Kind.PARTY_ORGAN)

    code = models.CharField("代码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=60)
    short_name = models.CharField("简称", max_length=30)
    kind = models.CharField("类别", max_length=20, choices=Kind.choices)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, verbose_name="上级", related_name="+"
    )
    township = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, verbose_name="对应镇街", related_name="+"
    )
    phone = models.CharField("值班电话", max_length=30, blank=True)
    is_confirmed = models.BooleanField("名称已确认", default=True, help_text="名称来自公开资料、尚待甲方确认的填否")
    valid_from = models.DateField("启用日期", default=date(2019, 7, 1))
    valid_to = models.DateField("停用日期", null=True, blank=True)
    successor = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, verbose_name="承接单位", related_name="+"
    )
    return_needs_leader = models.BooleanField("退哨须经领导同意", default=False, help_text="只对部门有用")
    order = models.PositiveIntegerField("排序", default=0)
    pinyin = PinyinField("拼音", of="short_name")
    initials = PinyinField("拼音首字母", of="short_name", short=True)

    objects = UnitQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "机构"
        ordering = ["order", "code"]
        indexes = [
            models.Index(fields=["kind", "order"], name="unit_kind"),
            models.Index(fields=["parent", "kind"], name="unit_parent"),
            models.Index(fields=["pinyin", "id"], name="unit_pinyin"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="unit_dates",
                violation_error_message="停用日期不能早于启用日期。",
            ),
            models.CheckConstraint(
                condition=Q(successor=None) | Q(valid_to__isnull=False),
                name="unit_successor_closed",
                violation_error_message="有承接单位的，须填停用日期。",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["grid", "subunit"]) | Q(parent__isnull=False),
                name="unit_child_has_parent",
                violation_error_message="网格和部门派出机构须填上级。",
            ),
        ]

    def __str__(self) -> str:
        return self.short_name

    @property
    def is_township(self) -> bool:
        return self.kind in self.TOWNSHIP_KINDS

    @property
    def is_department(self) -> bool:
        return self.kind in self.DEPARTMENT_KINDS

    @property
    def organ_id(self) -> int:
        """The organ that answers for this unit: itself, or the parent of a grid or sub-unit."""
        return self.parent_id if self.kind in (self.Kind.GRID, self.Kind.SUBUNIT) and self.parent_id else self.pk


class Holiday(models.Model):
    """A day that differs from its weekday: a holiday, or a make-up workday."""

    class Kind(models.TextChoices):
        HOLIDAY = "holiday", "放假"
        WORKDAY = "workday", "调休上班"

    date = models.DateField("日期", unique=True)
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    name = models.CharField("名称", max_length=30, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "节假日"
        ordering = ["date"]

    def __str__(self) -> str:
        return f"{self.date} {self.get_kind_display()}"


class CalendarYear(models.Model):
    """A year whose holiday list has been loaded. A year without a row is computed on plain weekdays, as provisional."""

    year = models.PositiveSmallIntegerField("年份", unique=True)
    source = models.CharField("来源", max_length=120)
    loaded_at = models.DateTimeField("导入时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "放假安排年份"
        ordering = ["year"]

    def __str__(self) -> str:
        return str(self.year)


class WorkingHours(models.Model):
    """The day's working windows from a date on; never edited, a change is a new row."""

    valid_from = models.DateField("起用日期", unique=True)
    windows = models.JSONField("时段", help_text='[["08:30", "12:00"], ["14:00", "17:30"]]')

    class Meta:
        verbose_name = verbose_name_plural = "工作时段"
        ordering = ["valid_from"]

    def __str__(self) -> str:
        return f"{self.valid_from} {self.windows}"
