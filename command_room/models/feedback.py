from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from townships.models import Role, User


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def visible_to(self, user: Any) -> Self:
        """A person's own, whatever post they act in; who administers and who audits read all."""
        post = user.acting
        if post is not None and post.role in (Role.ADMIN, Role.AUDITOR):
            return self
        return self.filter(sent_by=user)

    def unanswered(self) -> Self:
        return self.filter(answered_at=None)


class Feedback(models.Model):
    """意见反馈: what somebody says about the portal, and the one answer they get.

    Complaints and suggestions about an official application have to be taken (国办函〔2026〕12号). Of the page it came from
    the path is kept, neither what the page showed nor what had been searched for.
    """

    class Kind(models.TextChoices):
        CLUMSY = "clumsy", "不好用"
        BROKEN = "broken", "出错了"
        IDEA = "idea", "建议"
        BURDEN = "burden", "减负（重复填报、强制留痕等）"

    TEXT: ClassVar[int] = 1000
    PATH: ClassVar[int] = 200

    number = models.CharField("编号", max_length=40, unique=True)
    kind = models.CharField("类型", max_length=10, choices=Kind.choices)
    text = models.TextField("内容", max_length=TEXT)
    may_call = models.BooleanField("可以打电话联系", default=False)
    from_path = models.CharField("来自页面", max_length=PATH, blank=True)
    sent_by = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name="提出人", related_name="+")
    sent_office = models.CharField("提出人岗位", max_length=80)
    sent_role = models.CharField("提出人角色", max_length=20, choices=Role.choices, blank=True)
    sent_at = models.DateTimeField("提出时间", default=timezone.now)
    answer = models.TextField("答复", max_length=TEXT, blank=True)
    answered_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, verbose_name="答复人", related_name="+"
    )
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)
    request_id = models.UUIDField(unique=True)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "意见反馈"
        indexes = [
            models.Index(fields=["sent_by", "-id"], name="feedback_own"),
            models.Index(fields=["id"], condition=Q(answered_at=None), name="feedback_unanswered"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None, answered_by=None, answer="")
                | Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer=""),
                name="feedback_answer_whole",
            )
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("command_room:feedback-detail", args=[self.pk])

    @property
    def state(self) -> str:
        """As the verb forms and the timeline call it."""
        return "answered" if self.answered_at else "sent"

    @property
    def short_kind(self) -> str:
        """The kind without what its label explains in brackets."""
        return str(self.get_kind_display()).partition("（")[0]
