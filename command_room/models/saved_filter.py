from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from townships.models import Unit


class ListCode(models.TextChoices):
    EVENTS = "events", "事件"
    WHISTLES = "whistles", "吹哨"
    DISPATCHES = "dispatches", "派单"
    ESCALATIONS = "escalations", "督办"
    PEOPLE = "people", "通讯录·人员"
    UNITS = "units", "通讯录·机构"


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def visible_to(self, user: Any) -> Self:
        """The own ones, and those of the unit acted in."""
        post = user.acting
        if post is None:
            return self.none()
        return self.filter(Q(owner=user) | Q(unit_id=post.unit_id))


class SavedFilter(models.Model):
    """A list's filters under a name: what a URL says, and nothing of what anybody saw there."""

    VIEWS: ClassVar[dict[str, str]] = {
        "events": "enforcement:event-list",
        "whistles": "enforcement:whistle-list",
        "dispatches": "enforcement:dispatch-list",
        "escalations": "enforcement:escalation-list",
        "people": "command_room:person-list",
        "units": "command_room:unit-list",
    }

    list = models.CharField("列表", max_length=12, choices=ListCode.choices)
    name = models.CharField("名称", max_length=20)
    query = models.CharField("条件", max_length=1000)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, verbose_name="本人", related_name="+"
    )
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, verbose_name="本单位", related_name="+")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField("保存时间", default=timezone.now)
    request_id = models.UUIDField(unique=True)

    is_default = False  # whether it is the one that the list of whoever asks opens with, which the service knows

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "保存的筛选"
        constraints = [
            models.CheckConstraint(
                condition=Q(owner__isnull=False, unit=None) | Q(owner=None, unit__isnull=False),
                name="saved_filter_of_one",
            ),
            models.UniqueConstraint(
                fields=["owner", "list", "name"], condition=Q(owner__isnull=False), name="saved_filter_own_name"
            ),
            models.UniqueConstraint(
                fields=["unit", "list", "name"], condition=Q(unit__isnull=False), name="saved_filter_unit_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The list with these filters."""
        return f"{reverse(self.VIEWS[self.list])}?{self.query}"

    @property
    def is_shared(self) -> bool:
        return self.unit_id is not None


class DefaultFilter(models.Model):
    """With which filters a person's list opens. One a list."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    list = models.CharField(max_length=12, choices=ListCode.choices)
    saved_filter = models.ForeignKey(SavedFilter, on_delete=models.CASCADE, related_name="defaults")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "list"], name="default_filter_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.list}"
