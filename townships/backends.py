"""Rights in the admin come from the post a person acts in, and from nothing else."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.utils import timezone

from townships.models import User


class PostBackend(ModelBackend):
    """Signs in by password; the rights are those of the group that is called like the post."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Asked at the log-in and at each request: an account ends with its day, whether a job has run or not."""
        return super().user_can_authenticate(user) and not user.is_disabled_on(timezone.localdate())

    def _get_group_permissions(self, user_obj: User) -> QuerySet[Permission]:
        post = user_obj.acting
        return Permission.objects.filter(group__name=post.get_role_display()) if post else Permission.objects.none()

    def _get_user_permissions(self, user_obj: User) -> QuerySet[Permission]:  # noqa: ARG002 - Django's signature
        return Permission.objects.none()
