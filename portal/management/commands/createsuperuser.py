"""Django's own command, after which all administrators and auditors hear that there is one more."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.db import transaction

from townships.models import Post, Role
from townships.services import post as posts


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            known = Post.objects.filter(role=Role.ADMIN)
            before = set(known.values_list("pk", flat=True))
            super().handle(*args, **options)
            for post in known.exclude(pk__in=before).select_related("unit"):
                posts.tell_of_administrator(post)
