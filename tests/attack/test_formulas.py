"""What somebody typed is a text in every file that leaves the portal, and no file that comes in is obeyed."""

import csv
import io
import re
import zipfile
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.conf import settings
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.urls import reverse
from import_export.admin import ExportMixin

from enforcement.models import Dispatch, Event, Whistle
from records.models import Access
from tests.attack.crawl import Watch, asked
from tests.attack.world import World
from tests.cast import client_for
from townships.models import Unit, User

STARTS = ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠", " =", "|=", "%0A="]
FORMULA = re.compile(r"^[=+\-@\t\r\n＝＋－＠]")
NUMBER = re.compile(r"^[+-]?[\d.:\- ]+$")


def plant(rows: Any) -> None:
    """In every text of these rows that is no code, no key and no choice: another beginning each."""
    for number, row in enumerate(rows):
        said = {
            field.attname: f"{STARTS[(number + n) % len(STARTS)]}HYPERLINK({n})"[: field.max_length or 60]
            for n, field in enumerate(texts(type(row)))
            if getattr(row, field.attname)
        }
        type(row)._default_manager.filter(pk=row.pk).update(**said)


def texts(model: type[models.Model]) -> list[Any]:
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not (field.choices or field.unique or field.db_returning or getattr(field, "of", None))
        and field.editable
        and (field.max_length or 60) >= 20
        and "password" not in field.name
        and "state" not in field.name
    ]  # fmt: skip


def begun(cells: list[str]) -> list[str]:
    return [cell for cell in cells if FORMULA.match(cell) and not NUMBER.match(cell)]


def formulas(content: bytes, kind: str) -> list[str]:
    """Cells that a spreadsheet would work out instead of showing."""
    if kind == "csv":
        return begun([cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) for cell in row])
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = [name for name in book.namelist() if "externalLink" in name or "vba" in name]
        inside = "".join(
            book.read(name).decode() for name in book.namelist() if "sheet" in name and name.endswith("xml")
        )
    found = [f"{cell.coordinate} {cell.value}" for cell in cells(content) if cell.data_type == "f" or cell.hyperlink]
    return [*found, *names, *re.findall(r"<f[ >]|<hyperlink ", inside)]


def cells(content: bytes) -> list[Any]:
    return [cell for sheet in openpyxl.load_workbook(io.BytesIO(content)) for row in sheet.iter_rows() for cell in row]


def holds_what_was_planted(content: bytes, kind: str) -> bool:
    return "HYPERLINK(" in (
        content.decode("utf-8-sig") if kind == "csv" else " ".join(f"{c.value}" for c in cells(content))
    )


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_list_holds_a_formula(world: World, kind: str) -> None:
    for model in (Event, Whistle, Dispatch, Unit):
        plant(model._default_manager.order_by("pk")[:40])
    client, wrong, held = client_for(world.cast.auditor), [], 0
    for code in settings.LISTINGS:
        sent = {"query": "", "format": kind, "request_id": uuid4()}
        content = b"".join(client.post(reverse("enforcement:export", args=[code]), sent).streaming_content)
        held += holds_what_was_planted(content, kind)
        wrong += [f"{code}: {cell!r}" for cell in formulas(content, kind)]
    assert not wrong, "\n".join(wrong)
    assert held == len(settings.LISTINGS)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_audit_holds_no_formula(world: World, kind: str) -> None:
    plant(User.objects.order_by("pk"))
    client = client_for(world.cast.auditor)
    for start in STARTS:
        Access.objects.create(
            by=world.cast.duty, office=f"{start}HYPERLINK(1)", what="exported", detail={"list": f"{start}HYPERLINK"}
        )
    content = client.get("/audit/", {"format": kind}).content
    assert formulas(content, kind) == []
    assert holds_what_was_planted(content, kind)


EXPORTING = [model for model, one in admin.site._registry.items() if isinstance(one, ExportMixin)]


@pytest.mark.parametrize(("form", "kind"), [(0, "csv"), (1, "xlsx")])
def test_no_table_of_the_admin_holds_a_formula(world: World, form: int, kind: str) -> None:
    """Each table that can be exported there, a new one too."""
    client, wrong = client_for(world.cast.bureau_admin), []
    assert len(EXPORTING) > 5
    for model in EXPORTING:
        plant(model._default_manager.order_by("pk")[:20])
    for model in EXPORTING:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export")
        response = client.post(url, {"format": form, "resource": ""})
        assert response.status_code == 200, url
        wrong += [f"{model.__name__}: {cell!r}" for cell in formulas(response.content, kind)]
    assert not wrong, "\n".join(wrong)


# --- in ------------------------------------------------------------------------------------------------------------------
ENTITY = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefghi", "bcdefghij", strict=True)
) + "]>"  # fmt: skip


def book_with(head: str, cell: str) -> bytes:
    """A workbook whose shared strings begin with `head`, and say `cell`."""
    made = openpyxl.Workbook()
    made.active.append(["用户名", "姓名", "单位", "岗位"])
    plain, out = io.BytesIO(), io.BytesIO()
    made.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sharedStrings.xml"):
                body = content.decode().partition("?>")[2] or content.decode()
                content = (head + body.replace("姓名", cell)).encode()
            new.writestr(name, content)
        new.writestr(
            "xl/externalLinks/externalLink1.xml",
            '<externalLink><externalBook r:id="file:///etc/passwd"/></externalLink>',
        )
    return out.getvalue()


def test_workbook_that_reads_or_multiplies_is_refused(world: World) -> None:
    """In every place where the admin takes a workbook: a sentence, soon, and nothing of another file in it."""
    client, watch, wrong = client_for(world.cast.bureau_admin), Watch(), []
    places = {"/admin/townships/user/accounts/": {}}
    places |= {f"/admin/townships/{name}/import/": {"format": "1"} for name in ("unit", "user", "squadmember")}
    for url, more in places.items():
        field = "import_file" if more else "file"
        for title, content in {
            "entity": book_with(ENTITY, "&e;"),
            "laughs": book_with(LAUGHS, "&j;"),
            "none": b"PK\x03\x04xx",
        }.items():
            with watch.undone():
                answer = asked(client, "POST", url, {**more, field: SimpleUploadedFile("x.xlsx", content)})
                if (
                    answer.status >= 500
                    or "root:" in answer.text
                    or "hahaha" in answer.text
                    or len(answer.text) > 500_000
                ):
                    wrong.append(f"{url} {title}: {answer.status} {len(answer.text)}")
                if watch.changed():
                    wrong.append(f"{url} {title}: {watch.changed()}")
    assert not wrong, "\n".join(wrong)


def test_formula_that_comes_in_is_a_text_or_refused(world: World) -> None:
    """An imported name that begins as a formula goes out again as a text."""
    made = openpyxl.Workbook()
    made.active.append(["用户名", "姓名", "单位", "岗位"])
    made.active.append(["zhang-9", "x", "330683101", "指挥室值班员"])
    made.active["B2"].value = '=HYPERLINK("http://x.invalid","x")'
    out = io.BytesIO()
    made.save(out)
    client = client_for(world.cast.bureau_admin)
    sent = {"file": SimpleUploadedFile("x.xlsx", out.getvalue())}
    answer = client.post("/admin/townships/user/accounts/", sent)
    assert answer.status_code < 500
    form = answer.context.get("confirm") if answer.context else None
    if form:
        client.post("/admin/townships/user/accounts/apply/", {name: form[name].value() for name in form.fields})
    url = reverse("admin:townships_user_export")
    for number, kind in enumerate(("csv", "xlsx")):
        assert formulas(client.post(url, {"format": number, "resource": ""}).content, kind) == []
