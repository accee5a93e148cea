"""The kinds of cells of a case file. Cells are taken exactly: no spaces around, lower case, ASCII digits."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MOMENT_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")


@dataclass(frozen=True)
class Cell:
    """`read` turns a cell's text into a value, or raises ValueError; `allowed` says in Chinese what it takes."""

    allowed: str
    read: Callable[[str], Any]


class BadInput(Exception):  # noqa: N818
    """A file, a configuration or a command that is not what was asked for: one Chinese sentence for each fault."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class BadCell(ValueError):  # noqa: N818
    """A cell that is wrong only beside its neighbours, or whose outcome cannot be written down."""

    def __init__(self, column: str, allowed: str) -> None:
        super().__init__(f"{column}: {allowed}")
        self.column, self.allowed = column, allowed


def one_of(*codes: str) -> Cell:
    def read(text: str) -> str:
        if text not in codes:
            raise ValueError(text)
        return text

    return Cell("、".join(codes) + " 之一", read)


def whole(minimum: int = 0) -> Cell:
    def read(text: str) -> int:
        if not re.fullmatch("[0-9]+", text) or int(text) < minimum:
            raise ValueError(text)
        return int(text)

    return Cell(f"不小于 {minimum} 的整数", read)


def _moment(text: str) -> datetime:
    if not MOMENT_PATTERN.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text)


MOMENT = Cell("北京时间 YYYY-MM-DDTHH:MM 或 YYYY-MM-DDTHH:MM:SS，不带时区", _moment)


def print_moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
