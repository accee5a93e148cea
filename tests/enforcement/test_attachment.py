"""Files as evidence: what is taken, what is kept, what pages show, and who may see it."""

import hashlib
import io
import struct
import zlib
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse
from PIL import Image

from enforcement.models import Dispatch
from enforcement.services import whistle
from records.models import Attachment
from records.services.attachment import (
    MAX_BYTES,
    BadFile,
    NotStored,
    attach,
    check_document,
    check_photo,
    files_of,
)
from records.services.seal import is_intact
from tests.cast import client_for
from tests.enforcement.events import (
    GPS_IFD,
    file,
    heic_bytes,
    make_event,
    office_bytes,
    photo,
    photo_bytes,
    photo_with_position,
)
from townships.models import User

DOCX = office_bytes("word/document.xml")
XLSX = office_bytes("xl/workbook.xml")
OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le")


@pytest.fixture(autouse=True)
def media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


@pytest.fixture
def event(cast):
    return make_event(cast)


def huge_png() -> bytes:
    """A few bytes that say they are 50,000 × 50,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def huge_heic() -> bytes:
    """A small one that says it is 40,000 × 40,000 pixels."""
    content = bytearray(heic_bytes())
    size = content.index(b"ispe") + 8
    content[size : size + 8] = struct.pack(">II", 40_000, 40_000)
    return bytes(content)


def photo_with_exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """A good photo that says to be turned, with these further entries (tag, type, count, value)."""
    rows = [(0x112, 3, 1, b"\6\0\0\0"), *entries]
    table = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in rows)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(rows)) + table + b"\0\0\0\0"
    return photo_bytes("JPEG", exif=exif)


def office_of_a_later_day() -> bytes:
    """A Word file whose directory asks for a version of ZIP that is not there yet."""
    content = bytearray(DOCX)
    content[content.index(b"PK\x01\x02") + 6] = 99
    return bytes(content)


def two_pictures() -> bytes:
    """What a phone writes that keeps the depth or the brightness of a photo as a second picture behind it."""
    return photo_bytes("MPO", save_all=True, append_images=[Image.new("RGB", (16, 12))])


# --- what is taken --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (photo_bytes("JPEG"), "image/jpeg"),
        (photo_bytes("PNG"), "image/png"),
        (photo_bytes("WEBP"), "image/webp"),
        (heic_bytes(), "image/heic"),
        (two_pictures(), "image/jpeg"),
    ],
    ids=["jpeg", "png", "webp", "heic", "jpeg with a second picture"],
)
def test_check_photo_says_what_the_content_is(content, mime):
    assert check_photo(file("照片.bin", content)) == mime


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (b"%PDF-1.7 ...", "application/pdf"),
        (DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (XLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (OLD_WORD, "application/msword"),
    ],
    ids=["pdf", "docx", "xlsx", "doc"],
)
def test_check_document_says_what_the_content_is(content, mime):
    assert check_document(file("文件.bin", content)) == mime


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("空.jpg", b"", "空文件"),
        ("大.jpg", b"\xff\xd8\xff" + b"0" * MAX_BYTES, "超过 25 MB"),
        ("假.jpg", b"MZ\x90\x00 not a photo", "不是能打开的照片"),
        ("页面.jpg", b"<html><script>alert(1)</script>", "不是能打开的照片"),
        ("动画.jpg", photo_bytes("GIF"), "不是能打开的照片"),
        ("炸弹.png", huge_png(), "像素过大|不是能打开的照片"),
        ("炸弹.heic", huge_heic(), "像素过大|打不开，请重新拍摄|不是能打开的照片"),
        ("断.heic", heic_bytes()[:-5], "打不开，请重新拍摄|不是能打开的照片"),
    ],
    ids=["empty", "oversize", "program", "page", "other format", "bomb", "heic bomb", "broken heic"],
)
def test_check_photo_refuses_and_says_what_to_do(name, content, sentence):
    with pytest.raises(BadFile, match=sentence) as caught:
        check_photo(file(name, content))
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "空文件"),
        (b"MZ\x90\x00", "不是 PDF、Word 或 Excel"),
        (office_bytes("word/document.xml", "word/vbaProject.bin"), "含有宏"),
        (office_bytes("ppt/presentation.xml"), "不是 Word 或 Excel"),
        (b"PK\x03\x04 broken", "已损坏"),
        (office_of_a_later_day(), "已损坏"),
        (b"\xd0\xcf\x11\xe0 nothing", "不是 Word 或 Excel"),
    ],
    ids=["empty", "program", "macro", "slides", "broken", "of a later day", "other old file"],
)
def test_check_document_refuses_and_says_what_to_do(content, sentence):
    with pytest.raises(BadFile, match=sentence):
        check_document(file("文件.docx", content))


# --- what is kept ---------------------------------------------------------------------------------------------------
def test_attach_keeps_the_original_byte_for_byte(cast, event):
    content = photo_with_position()
    kept = attach(event, file("现场.jpg", content), by=cast.grid, phase="before")
    stored = Path(settings.MEDIA_ROOT) / kept.original
    assert stored.read_bytes() == content
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    assert (kept.name, kept.mime, kept.size, kept.by) == ("现场.jpg", "image/jpeg", len(content), cast.grid)
    assert not stored.stat().st_mode & 0o222


def test_attach_shows_a_copy_without_position(cast, event):
    kept = attach(event, file("现场.jpg", photo_with_position()), by=cast.grid, phase="before")
    with Image.open(Path(settings.MEDIA_ROOT) / kept.original) as original:
        assert original.getexif().get_ifd(GPS_IFD)
    with Image.open(Path(settings.MEDIA_ROOT) / kept.preview) as preview:
        assert not preview.getexif()
        assert not preview.info.get("exif")


def test_attach_resizes_what_pages_show_and_turns_it_upright(cast, event):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    content = photo_bytes(size=(4000, 1000), exif=exif)
    kept = attach(event, file("横.jpg", content), by=cast.grid, phase="before")
    with Image.open(Path(settings.MEDIA_ROOT) / kept.preview) as preview:
        assert preview.size == (400, 1600)


@pytest.mark.parametrize("entry", [(0x11A, 2, 4, b"abc\0"), (0x100, 2, 4, b"abc\0")], ids=["text", "no number"])
def test_photo_with_a_broken_exif_is_a_photo(cast, event, entry):
    broken = attach(event, file("照片.jpg", photo_with_exif(entry)), by=cast.grid, phase=Attachment.Phase.BEFORE)
    assert broken.mime == "image/jpeg"
    assert Path(settings.MEDIA_ROOT, broken.preview).is_file()


def test_attach_heic_keeps_it_and_shows_a_jpeg(cast, event):
    content = heic_bytes()
    kept = attach(event, file("IMG_0001.HEIC", content), by=cast.grid, phase="before")
    assert (Path(settings.MEDIA_ROOT) / kept.original).read_bytes() == content
    with Image.open(Path(settings.MEDIA_ROOT) / kept.preview) as preview:
        assert preview.format == "JPEG"


def test_attach_document_has_no_preview(cast, event):
    kept = attach(event, file("台账.xlsx", XLSX), by=cast.duty, phase="after")
    assert (kept.kind, kept.preview) == (Attachment.Kind.DOCUMENT, "")


def test_attach_refuses_a_photo_that_stops_in_the_middle(cast, event):
    half = photo_bytes(size=(800, 600))[:900]
    with pytest.raises(BadFile, match=r"不完整"):
        attach(event, file("半张.jpg", half), by=cast.grid, phase="before")
    assert not Attachment.objects.exists()


def test_attach_takes_only_the_name_of_a_path(cast, event):
    assert attach(event, file("../../etc/现场.jpg", photo_bytes()), by=cast.grid, phase="before").name == "现场.jpg"


# --- the seal -------------------------------------------------------------------------------------------------------
def test_seal_holds_and_breaks_when_a_byte_changes(cast, event):
    kept = attach(event, photo(), by=cast.grid, phase="before")
    assert is_intact(kept)
    stored = Path(settings.MEDIA_ROOT) / kept.original
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.chmod(0o600)
    stored.write_bytes(content)
    assert not is_intact(kept)


@pytest.mark.parametrize("change", ["at", "by", "missing"])
def test_seal_breaks_when_time_person_or_file_is_another(cast, event, change):
    kept = attach(event, photo(), by=cast.grid, phase="before")
    if change == "at":
        kept.at = kept.at.replace(year=2020)
    elif change == "by":
        kept.by = cast.duty
    else:
        (Path(settings.MEDIA_ROOT) / kept.original).unlink()
    assert not is_intact(kept)


def test_seal_survives_the_database(cast, event):
    kept = attach(event, photo(), by=cast.grid, phase="before")
    assert is_intact(Attachment.objects.get(pk=kept.pk))


def test_attachment_rows_cannot_be_changed(cast, event):
    kept = attach(event, photo(), by=cast.grid, phase="before")
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute("UPDATE records_attachment SET name = 'x' WHERE id = %s", [kept.pk])


# --- who may see it -------------------------------------------------------------------------------------------------
def statuses(user: User, attachment: Attachment) -> list[int]:
    """Of the original and of the preview."""
    return [status_of(user, url) for url in (attachment.get_absolute_url(), attachment.preview_url)]


def status_of(user: User, url: str) -> int:
    response = client_for(user).get(url)
    response.getvalue()  # read to its end, a file is closed
    return response.status_code


@pytest.fixture
def kept(cast, event):
    return attach(event, photo(), by=cast.grid, phase="before")


@pytest.mark.parametrize("who", ["grid", "duty", "leader", "officer", "zdb_officer", "auditor"])
def test_attachment_is_shown_to_its_township_and_to_who_sees_all(cast, kept, who):
    assert statuses(getattr(cast, who), kept) == [200, 200]


@pytest.mark.parametrize(
    "who", ["changle_duty", "changle_grid_member", "scjg_liaison", "zrzy_officer", "bureau_admin", "stranger"]
)
def test_attachment_is_not_there_for_others(cast, kept, who):
    assert statuses(getattr(cast, who), kept) == [404, 404]


def test_attachment_is_shown_to_a_department_once_it_is_dispatched(cast, event, kept):
    assert status_of(cast.scjg_liaison, kept.get_absolute_url()) == 404
    whistle.submit(
        event, by=cast.duty, request_id=uuid4(), seen_state="reported", kind="emergency", facts="异味", why="no_power",
        why_text="", lead=cast.scjg,
    )  # fmt: skip
    assert Dispatch.objects.filter(department=cast.scjg).exists()
    assert statuses(cast.scjg_liaison, kept) == [200, 200]
    assert status_of(cast.zrzy_liaison, kept.get_absolute_url()) == 404


def test_original_is_a_download_that_can_run_nothing(cast, kept):
    response = client_for(cast.grid).get(kept.get_absolute_url())
    assert response.getvalue() == (Path(settings.MEDIA_ROOT) / kept.original).read_bytes()
    assert response["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("sent", "gets"),
    [
        ("现场.jpg", "现场.jpg"),
        ("IMG_1.JPEG", "IMG_1.JPEG"),
        ("page.html", "page.html.jpg"),
        ("a\u202egpj.exe", "a gpj.exe.jpg"),
        ("无后缀", "无后缀.jpg"),
    ],
)
def test_original_is_downloaded_under_the_ending_of_its_content(cast, event, sent, gets):
    kept = attach(event, file(sent, photo_bytes() + b"<script>alert(1)</script>"), by=cast.grid, phase="before")
    response = client_for(cast.grid).get(kept.get_absolute_url())
    assert response.getvalue()
    assert unquote(response["Content-Disposition"]).endswith((f'"{gets}"', f"''{gets}"))


def test_preview_is_asked_for_anew_and_not_sent_again(cast, kept):
    """A browser shows no photo from its own store to who has signed out or may no longer see it."""
    client = client_for(cast.grid)
    first = client.get(kept.preview_url)
    assert first.getvalue()
    assert first["Cache-Control"] == "private, no-cache"
    assert client.get(kept.preview_url, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client_for(cast.stranger).get(kept.preview_url, headers={"If-None-Match": first["ETag"]}).status_code == 404


def test_attach_on_a_disk_that_takes_nothing_says_so(cast, event, media):
    media.write_text("a file where the folder should be")
    with pytest.raises(NotStored, match="先不带文件提交"):
        attach(event, photo(), by=cast.grid, phase="before")


def test_attach_leaves_no_half_file_on_a_full_disk(cast, event, media, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(NotStored):
        attach(event, photo(), by=cast.grid, phase="before")
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_preview_is_an_image_shown_in_the_page(cast, kept):
    response = client_for(cast.grid).get(kept.preview_url)
    assert response["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(response.getvalue())).format == "JPEG"


def test_file_that_is_gone_is_404(cast, kept):
    (Path(settings.MEDIA_ROOT) / kept.original).unlink()
    assert status_of(cast.grid, kept.get_absolute_url()) == 404


def test_preview_of_a_document_is_404(cast, event):
    document = attach(event, file("笔录.pdf", b"%PDF-1.7"), by=cast.grid, phase="before")
    assert status_of(cast.grid, reverse("records:attachment-preview", args=[document.pk])) == 404


def test_anonymous_is_sent_to_the_login(client, kept):
    assert client.get(kept.get_absolute_url()).status_code == 302


def test_files_of_lists_in_the_order_they_came(cast, event, django_assert_num_queries):
    first, second = (attach(event, photo(name), by=cast.grid, phase="before") for name in ("1.jpg", "2.jpg"))
    attach(make_event(cast), photo(), by=cast.grid, phase="before")
    files_of(event)  # the content type is cached from here on
    with django_assert_num_queries(1):
        assert list(files_of(event)) == [first, second]
