"""Files that are not what they say: through every form that takes one, and out again."""

import io
import tracemalloc
import zipfile
import zlib
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from records.models import Attachment
from records.services.attachment import MAX_FILES, BadFile, attach, check_document, check_photo
from tests.attack.crawl import Answer, Watch, asked, forms_of
from tests.attack.offered import filled, url_of
from tests.attack.test_forged_forms import PECULIAR
from tests.attack.world import World, leaks
from tests.cast import client_for
from tests.enforcement.events import heic_bytes, office_bytes, photo_bytes


def png_of(width: int, height: int) -> bytes:
    """A PNG that says how large it is, with nothing behind that."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def bomb(part: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr(part, b"0" * 60_000_000)
    return out.getvalue()


SCRIPT = b"<script>alert(1)</script>"
BAD = {
    "page.jpg": b"<html>" + SCRIPT + b"</html>",
    "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "drawing.jpg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "program.jpg": b"MZ" + b"\0" * 200,
    "script.png": b"#!/bin/sh\nid\n",
    "gif.jpg": b"GIF89a" + b"\0" * 30 + SCRIPT,
    "empty.jpg": b"",
    "cut.jpg": photo_bytes()[:200],
    "huge.png": png_of(60_000, 60_000),
    "lying.png": png_of(4_000, 4_000),
    "ftyp.heic": b"\0\0\0\x18ftypheic" + b"\0" * 100,
    "webp.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\xff" * 60,
    "macro.xlsx": office_bytes("xl/workbook.xml", "xl/vbaProject.bin"),
    "some.zip": bomb("payload.bin"),
    "broken.docx": b"PK\x03\x04" + b"\xff" * 100,
    "ole.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "external.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file",
}


def taking(world: World) -> dict[str, tuple[Client, str, dict[str, Any], str]]:
    """The forms that take files, found as the others: address, what else they need, and the field of the files."""
    found = {}
    cast = world.cast
    pages = [
        (cast.duty, "/events/report/"),
        (cast.duty, url_of(world["new"])),
        (cast.grid, url_of(world["check_event"])),
    ]
    for user, page in [*pages, (cast.scjg_liaison, url_of(world["arrived"]))]:
        client = client_for(user)
        for form in forms_of(client.get(page).content.decode(), page):
            files = [one.name for one in form.fields.values() if one.kind == "file"]
            if files:
                more = PECULIAR["enforcement:event-report"] if "report" in page else {}
                found[form.action] = (client, form.action, filled(form, {**more}), files[0])
    return found


def test_bad_file_is_refused_by_every_form(world: World) -> None:
    forms, watch, wrong = taking(world), Watch(), []
    assert len(forms) >= 5
    for turn, (client, action, data, name) in enumerate(forms.values()):
        for number, (title, content) in enumerate(BAD.items()):
            if number % len(forms) != turn:
                continue
            upload = SimpleUploadedFile(title, content, content_type="image/jpeg")
            with watch.undone():
                answer = asked(client, "POST", action, {**data, name: upload})
                if answer.status != 422 or watch.changed():
                    wrong.append(f"{action} {title}: {answer.status} {watch.changed()}")
    assert not wrong, "\n".join(wrong)


def test_bomb_does_not_go_off(world: World) -> None:
    """What unpacks to far more than it is costs no more memory than a photo does."""
    tracemalloc.start()
    for title in ("huge.png", "some.zip", "lying.png"):
        for check in (check_photo, check_document):
            with pytest.raises(BadFile):
                check(SimpleUploadedFile(title, BAD[title]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_tenth_photo_is_refused(world: World) -> None:
    watch = Watch()
    for client, action, data, name in taking(world).values():
        many = [SimpleUploadedFile(f"{n}.jpg", photo_bytes()) for n in range(MAX_FILES + 1)]
        with watch.undone():
            assert asked(client, "POST", action, {**data, name: many}).status == 422, action
            assert watch.changed() == [], action


LONG = "𠮷" * 240
NAMES = ["../../../etc/passwd.jpg", "..\\..\\boot.jpg", "a\0b.jpg", "a\u202egpj.exe", "a\r\nSet-Cookie: x=y.jpg", '";x=".jpg', "CON.jpg",
         LONG + ".jpg", LONG[:200] + ".jpg", ".htaccess", "照片.jpg/../../x", "%2e%2e%2fx.jpg", "a;b=c.jpg", "<b>.jpg"]  # fmt: skip


def test_name_of_a_file_is_only_a_name(world: World) -> None:
    """Kept under the hash of its content; given back as a download that runs nothing, whatever it was called."""
    wrong = []
    client, action, data, field = taking(world)["/events/report/"]
    for number, name in enumerate(NAMES):
        sent = {**data, "request_id": uuid4(), field: called(name, photo_bytes(size=(40 + number, 30)))}
        before = set(Attachment.objects.values_list("pk", flat=True))
        status = asked(client, "POST", action, sent).status
        kept = Attachment.objects.exclude(pk__in=before).first()
        if kept is None:  # a name of which nothing is left is no file
            wrong += [f"{name!r}: {status}"] if status not in (302, 400, 422) else []
            continue
        for view in ("attachment", "attachment-preview"):
            answer = asked(client, "GET", reverse(f"records:{view}", args=[kept.pk]))
            if answer.status != 200 or not is_harmless(answer, view) or "etc" in kept.original or "/" in kept.name:
                wrong.append(f"{name[:30]!r} {view}: {answer.status} {kept.name[-30:]!r} {str(answer.headers)[-700:]}")
    assert not wrong, "\n".join(wrong)


def called(name: str, content: bytes) -> SimpleUploadedFile:
    """Under a name that no browser sends: Django's own would clean it here already."""
    upload = SimpleUploadedFile("x.jpg", content)
    upload._name = name
    return upload


