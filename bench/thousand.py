"""`make races`: a thousand races of `bench.races` on a database of their own; RACES and RACES_SEED change them."""

import os
import random
import sys
import time

import django

from bench.servers import storage
from portal import embedded

RACES = int(os.environ.get("RACES", "1000"))
SEED = int(os.environ.get("RACES_SEED", "") or time.time())


def main() -> int:
    print(f"RACES_SEED={SEED}  {RACES} races", flush=True)
    with storage() as (var, _, _):
        told = {"DJANGO_SETTINGS_MODULE": "portal.settings", "VAR_DIR": str(var), "ENV_FILE": os.devnull}
        os.environ.update(told, DATABASE_URL=embedded.database_url(var), LOG_LEVEL="ERROR", WEB_DB_ROLE="")
        django.setup()
        return measure()


def measure() -> int:
    from django.core.management import call_command  # noqa: PLC0415 - needs the settings that `main` makes
    from django.db import connection  # noqa: PLC0415

    from bench import races  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    company, begun = races.company_of_bench(), time.monotonic()
    result = races.run(company, RACES, random.Random(SEED))
    connection.close()
    for name, times in sorted(result.won.items()):
        print(f"  {times:5}  {name}")
    print(
        f"  {result.races} races in {time.monotonic() - begun:.0f} s, {len(result.wrong)} with another effect than one"
    )
    for one in result.wrong:
        print(f"  {one}")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
