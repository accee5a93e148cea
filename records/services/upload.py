"""Photos that a form could not take yet: a browser forgets chosen files when a form comes back with an error.

They wait on disk, under the person and the form's `request_id`, until the form is accepted or a day has passed. What
waits is no evidence yet: it is sealed when the form is accepted and `attach` takes it.
"""

import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from records.services.attachment import NotStored, Upload

log = logging.getLogger(__name__)
FOLDER = "waiting"
KEPT_SECONDS = 24 * 3600
FORMS = 3  # a person's forms whose files wait at the same time; more would only fill the disk
NAME_BYTES = 200  # with its number before it a name stays below the 255 that a disk takes


def keep(uploads: Sequence[Upload], *, by: Any, request_id: UUID) -> None:
    """Keep checked files until the form is sent again. Sweeps what nobody came back for, and all but a person's last.

    Raises NotStored.
    """
    try:
        sweep()
        if not uploads:
            return
        _keep(uploads, by, request_id)
    except OSError as error:
        log.exception("files of a refused form were not kept")
        raise NotStored from error


def _keep(uploads: Sequence[Upload], by: Any, request_id: UUID) -> None:
    folder = _folder(by, request_id)
    folder.mkdir(parents=True, exist_ok=True)
    for older in sorted(folder.parent.glob(f"{by.pk}-*"), key=lambda one: one.stat().st_mtime)[:-FORMS]:
        shutil.rmtree(older, ignore_errors=True)
    for upload in uploads:
        number = time.time_ns()  # names sort in the order they came
        upload.seek(0)
        with (folder / f"{number} {_short(upload.name or 'file')}").open("wb") as file:
            shutil.copyfileobj(upload, file)


def _short(name: str) -> str:
    """Its end, where the ending is. Rare characters take four bytes each."""
    return name.encode()[-NAME_BYTES:].decode(errors="ignore")


@contextmanager
def kept(*, by: Any, request_id: UUID | None) -> Iterator[list[Upload]]:
    """The files that wait for this form, in the order they came; open inside the `with`."""
    folder = _folder(by, request_id) if request_id else None
    paths = sorted(folder.iterdir()) if folder and folder.is_dir() else []
    with ExitStack() as stack:
        yield [_reopen(stack, path) for path in paths]


def drop(*, by: Any, request_id: UUID) -> None:
    """The form was accepted, or its files are not wanted any more."""
    shutil.rmtree(_folder(by, request_id), ignore_errors=True)


def sweep() -> None:
    """Remove what has waited for longer than a day."""
    root = Path(settings.MEDIA_ROOT) / FOLDER
    if not root.is_dir():
        return
    oldest = time.time() - KEPT_SECONDS
    for folder in root.iterdir():
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)


def _folder(by: Any, request_id: UUID) -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER / f"{by.pk}-{request_id}"


def _reopen(stack: ExitStack, path: Path) -> Upload:
    _, name = path.name.split(" ", 1)
    return UploadedFile(stack.enter_context(path.open("rb")), name=name, size=path.stat().st_size)
