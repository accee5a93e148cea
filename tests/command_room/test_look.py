"""The words of the clock, and what no template may hold."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.template import Context, Engine, Template

from command_room.templatetags import look

TOWN = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 10, 42, tzinfo=TOWN)
MINUTE, HOUR, DAY = 60, 3600, 86400

SPANS = [
    (0, "不到 1 分钟"),
    (59, "不到 1 分钟"),
    (60, "1 分钟"),
    (9 * MINUTE + 59, "9 分钟"),
    (HOUR, "1 小时"),
    (HOUR + 50 * MINUTE, "1 小时 50 分"),
    (DAY - 1, "23 小时 59 分"),
    (DAY, "1 天"),
    (DAY + 59 * MINUTE, "1 天"),
    (2 * DAY + 3 * HOUR, "2 天 3 小时"),
    (3 * DAY + 3 * HOUR, "3 天"),
    (15 * DAY + HOUR, "15 天"),
]


@pytest.mark.parametrize(("seconds", "words"), SPANS)
def test_span_says_whole_minutes(seconds: int, words: str) -> None:
    assert look.span(seconds) == words
    assert look.span(-seconds) == words


def test_left_says_what_remains_and_what_is_over() -> None:
    assert look.left(NOW + timedelta(hours=2), NOW) == "还剩 2 小时"
    assert look.left(NOW - timedelta(minutes=35), NOW) == "超期 35 分钟"
    assert look.left(None, NOW) == ""


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 24, 16, 30, tzinfo=TOWN), "今天 16:30"),
        (datetime(2026, 11, 24, 16, 30, tzinfo=UTC), "明天 00:30"),
        (datetime(2026, 11, 25, 10, 36, tzinfo=TOWN), "明天 10:36"),
        (datetime(2026, 11, 23, 8, 0, tzinfo=TOWN), "昨天 08:00"),
        (datetime(2026, 12, 9, 17, 30, tzinfo=TOWN), "12 月 9 日 17:30"),
        (datetime(2027, 1, 3, 17, 30, tzinfo=TOWN), "2027 年 1 月 3 日 17:30"),
        (None, ""),
    ],
)
def test_when_names_near_days(at: datetime | None, words: str) -> None:
    assert look.when(at, NOW) == words


def test_when_says_tomorrow_over_the_turn_of_the_year() -> None:
    eve = datetime(2026, 12, 31, 23, 0, tzinfo=TOWN)
    assert look.when(eve + timedelta(hours=2), eve) == "明天 01:00"


TONES = [
    (-1, None, "late"),
    (0, None, "soon"),
    (2 * HOUR - 1, None, "soon"),
    (2 * HOUR, None, "ok"),
    (2 * DAY, 13 * DAY, "soon"),  # less than a fifth of fifteen days is left
    (3 * DAY, 12 * DAY, "ok"),
]


@pytest.mark.parametrize(("left", "gone", "tone"), TONES)
def test_tone_follows_what_is_left(left: int, gone: int | None, tone: str) -> None:
    since = NOW - timedelta(seconds=gone) if gone else None
    assert look.tone_of(NOW + timedelta(seconds=left), NOW, since) == tone


def test_tone_without_a_time_is_idle() -> None:
    assert look.tone(None, NOW) == "idle"


def render(source: str, **context: object) -> str:
    return re.sub(r"<[^>]+>", "", Template("{% load look %}" + source).render(Context({"now": NOW, **context})))


def test_due_says_when_and_how_long() -> None:
    tag = "{% due at '签收' now provisional=maybe %}"
    assert render(tag, at=NOW + timedelta(minutes=9), maybe=False) == "还剩 9 分钟签收（10:51 前）"
    assert render(tag, at=NOW + timedelta(days=1), maybe=True) == "还剩 1 天签收（明天 10:42 前）暂定"
    assert render(tag, at=NOW - timedelta(minutes=35), maybe=False) == "签收超期 35 分钟（10:07 到期）"
    assert render(tag, at=None, maybe=False) == ""


def test_due_escapes_its_label() -> None:
    html = look.due(NOW, "<b>", NOW)
    assert "<b><b>" not in html
    assert "&lt;b&gt;" in html


def test_due_keeps_a_given_tone() -> None:
    html = look.due(NOW - timedelta(hours=1), "评价", NOW, tone="idle")
    assert 'class="due idle"' in html
    assert 'data-tone="idle"' in html


def test_done_marks_what_came_late() -> None:
    tag = "{% done at '签收' now due=due %}"
    assert render(tag, at=NOW, due=NOW + timedelta(minutes=1)) == "今天 10:42 已签收"
    assert render(tag, at=NOW, due=NOW - timedelta(minutes=35)) == "今天 10:42 已签收 迟 35 分钟"
    assert render(tag, at=None, due=None) == ""


def test_spoken_says_a_timedelta() -> None:
    assert look.spoken(timedelta(minutes=10)) == "10 分钟"
    assert look.spoken(None) == ""


TEMPLATES = sorted(Path(settings.BASE_DIR / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR / "templates")))
def test_template_keeps_to_the_policy(path: Path) -> None:
    """Nothing inline (the content policy would drop it), nothing that htmx would have to evaluate, 150 lines at most."""
    text = path.read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=|hx-on|<style|javascript:|hx-vals=.js:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r'hx-trigger="[^"]*\[', text)
    assert len(text.splitlines()) <= 150


def test_error_page_500_needs_nothing() -> None:
    html = Engine().from_string((settings.BASE_DIR / "templates/500.html").read_text()).render(Context())
    assert "系统出错了" in html
    assert "{%" not in html
