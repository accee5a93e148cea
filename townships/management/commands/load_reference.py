from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from townships.services import reference

UPPER = "load_enforcement_reference"


class Command(BaseCommand):
    help = "载入基础数据：镇街、部门、节假日、工作时段、管理员权限。可重复执行，已有的不动。"

    def handle(self, *_: Any, **__: Any) -> None:
        for kind, added in reference.load().items():
            self.stdout.write(f"{kind}：新增 {added}")
        if UPPER in get_commands():  # the room above adds its own, called by name
            call_command(UPPER, stdout=self.stdout)
