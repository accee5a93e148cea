"""Import and export of reference tables: Chinese column heads, text that stays text, errors that say what to do."""

import csv
import re
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO, StringIO
from itertools import zip_longest
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import tablib
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models
from django.utils.html import format_html
from import_export import resources, widgets
from import_export.fields import Field
from import_export.formats import base_formats
from import_export.tmp_storages import TempFolderStorage
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from records.models import Stage
from records.services import record
from townships.services.changes import changes

MOST_ROWS = 2000  # the import runs while the page waits
LARGEST = 50_000_000  # bytes of what a file unpacks to
FAR_ROW, FAR_COLUMN = 20_000, 100  # of a sheet; beyond it nothing is looked at
A_DAY = 86_400
STARTS = r"[=+\-@＝＋－＠\t\r\n]"  # the wide ones too: a Chinese Excel reads them alike
FORMULA = re.compile(f"^{STARTS}")
ESCAPED = re.compile(f"^'(?={STARTS})")


# --- files ----------------------------------------------------------------------------------------------------------
class NoRowsError(Exception):
    """A file without a line of data."""


def _with_rows(dataset: Any) -> Any:
    if not dataset:
        raise NoRowsError
    return dataset


class SafeCSV(base_formats.CSV):
    """CSV for Excel: UTF-8 with a mark on the way out, GB18030 understood on the way in, no cell is a formula."""

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def export_data(self, dataset: Any, **_: Any) -> bytes:
        out = StringIO()
        writer = csv.writer(out)
        writer.writerow(dataset.headers)
        writer.writerows([_quoted(cell) for cell in row] for row in dataset)
        return out.getvalue().encode("utf-8-sig")

    def create_dataset(self, in_stream: bytes, **_: Any) -> Any:
        try:
            text = in_stream.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = in_stream.decode("gb18030")
        rows = [[ESCAPED.sub("", cell) for cell in row] for row in csv.reader(StringIO(text)) if any(row)]
        return _with_rows(tablib.Dataset(*rows[1:], headers=rows[0] if rows else None))


class SafeXLSX(base_formats.XLSX):
    """Every text is written as text: openpyxl would turn one that begins with = into a formula."""

    def create_dataset(self, in_stream: Any) -> Any:
        """Not farther than any file of ours goes: one stray cell in the last corner makes a sheet of seventeen billion."""
        with zipfile.ZipFile(BytesIO(in_stream)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST:
                raise ValueError("the file unpacks to too much")
        sheet = load_workbook(BytesIO(in_stream), read_only=True, data_only=True).active
        columns = min(sheet.max_column or FAR_COLUMN, FAR_COLUMN)
        rows = list(sheet.iter_rows(max_row=FAR_ROW + 1, max_col=columns, values_only=True))
        filled = [[at for at, cell in enumerate(row, start=1) if cell is not None] for row in rows]
        last = max((number for number, cells in enumerate(filled, start=1) if cells), default=0)
        if last > FAR_ROW:  # a part of the rows is never taken for all of them
            raise ValueError("the sheet has too many rows")
        width = max((cells[-1] for cells in filled if cells), default=0)
        padded = [[*row, *[None] * width][:width] for row in rows[:last]]
        return _with_rows(tablib.Dataset(*padded[1:], headers=padded[0] if padded else None))

    def export_data(self, dataset: Any, **_: Any) -> bytes:
        return workbook({"数据": [dataset.headers, *dataset]})


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    """An XLSX file, every text of which is text."""
    book = Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for letter, wide in zip(ascii_uppercase, _widths(rows), strict=False):
            sheet.column_dimensions[letter].width = wide
        for row in rows:
            sheet.append([_text_cell(sheet, value) for value in row])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _widths(rows: Sequence[Sequence[Any]]) -> list[int]:
    """A Chinese character is as wide as two."""
    longest = [
        max(len(str(cell or "").encode("gb18030", "replace")) for cell in column) for column in zip_longest(*rows)
    ]
    return [min(max(n + 2, 10), 60) for n in longest]


def _quoted(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


def _text_cell(sheet: Any, value: Any) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value="" if value is None else value)
    if isinstance(value, str):
        cell.data_type = "s"
    return cell


class ImportFolder(TempFolderStorage):
    """Between preview and confirmation a file lies in a folder of its own that only the portal reads, a day at most."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = Path(settings.VAR_DIR) / "imports"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def save(self, data: bytes) -> None:
        for old in self.folder.iterdir():
            if old.stat().st_mtime < time.time() - A_DAY:
                old.unlink(missing_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            file.write(data)
        self.name = Path(file.name).name

    def get_full_path(self) -> str:
        return str(self.folder / Path(self.name).name)


# --- cells ----------------------------------------------------------------------------------------------------------
class Text(widgets.CharWidget):
    """A spreadsheet makes numbers of codes and phones; here they are text again."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return str(super().clean(value, row, **kwargs) or "").strip()


class Day(widgets.Widget):
    def clean(self, value: Any, row: Any = None, **_: Any) -> date | None:  # noqa: ARG002 - the library's signature
        if value in (None, ""):
            return None
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value).strip().replace("/", "-"))
        except ValueError:
            raise ValueError(f"“{value}”不是日期，请写成 2026-11-24 的样子") from None

    def render(self, value: Any, obj: Any = None, **_: Any) -> str:  # noqa: ARG002
        return value.isoformat() if value else ""


