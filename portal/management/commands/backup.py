from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.backup import Unfit, back_up


class Command(BaseCommand):
    help = "Backs up the database, at one moment, and then the files. Run it as the owner, beside a running portal."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("root", type=Path, help="where all backups are: another disk, another building")
        parser.add_argument("--keep", type=int, default=30, help="how many are kept (30)")

    def handle(self, **options: Any) -> None:
        try:
            self.stdout.write(str(back_up(options["root"], max(1, options["keep"]))))
        except (Unfit, OSError) as error:
            raise CommandError(str(error)) from error
