"""Evidence files past their time: the file goes, its row stays with name, size and seal, so that its having been is provable.

Files are named by their content, so two rows may share one: it stays while another row still needs it.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from records.models import Attachment, ClearedFile

A_DAY = 86_400


def kept(rows: QuerySet[Attachment]) -> QuerySet[Attachment]:
    """Those whose files have not been cleared."""
    return rows.exclude(Exists(ClearedFile.objects.filter(attachment_id=OuterRef("pk"))))


def remove(rows: Iterable[Attachment]) -> int:
    """In the caller's transaction: say that they are gone, then let the files go that no other row needs."""
    found = list(rows)
    ClearedFile.objects.bulk_create(ClearedFile(attachment=row) for row in found)
    names = {name for row in found for name in (row.original, row.preview) if name}
    needed = kept(Attachment.objects.all())
    for field in ("original", "preview"):
        names -= set(needed.filter(**{f"{field}__in": names}).values_list(field, flat=True))
    for name in names:
        _unlink(Path(settings.MEDIA_ROOT) / name)
    return len(found)


def forgotten(before: datetime) -> Iterator[str]:
    """Files that were cleared before that moment, and that no row needs: a backup may forget them, a restoration has to."""
    for field in ("original", "preview"):
        needed = kept(Attachment.objects.filter(**{field: OuterRef(field)}))
        rows = Attachment.objects.filter(~Exists(needed), cleared__at__lt=before).exclude(**{field: ""})
        yield from rows.values_list(field, flat=True).iterator()


def _unlink(path: Path) -> None:
    """Not what was written today: somebody may just be sending the same picture, whose row is not there yet."""
    with contextlib.suppress(FileNotFoundError):
        if time.time() - path.stat().st_mtime > A_DAY:
            path.unlink()
