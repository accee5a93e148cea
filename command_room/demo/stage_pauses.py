"""The staged cases of 延期, 挂账 and 撤哨: one in each state that they can be in now."""

from datetime import datetime, time, timedelta

from command_room.demo.book import Book
from command_room.demo.cast import Town
from command_room.demo.verbs import extension as extensions
from command_room.demo.verbs import suspension as suspensions
from command_room.demo.verbs import withdrawal
from enforcement.models import Dispatch, Extension, Suspension, Whistle

REASON = "样品已送检，报告下周才出，期限内办不完。"
TWICE = "房东下月才腾退，第一次延期的时间不够。"
REFUSED = "本周内能办完的先办完，检测报告可以后补。"
WAITS = {
    "suspended": ("approval", "整治方案已报市里，等批复后再动工。"),
    "over": ("party", "责令限期改正，期限内由当事人自行拆除。"),
    "suspension_asked": ("season", "汛期河道内不能施工，要等水位下降。"),
    "suspended_before": ("works", "等污水管网接通，施工队月底进场。"),
}
WITHDRAWN = "当事人已自行清理，现场复核过，不用部门再来。"


def play(book: Book, then: str, whistle: Whistle, town: Town, *, now: datetime) -> None:
    """What has become of a staged whistle since its last act, half-way between that and now."""
    last = max(line.at for line in book.lines if line.target in (whistle, *book.parts.get(whistle.request_id, ())))
    since = (now - last) / 4
    if then == "withdrawn":
        withdrawal.withdraw(book, whistle, by=town.duty[0], at=last + 2 * since, reason=WITHDRAWN)
    elif then in WAITS:
        _suspend(book, then, whistle, town, at=last + since, later=last + 2 * since, now=now)
    else:
        _extend(book, then, book.parts[whistle.request_id][0], town, at=last + since, step=since)


def _extend(book: Book, then: str, lead: Dispatch, town: Town, *, at: datetime, step: timedelta) -> Extension:
    liaison = book.cast.departments[lead.department.code].liaisons[0]
    asked = extensions.ask(book, lead, by=liaison, at=at, reason=REASON)
    if then == "extension_refused":
        extensions.refuse(book, asked, by=town.duty[0], at=at + step, decision=REFUSED)
    elif then in ("extended", "asked_twice"):
        extensions.grant(book, asked, by=town.duty[0], at=at + step)
    if then == "asked_twice":
        return extensions.ask(book, lead, by=liaison, at=at + 2 * step, reason=TWICE)
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
