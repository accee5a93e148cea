from datetime import timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from townships.models.person import Role, User
from townships.models.place import Unit


class ShiftNoteQuerySet(models.QuerySet["ShiftNote"]):
    def visible_to(self, user: Any) -> Self:
        """The township's own desk and squad; guidance office and auditors all."""
        post = user.acting
        if post is None:
            return self.none()
        if post.role in (Role.GUIDANCE, Role.AUDITOR):
            return self
        if post.unit.is_township and post.role in (Role.DUTY, Role.LEADER, Role.OFFICER):
            return self.filter(township_id=post.unit_id)
        return self.none()


class ShiftNote(models.Model):
    """值班交接: what the desk leaves open at a change of shift, written by one and taken over by another, both by name.

    What is open is kept as it stood then: numbers, states and due times, no titles and no facts.
    """

    TEXT: ClassVar[int] = 1000

    number = models.CharField("编号", max_length=40, unique=True)
    township = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name="镇街", related_name="+")
    at = models.DateTimeField("交班时间", default=timezone.now)
    written_by = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name="交班人", related_name="+")
    text = models.TextField("交代", max_length=TEXT, blank=True)
    items = models.JSONField(
        "未办结", default=list, help_text="[{number, matter, state, due, label, link}], overdue first"
    )
    counts = models.JSONField("件数", default=dict, help_text="{events, whistles, late}; more than `items` may hold")
    taken_over_at = models.DateTimeField("接班时间", null=True, blank=True)
    taken_over_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, verbose_name="接班人", related_name="+"
    )
    request_id = models.UUIDField(unique=True)

    objects = ShiftNoteQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "值班交接"
        indexes = [models.Index(fields=["township", "-id"], name="shift_note_township")]
        constraints = [
            models.UniqueConstraint(fields=["township"], condition=Q(taken_over_at=None), name="shift_note_one_open"),
            models.CheckConstraint(
                condition=Q(taken_over_at=None, taken_over_by=None)
                | Q(taken_over_at__isnull=False, taken_over_by__isnull=False),
                name="shift_note_taken_pair",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("command_room:shift-note-detail", args=[self.pk])

    @property
    def state(self) -> str:
        """As the verb forms and the timeline call it."""
        return "taken" if self.taken_over_at else "left"

    @property
    def waited(self) -> timedelta | None:
        """How long it lay before somebody took it."""
        return self.taken_over_at - self.at if self.taken_over_at else None
