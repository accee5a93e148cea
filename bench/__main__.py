"""`make bench`: pages, whistles and messages at 10 and 100 thousand events (FULL=1: also a million).

Each page stands beside its bare twin in the same server. Writes var/bench.json and docs/performance.md.
"""

import os

import django

from bench.servers import copy_database, storage
from portal import embedded

SIZES = [
    *map(int, os.environ.get("BENCH_SIZES", "10000 100000").split()),
    *([1_000_000] if os.environ.get("FULL") else []),
]
BASE = "bench_base"


def main() -> None:
    with storage() as (var, postgres, database):
        copy_database(postgres, "template1", BASE)
        os.environ.update(
            DJANGO_SETTINGS_MODULE="bench.settings",
            VAR_DIR=str(var),
            DATABASE_URL=embedded.database_url(var, database=BASE),
            REDIS_URL=embedded.redis_url(var),
            SECRET_KEY="bench",
            LOG_LEVEL="WARNING",
        )
        django.setup()
        from bench import measure  # noqa: PLC0415 - its models need the settings above

        measure.main(SIZES, postgres, database)


if __name__ == "__main__":
    main()
