import io
import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from portal.decide.cases import YearsNotLoaded, run
from portal.decide.cells import BadInput
from portal.decide.numbers import Group, override, parse
from portal.decide.tables import TABLES
from portal.decide.worktime import with_windows
from townships.rules.worktime import Calendar
from townships.worktime import calendar, shipped_calendar

BAD_INPUT, YEAR_NOT_LOADED = 2, 3
SHAPE = Group({name: table.numbers.shape for name, table in TABLES.items()})


class Command(BaseCommand):
    help = "Runs a rule over a CSV file of cases and prints the same rows with the outcome columns appended."
    requires_system_checks = []  # with --defaults no database is touched, and a check might

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", nargs="?", metavar="TABLE", help=f"one of: {', '.join(TABLES)}")
        parser.add_argument("--cases", metavar="FILE.csv", help="the cases; - reads standard input")
        parser.add_argument("--show-config", action="store_true", help="print the configurable numbers as JSON")
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--defaults", action="store_true", help="the shipped numbers and holidays, no database")
        source.add_argument("--config", metavar="FILE.json", help="numbers that override those of the database")

    def handle(self, **options: Any) -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8")  # the file format is UTF-8 whatever the locale says
        try:
            out = show_config(options) if options["show_config"] else decide(options)
        except BadInput as refusal:
            raise CommandError("\n".join(refusal.faults), returncode=BAD_INPUT) from refusal
        except YearsNotLoaded as refusal:
            raise CommandError(how_to_load(refusal), returncode=YEAR_NOT_LOADED) from refusal
        except DatabaseError as error:
            raise CommandError(f"读不到数据库（{error}）；自带的数字和节假日可用 --defaults") from error
        self.stdout.write(out, ending="")


def decide(options: dict[str, Any]) -> str:
    name, source = options["table"], options["cases"]
    if name not in TABLES:
        raise BadInput([f"没有表 {name or '（未给出）'}，可用的表：{'、'.join(TABLES)}"])
    if source is None:
        raise BadInput(["请用 --cases FILE.csv 给出案例文件，--cases - 读标准输入"])
    cal, numbers = configuration(options)
    return run(TABLES[name], read(source), cal, numbers[name])


def show_config(options: dict[str, Any]) -> str:
    if options["table"] or options["cases"]:
        raise BadInput(["--show-config 只打印配置，不与表名或 --cases 同用"])
    _, numbers = configuration(options)
    return json.dumps(numbers, ensure_ascii=False, indent=2) + "\n"


def configuration(options: dict[str, Any]) -> tuple[Calendar, dict[str, Any]]:
    """The calendar and the numbers of all tables, by the options. Raises BadInput."""
    if options["defaults"]:
        return shipped_calendar(), {name: table.numbers.shipped() for name, table in TABLES.items()}
    changes = parse(read(options["config"])) if options["config"] else {}
    numbers = override(SHAPE, {name: table.numbers.stored() for name, table in TABLES.items()}, changes)
    if "windows" in changes.get("worktime", {}):
        return with_windows(calendar(), numbers["worktime"]["windows"]), numbers
    return calendar(), numbers


def read(source: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise BadInput([f"读不到文件 {source}：{error.strerror}"]) from error


def how_to_load(refusal: YearsNotLoaded) -> str:
    rows = "\n".join(
        f"第 {line} 行要知道 {year} 年的工作日，该年的放假安排尚未导入" for year, line in sorted(refusal.lines.items())
    )
    return f"{rows}\n导入办法：manage.py load_holidays FILE.csv（列 date,kind,name）或管理后台的“放假安排年份”，再运行本命令，不带 --defaults\n"
