from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from townships.services import holidays


class Command(BaseCommand):
    help = "从 CSV 文件（日期,种类,名称 或 date,kind,name）导入放假安排，文件里的年份整年替换。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *_: Any, file: Path, **__: Any) -> None:
        try:
            years = holidays.load_file(file.read_bytes(), by=None, source=f"文件 {file.name}")
        except (OSError, holidays.HolidayFileError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"已导入 {'、'.join(map(str, years))} 年放假安排")
