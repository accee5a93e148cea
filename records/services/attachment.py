"""Files as evidence: the original kept byte for byte and sealed, photos shown as a resized copy without EXIF."""

import hashlib
import io
import logging
import os
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, TypeAlias, cast
from weakref import WeakKeyDictionary

import pillow_heif
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.utils import timezone
from PIL import Image, ImageOps

from records.models import Attachment
from records.services.seal import seal

pillow_heif.register_heif_opener()
log = logging.getLogger(__name__)

Upload: TypeAlias = "UploadedFile[Any]"

MEGABYTE = 1024 * 1024
MAX_BYTES = 25 * MEGABYTE
MAX_PIXELS = 64_000_000
MAX_FILES = 9
PREVIEW_SIDE = 1600
PHOTO_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}
# what Pillow calls the JPEG of a phone that keeps a second picture (depth, brightness) behind the first
TWO_PICTURES = {"MPO": "image/jpeg"}
OFFICE_PARTS = {
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MACRO_PART = "vbaProject.bin"


_previews: WeakKeyDictionary[Upload, bytes] = WeakKeyDictionary()


class BadFile(ValueError):  # noqa: N818 - a sentence to a person
    """The file is not taken; the text is a sentence to the person that says what to do."""


class NotStored(BadFile):
    """The disk does not take files now. The act itself needs none, so the sentence says how to go on."""

    def __init__(self) -> None:
        super().__init__("照片和文件现在存不进去，没有保存。急事请先不带文件提交，再把情况告诉管理员。")


def check_photo(upload: Upload) -> str:
    """The MIME type found in the content of a photo, which is decoded to its last row. Raises BadFile."""
    _check_size(upload)
    try:
        with Image.open(_content(upload), formats=list(PHOTO_FORMATS)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadFile(f"“{upload.name}”像素过大，请用手机普通模式重拍或压缩后再传。")
            mime = {**PHOTO_FORMATS, **TWO_PICTURES}[image.format or ""]
        _preview(upload)
        return mime
    except BadFile:
        raise
    except Exception as error:  # what the decoders raise at a forged file is listed nowhere: it is the file's fault
        raise BadFile(f"“{upload.name}”不是能打开的照片，请传 JPG、PNG、WebP 或 HEIC。") from error
    finally:
        upload.seek(0)


def check_document(upload: Upload) -> str:
    """The MIME type found in the content of a PDF, Word or Excel file. Raises BadFile."""
    _check_size(upload)
    try:
        head = upload.read(8)
        upload.seek(0)
        if head.startswith(b"%PDF-"):
            return "application/pdf"
        if head.startswith(b"PK"):
            return _office_type(upload)
        if head.startswith(b"\xd0\xcf\x11\xe0"):
            return _old_office_type(upload)
        raise BadFile(f"“{upload.name}”的内容不是 PDF、Word 或 Excel，请另存为这些格式后再传。")
    finally:
        upload.seek(0)


def attach(target: models.Model, upload: Upload, *, by: Any, phase: str, at: datetime | None = None) -> Attachment:
    """Keep one checked file with its target, in the caller's transaction. Raises BadFile, NotStored.

    `at` is when it was received: now, unless a case of earlier days is being written down. Files are named by their
    content: one that a rolled-back transaction left behind is harmless and taken up again.
    """
    is_photo = _looks_like_photo(upload)
    mime = check_photo(upload) if is_photo else check_document(upload)
    try:
        preview = _store([_preview(upload)], "previews", ".jpg")[0] if is_photo else ""
        upload.seek(0)
        original, digest = _store(upload.chunks(), "originals", "")
    except OSError as error:
        log.exception("a file was not stored")
        raise NotStored from error
    at = (at or timezone.now()).astimezone(UTC)  # as it is read back from the database: it is part of the seal
    return Attachment.objects.create(
        target_type=ContentType.objects.get_for_model(target),
        target_id=target.pk,
        kind=Attachment.Kind.PHOTO if is_photo else Attachment.Kind.DOCUMENT,
        phase=phase,
        name=Path(upload.name or "file").name[-200:],
        mime=mime,
        size=upload.size or 0,
        sha256=digest,
        seal=seal(digest, at.isoformat(), by.pk),
        original=original,
        preview=preview,
        by=by,
        at=at,
    )


def files_of(target: models.Model | None) -> models.QuerySet[Attachment]:
    """What is attached to it, in the order it came. One query; none where there is no target."""
    if target is None:
        return Attachment.objects.none()
    of_type = ContentType.objects.get_for_model(target)
    return Attachment.objects.filter(target_type=of_type, target_id=target.pk).order_by("id")


def files_of_each(targets: Sequence[models.Model]) -> dict[int, list[Attachment]]:
    """Target id → what is attached to it, for targets of one model. One query."""
    found: dict[int, list[Attachment]] = defaultdict(list)
    if targets:
        of_type = ContentType.objects.get_for_model(targets[0])
        ids = [target.pk for target in targets]
        for attachment in Attachment.objects.filter(target_type=of_type, target_id__in=ids).order_by("id"):
            found[attachment.target_id].append(attachment)
    return found


def _check_size(upload: Upload) -> None:
    if not upload.size:
        raise BadFile(f"“{upload.name}”是空文件，请重新选择。")
    if upload.size > MAX_BYTES:
        raise BadFile(f"“{upload.name}”超过 {MAX_BYTES // MEGABYTE} MB，请压缩后再传。")


def _content(upload: Upload) -> IO[bytes]:
    return cast(IO[bytes], upload.file)


def _looks_like_photo(upload: Upload) -> bool:
    head: bytes = upload.read(12)
    upload.seek(0)
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG")) or head[8:12] == b"WEBP" or head[4:8] == b"ftyp"


def _office_type(upload: Upload) -> str:
    try:
        names = zipfile.ZipFile(_content(upload)).namelist()
    except Exception as error:  # a forged one raises more than BadZipFile
        raise BadFile(f"“{upload.name}”已损坏，请重新导出后再传。") from error
    if any(name.endswith(MACRO_PART) for name in names):
        raise BadFile(f"“{upload.name}”含有宏，请另存为不含宏的文件后再传。")
    for part, mime in OFFICE_PARTS.items():
        if part in names:
            return mime
    raise BadFile(f"“{upload.name}”的内容不是 Word 或 Excel，请另存为 .docx 或 .xlsx 后再传。")


def _old_office_type(upload: Upload) -> str:
    content = upload.read()
    for marker, mime in (("WordDocument", "application/msword"), ("Workbook", "application/vnd.ms-excel")):
        if marker.encode("utf-16-le") in content:
            return mime
    raise BadFile(f"“{upload.name}”的内容不是 Word 或 Excel，请另存为 .docx 或 .xlsx 后再传。")


def _preview(upload: Upload) -> bytes:
    """The resized copy without EXIF; made once for the form's check and for `attach`, decoding is what costs."""
    if upload in _previews:
        return _previews[upload]
    upload.seek(0)
    try:
        with Image.open(_content(upload), formats=list(PHOTO_FORMATS)) as image:
            image.draft("RGB", (PREVIEW_SIDE, PREVIEW_SIDE))
            upright = _upright(image).convert("RGB")
            upright.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
            out = io.BytesIO()
            upright.save(out, "JPEG", quality=82, exif=b"")
    except Exception as error:  # as in `check_photo`
        raise BadFile(f"“{upload.name}”不完整，打不开，请重新拍摄或选择。") from error
    _previews[upload] = out.getvalue()
    return _previews[upload]


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says; one whose EXIF is broken is a photo all the same."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


def _store(chunks: Iterable[bytes], folder: str, suffix: str) -> tuple[str, str]:
    """Write the bytes under their own SHA-256, atomically and read-only: (path under MEDIA_ROOT, hex digest)."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    handle, temporary = tempfile.mkstemp(dir=root)
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        name = f"{folder}/{digest.hexdigest()[:2]}/{digest.hexdigest()}{suffix}"
        final = root / name
        final.parent.mkdir(parents=True, exist_ok=True)
        Path(temporary).chmod(0o400)
        Path(temporary).replace(final)
    finally:
        Path(temporary).unlink(missing_ok=True)  # half a file on a full disk would make it fuller
    return name, digest.hexdigest()
