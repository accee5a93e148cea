from typing import Any, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone


class LotQuerySet(models.QuerySet["Lot"]):
    def visible_to(self, user: Any) -> Self:
        """A person's own."""
        return self.filter(by=user)


class Lot(models.Model):
    """One act on many rows at once, and what became of each. The rows' own timelines tell it too."""

    class Act(models.TextChoices):
        REMIND = "remind", "催办"
        ASSIGN = "assign", "指定承办"
        SQUAD = "squad", "交执法队"

    act = models.CharField("办理", max_length=10, choices=Act.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, verbose_name="谁办的", related_name="+")
    by_office = models.CharField("岗位", max_length=80)
    at = models.DateTimeField("时间", default=timezone.now)
    seen = models.JSONField(help_text="[[id, the state that was seen]…] as sent")
    outcomes = models.JSONField(default=list, help_text="[{id, number, is_done, words}]; no words of people")
    request_id = models.UUIDField(unique=True)

    objects = LotQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "批量办理"
        indexes = [models.Index(fields=["by", "-id"], name="lot_by")]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {timezone.localtime(self.at):%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        return reverse("enforcement:lot-detail", args=[self.pk])
