from datetime import date
from typing import Self, TypeVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

from enforcement.rules import deadlines, routing
from enforcement.rules.deadlines import NAMES
from townships.models import Unit
from townships.rules import worktime


class DateRange(Func):
    """daterange(from, to, '[]') for the exclusion constraints of rows with history."""

    function = "DATERANGE"
    output_field = DateRangeField()


def period() -> DateRange:
    return DateRange("valid_from", "valid_to", Value("[]"))


M = TypeVar("M", bound=models.Model)


class DatedQuerySet(models.QuerySet[M]):
    def on(self, day: date) -> Self:
        return self.filter(valid_from__lte=day).filter(Q(valid_to=None) | Q(valid_to__gte=day))


class Category(models.Model):
    """An event class: 大类 of two digits, 小类 of four."""

    code = models.CharField("代码", max_length=4, unique=True)
    name = models.CharField("名称", max_length=40)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, verbose_name="大类", related_name="+"
    )
    keywords = models.CharField("俗称", max_length=200, blank=True, help_text="供查找，以空格分隔")
    is_active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "事件类别"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


# of minutes or days: a larger number is a slip, and one that no calendar can count would stop every act it is for
LONGEST = 10_000
TOO_LONG = "时限最多 10000，请核对数量和单位。"


class StepUnit(models.TextChoices):
    CONTINUOUS_MINUTES = worktime.Unit.CONTINUOUS_MINUTES, "分钟（连续）"
    WORK_MINUTES = worktime.Unit.WORK_MINUTES, "工作分钟"
    WORK_DAYS = worktime.Unit.WORK_DAYS, "工作日"
    CALENDAR_DAYS = worktime.Unit.CALENDAR_DAYS, "自然日"


class Limit(models.Model):
    """A time limit from a day on. Never edited: a change closes the row and adds a new one."""

    class Kind(models.TextChoices):
        EMERGENCY = deadlines.Kind.EMERGENCY, NAMES[deadlines.Kind.EMERGENCY]
        URGENT = deadlines.Kind.URGENT, NAMES[deadlines.Kind.URGENT]
        ROUTINE = deadlines.Kind.ROUTINE, NAMES[deadlines.Kind.ROUTINE]
        CAMPAIGN = deadlines.Kind.CAMPAIGN, NAMES[deadlines.Kind.CAMPAIGN]
        EVENT_URGENT = "event_urgent", "紧急事件"
        EVENT = "event", "一般事件"
        ALL = "all", "全部"

    class Step(models.TextChoices):
        ACCEPT = "accept", "受理"
        APPROVE = "approve", "审核"
        CONFIRM = "confirm", "应急哨事后确认"
        SIGN = "sign", "签收"
        ARRIVE = "arrive", "到场"
        REPORT = "report", "首报"
        FINISH = "finish", "办结"
        EVAL = "eval", "确认评价"
        ARBITRATE = "arbitrate", "退哨仲裁"
        HANDOVER = "handover", "移交接收"
        CHECK = "check", "核查"
        APPEAL = "appeal", "评价申诉"

    kind = models.CharField("种类", max_length=12, choices=Kind.choices)
    step = models.CharField("环节", max_length=10, choices=Step.choices)
    unit = models.CharField("单位", max_length=20, choices=StepUnit.choices)
    amount = models.PositiveIntegerField("数量", validators=[MaxValueValidator(LONGEST, TOO_LONG)])
    valid_from = models.DateField("起用日期")
    valid_to = models.DateField("停用日期", null=True, blank=True)
    reason = models.CharField("依据", max_length=200, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "办理时限"
        ordering = ["kind", "step", "valid_from"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=1), name="limit_amount"),
            ExclusionConstraint(
                name="limit_no_overlap",
                expressions=[
                    ("kind", RangeOperators.EQUAL),
                    ("step", RangeOperators.EQUAL),
                    (period(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.get_step_display()} {self.amount} {self.get_unit_display()}"


class RoutingRule(models.Model):
    """Where an event of this class in this township usually goes (D7). Never edited, a change is a new row."""

    class Route(models.TextChoices):
        SETTLE = routing.Route.SETTLE, "现场办结"
        SQUAD = routing.Route.SQUAD, "交镇街执法队"
        WHISTLE = routing.Route.WHISTLE, "吹哨"
        JOINT_INSPECTION = routing.Route.JOINT_INSPECTION, "联合检查"
        TRANSFER = routing.Route.TRANSFER, "移送"
        POLICE = routing.Route.POLICE, "移送公安"
        DISMISS = routing.Route.DISMISS, "不予受理"

    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, verbose_name="类别", related_name="+"
    )
    township = models.ForeignKey(
        Unit, on_delete=models.PROTECT, null=True, blank=True, verbose_name="镇街", related_name="+"
    )
    route = models.CharField("去向", max_length=20, choices=Route.choices)
    lead = models.ForeignKey(
        Unit, on_delete=models.PROTECT, null=True, blank=True, verbose_name="主办", related_name="+"
    )
    helpers = models.ManyToManyField(Unit, blank=True, verbose_name="协办", related_name="+")
    kind = models.CharField("哨种", max_length=12, choices=Limit.Kind.choices, blank=True)
    squad_unit = models.CharField("队伍时限单位", max_length=20, choices=StepUnit.choices, blank=True)
    squad_amount = models.PositiveIntegerField(
        "队伍时限", null=True, blank=True, validators=[MaxValueValidator(LONGEST, TOO_LONG)]
    )
    reason = models.CharField("理由", max_length=200, blank=True)
    valid_from = models.DateField("起用日期")
    valid_to = models.DateField("停用日期", null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "分派规则"
        ordering = ["category__code", "township__code", "valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(squad_unit="", squad_amount=None) | Q(squad_amount__gte=1) & ~Q(squad_unit=""),
                name="routing_squad_limit_pair",
            ),
            ExclusionConstraint(
                name="routing_no_overlap",
                expressions=[
                    (Coalesce(F("category"), Value(0)), RangeOperators.EQUAL),
                    (Coalesce(F("township"), Value(0)), RangeOperators.EQUAL),
                    (period(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category or '其余'} {self.township or '各镇街'} → {self.get_route_display()}"
