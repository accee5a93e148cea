"""Long lists as files: XLSX in which every text is a text, or CSV that a spreadsheet opens. Row by row, memory flat."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import IO, BinaryIO, NamedTuple, cast

import xlsxwriter
from django.utils import timezone
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

Cell = str | int | datetime | None
Line = Sequence[Cell]
XLSX, CSV = "xlsx", "csv"
MIMES = {
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    CSV: "text/csv; charset=utf-8",
}
# a text is a text: what somebody typed is neither a formula nor a link, whatever it begins with
AS_TEXT = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
TIME_FORMAT = "yyyy-mm-dd hh:mm"
# the wide ones too: an input method writes them, and a spreadsheet reads them as the others
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Column(NamedTuple):
    """A column: what stands over it, and how many characters wide it is."""

    title: str
    width: int = 14


class About(NamedTuple):
    """What is told of the file in the file itself."""

    name: str
    value: str


Table = tuple[str, Sequence[Column], Iterable[Line]]  # what it is called, its columns, its rows
Tell = Callable[[int], Sequence[About]]  # with the number of rows, known at the end


def write(kind: str, out: IO[bytes], table: Table, tell: Tell) -> int:
    """Write the table and, at its end, what is told of it. How many rows it were."""
    return _write_csv(out, table, tell) if kind == CSV else _write_xlsx(out, table, tell)


def _write_xlsx(out: IO[bytes], table: Table, tell: Tell) -> int:
    name, columns, lines = table
    with xlsxwriter.Workbook(out, {"constant_memory": True, **AS_TEXT}) as book:
        head, time = (
            book.add_format({"bold": True, "bg_color": "#E9F1FB"}),
            book.add_format({"num_format": TIME_FORMAT}),
        )
        sheet = _sheet(book, name, columns, head)
        rows = 0
        for rows, line in enumerate(lines, start=1):
            for column, value in enumerate(line):
                if isinstance(value, str):
                    sheet.write_string(rows, column, value)
                elif isinstance(value, datetime):
                    sheet.write_datetime(rows, column, _local(value), time)
                elif value is not None:
                    sheet.write_number(rows, column, value)
        sheet.autofilter(0, 0, rows, len(columns) - 1)
        about = _sheet(book, "说明", [Column("项目", 14), Column("内容", 80)], head)
        for number, said in enumerate(tell(rows), start=1):
            about.write_string(number, 0, said.name)
            about.write_string(number, 1, said.value)
    return rows


def _sheet(book: Workbook, name: str, columns: Sequence[Column], head: object) -> Worksheet:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for number, column in enumerate(columns):
        sheet.set_column(number, number, column.width)
        sheet.write_string(0, number, column.title, head)
    return sheet


def _write_csv(out: IO[bytes], table: Table, tell: Tell) -> int:
    _, columns, lines = table
    text = io.TextIOWrapper(cast(BinaryIO, out), encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([column.title for column in columns])
    rows = 0
    for rows, line in enumerate(lines, start=1):  # noqa: B007 - as above
        writer.writerow([_plain(value) for value in line])
    writer.writerow([])
    writer.writerows([_plain(said.name), _plain(said.value)] for said in tell(rows))
    text.detach()
    return rows


def _plain(value: Cell) -> str:
    """A text that a spreadsheet leaves alone: an apostrophe before what it would take for a formula."""
    if isinstance(value, datetime):
        return f"{_local(value):%Y-%m-%d %H:%M}"
    if isinstance(value, str):
        return f"'{value}" if value.startswith(STARTS_FORMULA) else value
    return "" if value is None else str(value)


def _local(moment: datetime) -> datetime:
    """The municipality's clock; a spreadsheet knows no time zones."""
    return timezone.localtime(moment).replace(tzinfo=None, microsecond=0)
