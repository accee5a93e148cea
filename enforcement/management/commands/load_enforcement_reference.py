from typing import Any

from django.core.management.base import BaseCommand

from enforcement.services import reference


class Command(BaseCommand):
    help = "载入事件类别、办理时限和分派规则的建议值。可重复执行，已有的不动。"

    def handle(self, *_: Any, **__: Any) -> None:
        for kind, added in reference.load().items():
            self.stdout.write(f"{kind}：新增 {added}")