def is_harmless(answer: Answer, view: str) -> bool:
    headers = answer.headers
    shown = headers.get("Content-Disposition", "inline")
    return (
        headers["X-Content-Type-Options"] == "nosniff"
        and "sandbox" in headers["Content-Security-Policy"]
        and headers["Content-Type"].partition(";")[0] in ("image/jpeg", "application/pdf")
        and shown.startswith("attachment" if view == "attachment" else "inline")
        and not any(sign in shown for sign in ("\r", "\n", "\0", "\u202e"))
        and "private" in headers["Cache-Control"]
    )


@pytest.mark.parametrize("content", [heic_bytes(), photo_bytes() + SCRIPT, photo_bytes() + bomb("x.bin")[:300]])
def test_polyglot_stays_the_photo_that_it_is(world: World, content: bytes) -> None:
    """A photo with a page or an archive behind it is shown as a new one without that, and downloaded as a photo."""
    client = client_for(world.cast.duty)
    kept = attach(world["new"], SimpleUploadedFile("x.html", content), by=world.cast.duty, phase="before")
    original = asked(client, "GET", reverse("records:attachment", args=[kept.pk]))
    preview = asked(client, "GET", reverse("records:attachment-preview", args=[kept.pk]))
    assert original.headers["Content-Type"] in ("image/jpeg", "image/heic")
    assert "html" not in original.headers["Content-Disposition"].rpartition(".")[2]
    assert "<script>" not in preview.text


def test_photo_with_a_long_name_waits_in_every_form(world: World) -> None:
    """A form that comes back keeps its good files, whatever they are called: never a 500, never “disk full”."""
    wrong = []
    for client, action, data, name in taking(world).values():
        upload = called(LONG[:100], photo_bytes())
        texts = {key: "" for key in data if key not in ("request_id", "seen_state")}
        answer = asked(client, "POST", action, {**data, **texts, name: upload})
        if answer.status != 422 or "存不进去" in answer.text:
            wrong.append(f"{action}: {answer.status} {'存不进去' in answer.text}")
    assert not wrong, "\n".join(wrong)


def test_photos_that_wait_are_the_persons_own(world: World) -> None:
    """The id of somebody else's form brings none of the files that wait there."""
    used, client = uuid4(), client_for(world.cast.duty)
    waits = SimpleUploadedFile("罍簋等着.jpg", photo_bytes())
    sent = asked(client, "POST", "/events/report/", {"request_id": used, "photos": waits})
    assert sent.status == 422
    assert leaks(sent.text), "it waits"
    other = asked(world["clients"]["changle_duty"], "POST", "/events/report/", {"request_id": used})
    assert other.status == 422
    assert leaks(other.text) == []


def test_range_of_a_foreign_file_is_not_there(world: World) -> None:
    for kept in world.rows[Attachment][:2]:
        for view in ("attachment", "attachment-preview"):
            url = reverse(f"records:{view}", args=[kept.pk])
            tag = asked(client_for(world.cast.duty), "GET", url).headers.get("ETag", '"x"')
            more = {"HTTP_RANGE": "bytes=0-99", "HTTP_IF_NONE_MATCH": f"{tag}, *"}
            assert asked(world["clients"]["changle_duty"], "GET", url, **more).status == 404


def test_evidence_is_not_in_the_address_space(world: World) -> None:
    """No address leads to the folder: what is kept is given out by the view alone."""
    kept = world.rows[Attachment][0]
    for start in ("/media/", "/files/", "/static/", "/static/../", "/static/../../files/", "/"):
        answer = asked(client_for(world.cast.duty), "GET", f"{start}{kept.original}")
        assert answer.status == 404, start
