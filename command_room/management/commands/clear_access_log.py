"""`manage.py clear_access_log`: the part of the access log that is past its time and confirmed. Only the tables' owner can."""

from typing import Any

from django.core.management.base import BaseCommand

from command_room.services import retention


class Command(BaseCommand):
    help = "Clears what an administrator has confirmed of the access log. Run it as the owner of the tables."

    def handle(self, *_: Any, **__: Any) -> None:
        self.stdout.write(f"cleared {retention.clear_access_log()}")
