"""How times are spoken on a page: when something is due and how long is left, in one voice everywhere.

The functions are pure: the clock comes in as `now` (an aware datetime from the view, so that a page has one "now").
`static/js/portal.js` speaks the same words when it refreshes them; tests/browser/test_words.py compares the two.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

register = template.Library()

SOON = timedelta(hours=2)  # the same two hours as the board's figure "2 小时内到期"
SOON_SHARE = 5  # and the last fifth of a longer limit, when the start is given
MINUTE, HOUR, DAY = 60, 3600, 86400
SHOW_HOURS_BELOW_DAYS = 3
NEAR = {-1: "昨天", 0: "今天", 1: "明天"}


def span(seconds: float) -> str:
    """A length of time in words, cut down to whole minutes: 不到 1 分钟, 9 分钟, 1 小时 50 分, 2 天 3 小时, 15 天."""
    rest = int(abs(seconds))
    days, hours, minutes = rest // DAY, rest % DAY // HOUR, rest % HOUR // MINUTE
    if days >= SHOW_HOURS_BELOW_DAYS or (days and not hours):
        return f"{days} 天"
    if days:
        return f"{days} 天 {hours} 小时"
    if hours:
        return f"{hours} 小时 {minutes} 分" if minutes else f"{hours} 小时"
    return f"{minutes} 分钟" if minutes else "不到 1 分钟"


@register.filter
def spoken(value: timedelta | None) -> str:
    """A timedelta as `span` says it; empty for an empty value."""
    return span(value.total_seconds()) if value else ""


@register.filter
def left(value: datetime | None, now: datetime | None = None) -> str:
    """`还剩 2 小时` or `超期 35 分钟`; empty for an empty value."""
    if not value:
        return ""
    seconds = (value - (now or timezone.now())).total_seconds()
    return f"{'超期' if seconds < 0 else '还剩'} {span(seconds)}"


@register.filter
def when(value: datetime | None, now: datetime | None = None) -> str:
    """`今天 16:30`, `明天 10:36`, `昨天 08:00`, `12 月 9 日 17:30`; the year only where it differs from now's."""
    if not value:
        return ""
    zone = timezone.get_default_timezone()  # the town has one; asking for the current one costs ten times as much
    at, today = value.astimezone(zone), (now or timezone.now()).astimezone(zone)
    near = NEAR.get(at.toordinal() - today.toordinal())
    year = "" if at.year == today.year else f"{at.year} 年 "
    return f"{near or f'{year}{at.month} 月 {at.day} 日'} {at.hour:02}:{at.minute:02}"


def clock(value: datetime, now: datetime | None = None) -> str:
    """As `when`, without 今天: `10:51`, `明天 10:36`."""
    return when(value, now).removeprefix("今天 ")


def tone_of(value: datetime | None, now: datetime, since: datetime | None = None) -> str:
    """late, soon (under two hours, or under a fifth of the limit that began at `since`), ok; idle without a time."""
    if not value:
        return "idle"
    rest = value - now
    if rest < timedelta(0):
        return "late"
    if rest < SOON or (since and rest < (value - since) / SOON_SHARE):
        return "soon"
    return "ok"


@register.filter
def tone(value: datetime | None, now: datetime | None = None) -> str:
    """The tone as a class name, for a card's edge."""
    return tone_of(value, now or timezone.now())


@register.simple_tag
def due(
    value: datetime | None,
    label: str = "",
    now: datetime | None = None,
    *,
    provisional: bool = False,
    since: datetime | None = None,
    tone: str = "",
) -> SafeString | str:
    """Both halves of a due time: `还剩 9 分钟签收（10:51 前）`, `签收超期 35 分钟（10:07 到期）`; `tone="idle"`: not my turn."""
    if not value:
        return ""
    now = now or timezone.now()
    state, name = tone or tone_of(value, now, since), escaped(label)
    words, ends = (f"{name}{left(value, now)}", "到期") if value < now else (f"{left(value, now)}{name}", "前")
    more = f' data-since="{int(since.timestamp())}"' if since else ""
    more += f' data-tone="{escaped(tone)}"' if tone else ""
    return SafeString(  # put together by hand: format_html costs four times as much, and lists have 25 of these
        f'<span class="due {escaped(state)}" data-due="{int(value.timestamp())}" data-label="{name}"{more}>'
        f"<b>{words}</b><span>（{clock(value, now)} {ends}）</span>{PROVISIONAL if provisional else ''}</span>"
    )


@lru_cache(maxsize=1024)
def escaped(text: str) -> str:
    """Safe in HTML; a page says the same few labels over and over."""
    return escape(text)


@register.simple_tag
def dots(parts: Iterable[tuple[str, str]]) -> SafeString:
    """A list of (text, tone). In one piece: a loop of the template takes several times as long, and a list has 25."""
    lines = "".join(f'<li class="{escaped(tone)}">{escaped(text)}</li>' for text, tone in parts)
    return SafeString(f'<ul class="dots">{lines}</ul>')


PROVISIONAL = '<span class="tag tentative">暂定</span>'


@register.simple_tag
def done(value: datetime | None, label: str, now: datetime | None = None, *, due: datetime | None = None) -> str:
    """`今天 10:36 已签收`, marked 迟 35 分钟 when it came after `due`."""
    if not value:
        return ""
    late = value - due if due and value > due else None
    mark = format_html(' <span class="tag late">迟 {}</span>', span(late.total_seconds())) if late else ""
    return format_html('<span class="num">{} 已{}</span>{}', when(value, now), label, mark)
