"""Loading a year's holiday list, and having what was only provisional computed anew."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from celery import current_app
from chinese_calendar import constants
from django.db import transaction

from records.models import Stage
from records.services import record
from townships.models import CalendarYear, Holiday, User

COLUMNS = {"日期": "date", "种类": "kind", "名称": "name"}  # either name will do
KINDS = {**{value: value for value in Holiday.Kind.values}, **{label: value for value, label in Holiday.Kind.choices}}
MOST_HOLIDAYS = 40  # weekends inside a holiday included, the longest list so far has 34
SATURDAY = 5
SHIPPED = "随平台提供（chinesecalendar）"


class HolidayFileError(ValueError):
    """The file was refused whole; `errors` says line by line what is wrong and what to do."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("；".join(errors))
        self.errors = errors


@dataclass(frozen=True)
class Day:
    date: date
    kind: str
    name: str


def load_shipped(years: Iterable[int] | None = None) -> list[int]:
    """Copy the years that come with the portal (2004–2026) into rows; a year that is there stays as it is."""
    lists = {Holiday.Kind.HOLIDAY: constants.holidays, Holiday.Kind.WORKDAY: constants.workdays}
    shipped = _by_year(
        Day(day, kind, constants.Holiday(name).chinese) for kind, days in lists.items() for day, name in days.items()
    )
    wanted = shipped.keys() if years is None else shipped.keys() & set(years)
    missing = sorted(wanted - set(CalendarYear.objects.values_list("year", flat=True)))
    if missing:
        _replace({year: shipped[year] for year in missing}, by=None, source=SHIPPED)
    return missing


def load_file(content: bytes, *, by: User | None, source: str) -> list[int]:
    """Load a CSV `日期,种类,名称` or `date,kind,name` (UTF-8 or GB18030) of one or more whole years; such a year is replaced whole.

    Returns the years. Raises HolidayFileError, and then nothing has changed.
    """
    years = _by_year(parse(content))
    errors = [error for year, days in years.items() if (error := _implausible(year, days))]
    if errors:
        raise HolidayFileError(errors)
    with transaction.atomic():
        _replace(years, by=by, source=source)
        transaction.on_commit(recompute_provisional, robust=True)  # without a broker the room's own sweep does it later
    return sorted(years)


def parse(content: bytes) -> list[Day]:
    """The rows of the file. Raises HolidayFileError with every bad line."""
    rows = csv.DictReader(_decode(content).splitlines())
    rows.fieldnames = [COLUMNS.get(name.strip(), name.strip()) for name in rows.fieldnames or []]
    if not set(COLUMNS.values()) <= set(rows.fieldnames):
        raise HolidayFileError([f"第 1 行应为表头 {','.join(COLUMNS)}，请对照样例补上"])
    days: dict[date, Day] = {}
    errors = []
    for row in rows:
        try:
            day = _day(row)
            if day.date in days:
                raise ValueError(f"{day.date} 重复，请只留一行")
            days[day.date] = day
        except ValueError as error:
            errors.append(f"第 {rows.line_num} 行：{error}")
    if errors or not days:
        raise HolidayFileError(errors or ["文件里没有日期，请至少填写一年的放假安排"])
    return list(days.values())


def _day(row: dict[str, str]) -> Day:
    text, kind = (row["date"] or "").strip(), (row["kind"] or "").strip()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"日期“{text}”应写成 2027-01-01 的样子") from None
    if kind not in KINDS:
        raise ValueError(f"种类“{kind}”应填放假或调休上班")
    if KINDS[kind] == Holiday.Kind.WORKDAY and day.weekday() < SATURDAY:
        raise ValueError(f"{day} 不是周末，本来就上班；请删去这一行或改正日期")
    return Day(day, KINDS[kind], (row["name"] or "").strip()[:30])


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):  # Excel on a Chinese Windows writes the latter
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise HolidayFileError(["文件不是文本，请另存为 CSV（UTF-8）后再上传"])


def _by_year(days: Iterable[Day]) -> dict[int, list[Day]]:
    years: dict[int, list[Day]] = defaultdict(list)
    for day in days:
        years[day.date.year].append(day)
    return years


def _implausible(year: int, days: list[Day]) -> str:
    count = sum(day.kind == Holiday.Kind.HOLIDAY for day in days)
    if 0 < count <= MOST_HOLIDAYS:
        return ""
    return f"{year} 年有 {count} 天放假，应为 1 至 {MOST_HOLIDAYS} 天；请核对文件是否完整、有无多列普通周末"


@transaction.atomic
def _replace(years: dict[int, list[Day]], *, by: User | None, source: str) -> None:
    Holiday.objects.filter(date__year__in=years).delete()
    Holiday.objects.bulk_create(
        Holiday(date=day.date, kind=day.kind, name=day.name) for days in years.values() for day in days
    )
    for year, days in sorted(years.items()):
        row, _ = CalendarYear.objects.update_or_create(year=year, defaults={"source": source[:120]})
        off = sum(day.kind == Holiday.Kind.HOLIDAY for day in days)
        what = f"导入 {year} 年放假安排：放假 {off} 天，调休上班 {len(days) - off} 天"
        record(row, "calendar_year_load", by=by, what=what, stage=Stage.FILE)


def recompute_provisional() -> None:
    """Ask the rooms above to compute their provisional due times anew; by name, since they are above."""
    current_app.send_task("enforcement.recompute_provisional")
