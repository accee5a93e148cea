from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.backup import Unfit, restore, verify


class Command(BaseCommand):
    help = (
        "Restores a backup into an empty database and to MEDIA_ROOT, and compares every table and file. As the owner."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="one backup: the folder that `backup` has printed")

    def handle(self, **options: Any) -> None:
        try:
            manifest = restore(options["folder"])
        except (Unfit, OSError) as error:
            raise CommandError(str(error)) from error
        if wrong := verify(manifest):
            raise CommandError("restored, but not as it was:\n" + "\n".join(wrong))
        rows = sum(rows for rows, _ in manifest["tables"].values())
        self.stdout.write(f"as on {manifest['at']}: {len(manifest['tables'])} tables, {rows} rows, every file intact")
