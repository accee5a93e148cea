"""The few lines that `make run` shows: Chinese first, then English, and nothing that a person does not need."""

import csv
import unicodedata
from pathlib import Path

from django.conf import settings


def first_words() -> str:
    return "嵊州市“大综合一体化”行政执法协同平台 · starting"


def ready_words(seconds: float) -> str:
    """Where it is, who can log in, where the logs are, how to stop."""
    lines = [
        "",
        f"  {settings.PORTAL_URL}/   （{seconds:.1f} 秒就绪 · ready）",
        demo_accounts(),
        f"  日志 · logs: {short(settings.VAR_DIR / 'log')}/    停止 · stop: Ctrl-C",
    ]
    return "\n".join(lines)


def short(path: Path) -> Path:
    """Relative to the project where it is inside."""
    return path.relative_to(settings.BASE_DIR) if path.is_relative_to(settings.BASE_DIR) else path


def demo_accounts() -> str:
    """The demo accounts as a table, or nothing when there are none."""
    file = settings.VAR_DIR / "demo-accounts.csv"
    if not settings.EMBEDDED_DATABASE or not file.exists():
        return ""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    widths = [max(map(width, column)) for column in zip(*rows, strict=False)]
    table = "\n".join("    " + "  ".join(map(padded, row, widths)).rstrip() for row in rows)
    return f"\n  演示账号 · demo accounts ({short(file)})\n{table}\n"


def width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))