class Choice(widgets.Widget):
    """The label or the code on the way in, the label on the way out."""

    def __init__(self, choices: Sequence[tuple[Any, str]]) -> None:
        super().__init__()
        self.labels = {value: str(label) for value, label in choices}
        self.values = {**{str(value): value for value in self.labels}, **{v: k for k, v in self.labels.items()}}

    def clean(self, value: Any, row: Any = None, **_: Any) -> Any:  # noqa: ARG002
        text = str(value if value is not None else "").strip()
        if text and text not in self.values:
            raise ValueError(f"“{text}”不在可选值内，请填写：{'、'.join(self.labels.values())}")
        return self.values.get(text, "")

    def render(self, value: Any, obj: Any = None, **_: Any) -> str:  # noqa: ARG002
        return self.labels.get(value, "")


class Reference(widgets.ForeignKeyWidget):
    """A row of another table, named by its code."""

    def clean(self, value: Any, row: Any = None, **_: Any) -> Any:  # noqa: ARG002
        text = Text().clean(value)
        if not text:
            return None
        try:
            return self.model.objects.get(**{self.field: text})
        except ObjectDoesNotExist:
            what = self.model._meta.verbose_name
            raise ValueError(f"找不到{what}“{text}”，请填写已有的{what}，或先把它导入") from None


YES_NO = ((True, "是"), (False, "否"))
NAMED_BY = {"User": "username"}  # everything else by its code


def column(model: type[models.Model], name: str) -> Field:
    """The column of one model field: its Chinese name as head, and a cell that fits its type."""
    field: Any = model._meta.get_field(name)
    if field.is_relation:
        widget = Reference(field.related_model, NAMED_BY.get(field.related_model.__name__, "code"))
    elif field.choices:
        widget = Choice(field.choices)
    elif isinstance(field, models.BooleanField):
        widget = Choice(YES_NO)
    elif isinstance(field, models.DateField):
        widget = Day()
    elif isinstance(field, models.CharField):
        widget = Text()
    else:
        widget = resources.ModelResource.widget_from_django_field(field)()
    return Field(attribute=name, column_name=str(field.verbose_name), widget=widget, default=field.default)


# --- tables ---------------------------------------------------------------------------------------------------------
class OldToNew:
    """What a row of the preview shows: the new value, before it the old one where they differ. No inline style."""

    def __init__(self, resource: Any, instance: Any, new: Any) -> None:
        self.left = [] if new else self._values(resource, instance)
        self.right: list[str] = []

    def compare_with(self, resource: Any, instance: Any) -> None:
        self.right = self._values(resource, instance)

    def as_html(self) -> list[str]:
        left = self.left or [""] * len(self.right)
        return [
            format_html("<del>{}</del> <ins>{}</ins>", old, new) if old and old != new else format_html("{}", new)
            for old, new in zip(left, self.right, strict=True)
        ]

    @staticmethod
    def _values(resource: Any, instance: Any) -> list[str]:
        return [str(field.export(instance) or "") for field in resource.get_import_fields()]


