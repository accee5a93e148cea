from datetime import date, datetime, time, timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.urls import reverse
from django.utils import timezone

from townships.models.person import User
from townships.models.place import Unit


class CertificateQuerySet(models.QuerySet["Certificate"]):
    def valid_on(self, day: date) -> Self:
        return self.filter(valid_from__lte=day, valid_to__gte=day)


class Certificate(models.Model):
    """行政执法证件 (浙江省综合行政执法条例 arts 28–29): valid for five years, entitles to enforce."""

    holder = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name="持证人", related_name="certificates")
    number = models.CharField("证号", max_length=20, unique=True)
    issuer = models.CharField("发证机关", max_length=60)
    domains = models.CharField("执法领域", max_length=120, blank=True, help_text="以、分隔")
    valid_from = models.DateField("有效期起")
    valid_to = models.DateField("有效期止")

    objects = CertificateQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "执法证件"
        ordering = ["valid_to"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__gte=F("valid_from")),
                name="certificate_dates",
                violation_error_message="有效期止不能早于有效期起。",
            )
        ]

    def __str__(self) -> str:
        return self.number


class SquadMemberQuerySet(models.QuerySet["SquadMember"]):
    def active(self, day: date) -> Self:
        return self.filter(valid_from__lte=day).filter(Q(valid_to=None) | Q(valid_to__gte=day)).exclude(status="left")

    def by_slot(self) -> Self:
        """In the order 1+1+3+X, within a slot the captain first."""
        slots, positions = SquadMember.Slot.values, SquadMember.Position.values
        return self.order_by(_in_order("slot", slots), _in_order("position", positions), "id")


def _in_order(field: str, values: list[str]) -> Case:
    return Case(*[When(**{field: value}, then=Value(n)) for n, value in enumerate(values)], default=Value(len(values)))


class SquadMember(models.Model):
    """A place in a township's 1+1+3+X squad: own staff, seconded officers, liaisons of further departments."""

    class Slot(models.TextChoices):
        OWN = "own", "镇街自有"
        ZHZF = "zhzf", "综合执法派驻"
        ZRZY = "zrzy", "自然资源派驻"
        JTYS = "jtys", "交通运输派驻"
        SCJG = "scjg", "市场监管派驻"
        LIAISON = "liaison", "部门联络"

    class Position(models.TextChoices):
        CAPTAIN = "captain", "队长"
        VICE = "vice", "副队长"
        OFFICER = "officer", "执法队员"
        AUXILIARY = "auxiliary", "辅助人员"
        LIAISON = "liaison", "联络员"

    class Status(models.TextChoices):
        ON = "on", "在岗"
        OUT = "out", "外出"
        LEAVE = "leave", "休假"
        LEFT = "left", "离队"

    ENFORCING = (Position.CAPTAIN, Position.VICE, Position.OFFICER)
    ONE_TAP = (Status.ON, Status.OUT, Status.LEAVE)  # who leaves the squad is the administrators' business

    township = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="镇街", related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name="人员", related_name="squad_places")
    slot = models.CharField("编成", max_length=10, choices=Slot.choices)
    position = models.CharField("职务", max_length=10, choices=Position.choices)
    seconding_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="派出单位", related_name="+")
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.ON)
    status_note = models.CharField("说明", max_length=40, blank=True, help_text="例如：预计 11:30 回")
    valid_from = models.DateField("派驻起", default=date.today)
    valid_to = models.DateField("派驻止", null=True, blank=True)

    objects = SquadMemberQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "一支队伍"
        ordering = ["slot", "position", "id"]
        indexes = [models.Index(fields=["township", "slot"], name="squad_township")]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="squad_dates",
                violation_error_message="派驻止不能早于派驻起。",
            ),
            models.UniqueConstraint(
                fields=["township", "user"],
                condition=~Q(status="left"),
                name="squad_once",
                violation_error_message="此人已在该镇街的队伍里，离队后才能重新登记。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_slot_display()} {self.get_position_display()}"

    def get_absolute_url(self) -> str:
        return reverse("townships:squad")

    @property
    def sending_organ(self) -> Unit:
        """The department behind a sub-unit that sends somebody, else the sending unit itself."""
        unit = self.seconding_unit
        return unit.parent if unit.kind == Unit.Kind.SUBUNIT and unit.parent else unit


class ShiftQuerySet(models.QuerySet["Shift"]):
    def covering(self, moment: datetime) -> Self:
        """Shifts that are running at this moment; one that ends at or before its start runs into the next day."""
        local = timezone.localtime(moment)
        day, now = local.date(), local.time()
        over_midnight = Q(ends_at__lte=F("starts_at"))
        return self.filter(
            Q(day=day, starts_at__lte=now) & (Q(ends_at__gt=now) | over_midnight)
            | Q(day=day - timedelta(days=1), ends_at__gt=now) & over_midnight
        )


class Shift(models.Model):
    """Who is on duty: one person, one band of one day."""

    class Band(models.TextChoices):
        EARLY = "1_early", "早班"
        MIDDLE = "2_middle", "中班"
        NIGHT = "3_night", "晚班"
        DUTY = "4_duty", "值班"

    HOURS: ClassVar[dict[str, tuple[time, time]]] = {  # proposed when a shift is added without times
        Band.EARLY: (time(8), time(16)),
        Band.MIDDLE: (time(16), time(0)),
        Band.NIGHT: (time(0), time(8)),
        Band.DUTY: (time(17, 30), time(8, 30)),
    }

    township = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="镇街", related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name="人员", related_name="+")
    day = models.DateField("日期")
    band = models.CharField("班次", max_length=10, choices=Band.choices)
    starts_at = models.TimeField("开始")
    ends_at = models.TimeField("结束", help_text="不晚于开始的，算到次日")
    is_on_call = models.BooleanField("备勤", default=False)

    objects = ShiftQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "排班"
        ordering = ["day", "band", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["township", "user", "day", "band"],
                name="shift_once",
                violation_error_message="此人在这一天的这个班次已经排过。",
            )
        ]
        indexes = [models.Index(fields=["township", "day", "band"], name="shift_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.get_band_display()}"

    def get_absolute_url(self) -> str:
        return f"{reverse('townships:shifts')}?week={self.day}"

    @property
    def is_usual(self) -> bool:
        """At the hours of its band."""
        return (self.starts_at, self.ends_at) == self.HOURS[self.band]
