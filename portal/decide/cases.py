"""A file of cases: read with every fault named, decided, and written with the outcome columns appended."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from portal.decide.cells import BadCell, BadInput, Cell
from portal.decide.numbers import Numbers
from townships.rules.worktime import Calendar, MissingYear

Values = Mapping[str, Any]


class Outcome(NamedTuple):
    cells: Sequence[str]  # in the order of Table.outcomes
    reasons: Sequence[str]


Verdict = Outcome | BadCell | MissingYear


@dataclass(frozen=True)
class Table:
    """One rule as the legal office sees it.

    `decide` gets the rows of the whole file, the calendar and the table's numbers, and gives one verdict a row.
    """

    columns: Mapping[str, Cell]
    outcomes: tuple[str, ...]
    numbers: Numbers
    decide: Callable[[Sequence[Values], Calendar, Any], Iterable[Verdict]]


class Case(NamedTuple):
    line: int
    cells: list[str]
    values: Values


class YearsNotLoaded(Exception):  # noqa: N818
    """Rows need years whose holidays are not loaded: year → the first line that needs it."""

    def __init__(self, lines: Mapping[int, int]) -> None:
        self.lines = lines
        super().__init__(", ".join(map(str, lines)))


def run(table: Table, data: bytes, cal: Calendar, numbers: Mapping[str, Any]) -> str:
    """The same rows in the same order with their outcome, as CSV. Raises BadInput (first) or YearsNotLoaded."""
    header, cases, faults = _read(table, data)
    verdicts = list(table.decide([case.values for case in cases], cal, numbers))
    lines: dict[int, int] = {}
    for case, verdict in zip(cases, verdicts, strict=True):
        match verdict:
            case BadCell(column=column, allowed=allowed):
                faults[case.line] = [_fault(case.line, column, case.cells[header.index(column)], allowed)]
            case MissingYear(year=year):
                lines.setdefault(year, case.line)
    if faults:
        raise BadInput(fault for line in sorted(faults) for fault in faults[line])
    if lines:
        raise YearsNotLoaded(lines)
    return _write(table, header, cases, [verdict for verdict in verdicts if isinstance(verdict, Outcome)])


def row_by_row(
    rule: Callable[[Values, Calendar, Any], Outcome],
) -> Callable[[Sequence[Values], Calendar, Any], Iterable[Verdict]]:
    """The `decide` of a table whose rows know nothing of each other."""

    def decide(rows: Sequence[Values], cal: Calendar, numbers: Any) -> Iterable[Verdict]:
        for row in rows:
            try:
                yield rule(row, cal, numbers)
            except (BadCell, MissingYear) as refusal:
                yield refusal

    return decide


def _read(table: Table, data: bytes) -> tuple[list[str], list[Case], dict[int, list[str]]]:
    """Header, the cases without a fault, and the faults by line. Raises BadInput where no row can be understood."""
    rows, faults = _parse(_decode(data))
    header = rows.pop(0)[1] if rows else []
    if wrong := list(_header_faults(header, table)):
        raise BadInput([*wrong, *chain.from_iterable(faults.values())])
    cases = []
    for line, cells in rows:
        values, wrong = _row(table, header, line, cells)
        if wrong:
            faults[line] = wrong
        else:
            cases.append(Case(line, cells, values))
    return header, cases, faults


def _parse(text: str) -> tuple[list[tuple[int, list[str]]], dict[int, list[str]]]:
    """The rows, each with the number of its first line, up to the first place that is no CSV; the empty ones left out."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            if cells or line == 1:
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        return rows, {line: [f"第 {line} 行：不是合规的 CSV（{error}），其后未再检查"]}
    return rows, {}


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput([f"第 {line} 行：字节 {data[error.start]:#04x} 不是 UTF-8，文件只允许 UTF-8 编码"]) from None


def _header_faults(header: list[str], table: Table) -> Iterable[str]:
    allowed = ",".join(table.columns)
    for column in table.columns:
        if column not in header:
            yield f"第 1 行：缺少列 {column}，应有的列：{allowed}"
    for column in dict.fromkeys(header):
        if column not in table.columns:
            yield f"第 1 行：多余的列 {_shown(column)}，允许的列：{allowed}"
        elif header.count(column) > 1:
            yield f"第 1 行：列 {column} 重复，每列只允许出现一次"


def _row(table: Table, header: list[str], line: int, cells: list[str]) -> tuple[Values, list[str]]:
    if len(cells) != len(header):
        return {}, [f"第 {line} 行：有 {len(cells)} 个单元格 {_shown(','.join(cells))}，应为 {len(header)} 个"]
    values, faults = {}, []
    for column, text in zip(header, cells, strict=True):
        try:
            values[column] = table.columns[column].read(text)
        except ValueError:
            faults.append(_fault(line, column, text, table.columns[column].allowed))
    return values, faults


def _fault(line: int, column: str, text: str, allowed: str) -> str:
    return f"第 {line} 行，{column} 列：{_shown(text)} 不合规，允许的是：{allowed}"


def _shown(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _write(table: Table, header: list[str], cases: list[Case], outcomes: list[Outcome]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*header, *table.outcomes, "reasons"])
    writer.writerows(
        [*case.cells, *outcome.cells, ";".join(outcome.reasons)] for case, outcome in zip(cases, outcomes, strict=True)
    )
    return out.getvalue()
