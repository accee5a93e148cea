from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from command_room.demo import accounts
from command_room.demo.load import is_loaded, load

SEED = 330683


class Command(BaseCommand):
    help = (
        "Fills an empty database with demo data: every township, department and role, three months, up to this minute."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=SEED, help="another seed makes another town")
        parser.add_argument(
            "--yes-this-is-not-production",
            action="store_true",
            help="needed for any database that `make run` has not made itself",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        if not settings.EMBEDDED_DATABASE and not options["yes_this_is_not_production"]:
            raise CommandError(
                "演示数据只写入自带的数据库；确认这不是生产环境，请加 --yes-this-is-not-production。"
                " Demo data goes into the embedded database only."
            )
        if is_loaded():
            raise CommandError("演示数据已经在库里；要重新载入，请用 make demo-reset。Demo data is already there.")
        done = load(seed=options["seed"])
        self.stdout.write(
            f"演示数据：{done.events} 件事件、{done.whistles} 张哨单、{done.people} 个账号，{done.seconds:.1f} 秒。"
            f"登录账号见 {accounts.path()}"
        )
