"""The staged cases of 延期, 挂账 and 撤哨: one in each state that they can be in now."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from command_room.demo.book import Book
from command_room.demo.cast import Town
from command_room.demo.verbs import extension as extensions
from command_room.demo.verbs import suspension as suspensions
from command_room.demo.verbs import withdrawal
from enforcement.models import Dispatch, Extension, Suspension, Whistle

REASONS = {
    "extension_asked": "样品已送检，报告下周才出，期限内办不完。",
    "asked_twice": "有 3 户要换场地，签搬迁协议还要一周。",
    "extended": "管线图要向供水公司调取，本周才能开挖修复。",
    "extension_refused": "当事人外出，约定下周回来谈整改。",
}
TWICE = "还有 1 户下月才腾退，第一次延期的时间不够。"
REFUSED = "可以先电话谈、现场先规范，不用等人回来。"
WAITS = {
    "suspended": ("approval", "除尘改造方案已报市里，批复后才能动工。"),
    "over": ("party", "责令限期改正，期限内由当事人自行拆除。"),
    "suspension_asked": ("season", "地里的作物还没有收，收割后才能清土复耕。"),
    "suspended_before": ("works", "公共烟道要统一改造，施工队排在下一批进场。"),
}
WITHDRAWN = "现场已经恢复，值班员到场看过，不用部门再来。"
DAY_BEGINS, DAY_ENDS = 8, 19  # hours


def play(book: Book, then: str, whistle: Whistle, town: Town, *, now: datetime) -> None:
    """What has become of a staged whistle since its last act, half-way between that and now."""
    last = max(line.at for line in book.lines if line.target in (whistle, *book.parts.get(whistle.request_id, ())))
    since = (now - last) / 4
    at, later, latest = _by_day(last, since)
    if then == "withdrawn":
        withdrawal.withdraw(book, whistle, by=town.duty[0], at=later, reason=WITHDRAWN)
    elif then in WAITS:
        _suspend(book, then, whistle, town, at=at, later=later, now=now)
    else:
        _extend(book, then, book.parts[whistle.request_id][0], town, (at, later, latest))


def _by_day(last: datetime, since: timedelta) -> Iterator[datetime]:
    """Three moments after `last`. Nobody asks for more time at night: then it was the evening before."""
    before = last
    for count in (1, 2, 3):
        at = last + count * since
        if not DAY_BEGINS <= at.hour < DAY_ENDS:
            evening = at.replace(hour=DAY_ENDS - 1, minute=40)
            at = evening - timedelta(days=1) if at.hour < DAY_BEGINS else evening
        before = max(at, before + min(since, timedelta(minutes=5)))
        yield before


def _extend(
    book: Book, then: str, lead: Dispatch, town: Town, moments: tuple[datetime, datetime, datetime]
) -> Extension:
    at, later, latest = moments
    liaison = book.cast.departments[lead.department.code].liaisons[0]
    asked = extensions.ask(book, lead, by=liaison, at=at, reason=REASONS[then])
    if then == "extension_refused":
        extensions.refuse(book, asked, by=town.duty[0], at=later, decision=REFUSED)
    elif then in ("extended", "asked_twice"):
        extensions.grant(book, asked, by=town.duty[0], at=later)
    if then == "asked_twice":
        return extensions.ask(book, lead, by=liaison, at=latest, reason=TWICE)
    return asked


def _suspend(
    book: Book, then: str, whistle: Whistle, town: Town, *, at: datetime, later: datetime, now: datetime
) -> Suspension:
    """`over`: its day ended yesterday, so that it goes on by itself as soon as somebody looks."""
    reason, text = WAITS[then]
    if then == "over":
        eve = datetime.combine(now.date() - timedelta(days=2), time(9), tzinfo=now.tzinfo)
        at, later = min(at, eve), min(later, eve + timedelta(hours=1))
    until = now.date() + timedelta(days=-1 if then == "over" else 24)
    liaison = book.cast.departments[book.parts[whistle.request_id][0].department.code].liaisons[0]
    asked = suspensions.ask(book, whistle, by=liaison, at=at, reason=reason, text=text, until=until)
    if then != "suspension_asked":
        suspensions.approve(book, asked, by=town.leaders[0], at=later)
    if then == "suspended_before":
        suspensions.resume(book, asked, by=town.duty[0], at=later + (now - later) / 2)
    return asked
