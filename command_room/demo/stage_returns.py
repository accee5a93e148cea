"""The staged cases of 退哨: one in each state that a return can be in now, and each of its outcomes."""

from collections.abc import Mapping
from datetime import datetime

from command_room.demo.book import Book
from command_room.demo.verbs import returns
from enforcement.models import Dispatch, Return
from townships.models import Unit, User

DECIDED = ("upheld", "reassigned", "released")
HEIRS = {"jtys": "jsj", "zrzy": "slsd", "zfj": "jsj"}  # who takes over from whom
ARTICLE = "《浙江省综合行政执法条例》第十七条"
GROUNDS = {
    "leader": ("ongoing", "", "上周检查时已经立案，正在办理。"),
    "arbitration": ("not_ours", ARTICLE, "这一段没有移交给我们管理，请核定职责后改派。"),
    "upheld": ("wrong_lead", ARTICLE, "主要是路面保洁的问题，应由建设局主办。"),
    "reassigned": ("wrong_lead", ARTICLE, "属于城区道路，应由建设局主办。"),
    "released": ("not_ours", ARTICLE, "现场不涉及农业设施，不需要我们到场。"),
}
DECISIONS = {
    "upheld": "运输和倾倒的查处在你局职责之内，保洁由镇里协助。",
    "reassigned": "该路段在建成区内，由建设局主办。",
    "released": "不涉及农业设施，准予退出。",
}


def steps(returned: str) -> tuple[str, ...]:
    """Which acts it takes, after the sending."""
    return ("ask", "decide") if returned in DECIDED else ("ask",)


def due(book: Book, returned: str, kind: str, times: Mapping[str, datetime]) -> datetime | None:
    """The clock that runs then."""
    if returned == "arbitration":
        return book.clocks.due(times["ask"], book.clocks.rules[kind].arbitrate).at
    dues, _ = book.clocks.whistle(kind, times["decide"] if returned == "reassigned" else times["send"])
    return dues["arrive_due" if returned == "upheld" else "sign_due"]


def play(book: Book, returned: str, parts: list[Dispatch], times: Mapping[str, datetime]) -> None:
    part = parts[1 if returned == "released" else 0]
    department = book.cast.departments[part.department.code]
    ground, article, text = GROUNDS[returned]
    said = {"ground": ground, "article": article, "text": text}
    made = returns.ask(book, part, by=department.liaisons[0], at=times["ask"], **said)
    if returned in DECIDED:
        _decide(book, returned, made, by=book.cast.guidance[1], at=times["decide"])


def _decide(book: Book, returned: str, made: Return, *, by: User, at: datetime) -> None:
    decision = DECISIONS[returned]
    if returned == "upheld":
        returns.uphold(book, made, by=by, at=at, decision=decision)
    elif returned == "released":
        returns.release(book, made, by=by, at=at, decision=decision)
    else:
        heir: Unit = book.cast.departments[HEIRS[made.dispatch.department.code]].unit
        returns.reassign(book, made, by=by, at=at, to_unit=heir, decision=decision)
