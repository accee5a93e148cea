"""What the tests of events start from: a class, a reported event, files of every sort."""

import io
import zipfile
from typing import Any
from uuid import uuid4

import pillow_heif
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, TiffImagePlugin

from enforcement.models import Category, Event
from enforcement.services import event as events
from enforcement.services.event import Origin, Place
from tests.cast import Cast

GPS_IFD = 0x8825


def make_category(code: str = "0203", name: str = "占道卸货", keywords: str = "卸货 堵路") -> Category:
    group, _ = Category.objects.get_or_create(code=code[:2], defaults={"name": f"大类{code[:2]}"})
    category, _ = Category.objects.get_or_create(
        code=code, defaults={"name": name, "parent": group, "keywords": keywords}
    )
    return category


def make_event(cast: Cast, *, by: Any = None, **changed: Any) -> Event:
    """An event that the grid member of 甘霖镇 has reported through the service."""
    given = {
        "request_id": uuid4(),
        "category": changed.pop("category", None) or make_category(),
        "title": "东湖路占道卸货",
        "facts": "货车停在慢车道上卸货",
        "place": Place(cast.ganlin, "东湖路 18 号", cast.ganlin_grid),
        "is_urgent": False,
        "origin": Origin(),
        **changed,
    }
    return events.report(by=by or cast.grid, **given)


def file(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def photo_bytes(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **save: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (180, 60, 60)).save(out, kind, **save)
    return out.getvalue()


def photo(name: str = "现场.jpg", kind: str = "JPEG") -> SimpleUploadedFile:
    return file(name, photo_bytes(kind))


def photo_with_position() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Phone"
    third = TiffImagePlugin.IFDRational
    exif.get_ifd(GPS_IFD).update(
        {1: "N", 2: (third(29), third(35), third(12)), 3: "E", 4: (third(120), third(49), third(1))}
    )
    return photo_bytes(exif=exif)


def heic_bytes() -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), (60, 120, 180))).save(out)
    return out.getvalue()


def office_bytes(*parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part in ("[Content_Types].xml", *parts):
            archive.writestr(part, "<x/>")
    return out.getvalue()
