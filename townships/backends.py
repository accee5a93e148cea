"""Rights in the admin come from the post a person acts in, and from nothing else."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from townships.models import User


class PostBackend(ModelBackend):
    """Signs in by password; the rights are those of the group that is called like the post."""

    def _get_group_permissions(self, user_obj: User) -> QuerySet[Permission]:
        post = user_obj.acting
        return Permission.objects.filter(group__name=post.get_role_display()) if post else Permission.objects.none()

    def _get_user_permissions(self, user_obj: User) -> QuerySet[Permission]:  # noqa: ARG002 - Django's signature
        return Permission.objects.none()
