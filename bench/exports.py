"""How many rows a second leave as a file: the list of events of whoever sees all, as the worker writes it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from tempfile import TemporaryFile

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone

from bench import seed
from enforcement.exports import work
from records.services.spreadsheet import CSV, XLSX, write
from townships.models import User


@dataclass(frozen=True)
class Exported:
    size: int
    kind: str
    rows: int
    per_second: float
    megabytes: float


def measured(size: int) -> Iterator[Exported]:
    listing, user = work.listing_of("event"), User.objects.get(username=seed.GUIDANCE)
    for kind in (CSV, XLSX):
        now, asked = timezone.now(), listing.asked(user, QueryDict())
        begun = time.perf_counter()
        with TemporaryFile() as out:
            lines = islice(work.lines(listing, asked, work.names(now)), settings.EXPORT_FILE_ROWS)
            rows = write(kind, out, (listing.title, listing.columns, lines), partial(work.about, user, now, asked))
            took, megabytes = time.perf_counter() - begun, out.tell() / 1_000_000
        if rows < min(size, settings.EXPORT_FILE_ROWS):
            raise AssertionError(f"{rows} rows of {size}")
        print(f"  export, {kind:16} {rows / took:,.0f} rows a second", flush=True)
        yield Exported(size, kind, rows, round(rows / took), round(megabytes, 1))