class ReferenceResource(resources.ModelResource):
    class Meta:
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True

    def get_diff_class(self) -> type[OldToNew]:
        return OldToNew

    def before_import(self, dataset: Any, **_: Any) -> None:
        """Refuse a file whose columns are not understood, before any of its rows is looked at."""
        known = {field.column_name for field in self.get_import_fields()}
        keys = [self.fields[name].column_name for name in self.get_import_id_fields()]
        heads = [str(head) for head in dataset.headers or []]
        refusal = ""
        if strange := [head for head in heads if head not in known]:
            refusal = f"第 1 行有不认识的列：{'、'.join(strange)}。可用的列：{'、'.join(sorted(known))}"
        elif missing := [key for key in keys if key not in heads]:
            refusal = f"第 1 行缺少列：{'、'.join(missing)}，请补上；可先导出一份作样子"
        elif len(dataset) > MOST_ROWS:
            refusal = f"一次最多 {MOST_ROWS} 行，这个文件有 {len(dataset)} 行，请分几次导入"
        if refusal:
            dataset.wipe()  # the library would go on to the rows
            raise ValueError(refusal)

    def after_import(self, dataset: Any, result: Any, **_: Any) -> None:
        result.heads = [str(head) for head in dataset.headers or []]

    def get_instance(self, instance_loader: Any, row: Any) -> Any:
        try:
            return super().get_instance(instance_loader, row)
        except ValueError:  # a key cell is wrong: treated as a new row, and then each wrong cell is reported
            return None

    private: tuple[str, ...] = ()  # of these fields the timeline holds only that they were changed
    fixed: tuple[str, ...] = ()  # of a row that is there already, these stay

    def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        super().before_save_instance(instance, row, **kwargs)
        is_old = instance.pk is not None
        self.before = type(instance)._default_manager.get(pk=instance.pk) if is_old else None
        for name in self.fixed if is_old else ():
            field = instance._meta.get_field(name)
            if getattr(self.before, field.attname) != getattr(instance, field.attname):
                raise ValidationError(
                    {name: f"已有的{instance._meta.verbose_name}不能改{field.verbose_name}，请另起一行"}
                )

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:  # noqa: ARG002
        data = {"changes": changes(self.before, instance, private=self.private)}
        record(instance, "import", by=kwargs["user"], what="由文件导入或更新", stage=Stage.FILE, data=data)


def resource_for(
    model: type[models.Model],
    names: Sequence[str],
    *,
    keys: Sequence[str],
    base: type[ReferenceResource] = ReferenceResource,
    private: Sequence[str] = (),
    fixed: Sequence[str] = (),
) -> type[ReferenceResource]:
    """A resource of these columns; a row of a file is an old one when its `keys` are."""
    meta = type("Meta", (), {"model": model, "fields": names, "import_id_fields": keys})
    columns = {name: column(model, name) for name in names if name not in base.fields}
    metaclass: Any = type(base)
    more = {"private": (*base.private, *private), "fixed": (*base.fixed, *fixed)}
    made: type[ReferenceResource] = metaclass(f"{model.__name__}Resource", (base,), {"Meta": meta, **more, **columns})
    return made


@dataclass(frozen=True)
class Problem:
    line: int | None  # of the file, its head being line 1; None for the file as a whole
    column: str
    message: str
    cell: str = ""  # as the spreadsheet calls it: F4


def problems(result: Any, resource: ReferenceResource) -> list[Problem]:
    """What is wrong with the file, in its own lines and columns."""
    heads = {field.attribute: field.column_name for field in resource.get_import_fields()}
    found = [Problem(None, "", str(error.error)) for error in result.base_errors]
    found += [Problem(row + 1, "", _sentence(e.error)) for row, errors in result.row_errors() for e in errors]
    for row in result.invalid_rows:
        for name, messages in row.error_dict.items():
            column, line = heads.get(name, ""), row.number + 1
            found += [Problem(line, column, message, cell_name(result.heads, column, line)) for message in messages]
    return sorted(found, key=lambda problem: problem.line or 0)


def cell_name(heads: Sequence[str], column: str, line: int) -> str:
    """F4; empty where the file has no such column."""
    return f"{get_column_letter(list(heads).index(column) + 1)}{line}" if column in heads else ""


def _sentence(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "；".join(error.messages)
    return f"这一行没能保存，请核对各列后重试（{type(error).__name__}）"
