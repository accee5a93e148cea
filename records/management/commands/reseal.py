from typing import Any

from django.core.management.base import BaseCommand, CommandError

from records.services.seal import reseal


class Command(BaseCommand):
    help = (
        "Seals every file by the SEAL_KEY in use, where it is intact under one of SEAL_KEY_FALLBACKS. "
        "May be stopped and started again; ends with 1 and names the files when some are not intact."
    )
    requires_system_checks = []

    def handle(self, *_: Any, **__: Any) -> None:
        sealed, broken = 0, []
        for attachment, is_good in reseal():
            if is_good:
                sealed += 1
            else:
                broken.append(attachment.pk)
                self.stderr.write(f"not intact under any key: attachment {attachment.pk}")
        self.stdout.write(f"sealed by the key in use: {sealed}")
        if broken:
            raise CommandError(f"{len(broken)} files were not sealed: keep the earlier key and look at them")
