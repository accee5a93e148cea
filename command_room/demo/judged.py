"""How what a department did is judged in the demo: looked at on the spot, rated, and now and then appealed."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random

from command_room.demo.book import Book
from command_room.demo.verbs import appeal as appeals
from command_room.demo.verbs import check as checks
from enforcement.models import Appeal, Check, Dispatch, Whistle
from enforcement.services.rating import Rating

WORK = "work_minutes"
STARS, SHARES = (5, 4, 3, 2, 1), (55, 28, 11, 4, 2)
TAGS = {5: ("fast", "solves", "explains"), 4: ("fast", "solves"), 3: ("explains",)}
LOOKED = {
    "passed": ("", "去看过，已经清理干净。", "现场已恢复，没有再看到。"),
    "failed": ("东西还在，只挪开了一点。", "白天没有，晚上又出来了。"),
    "unable": ("门锁着，进不去。", "下雨封路，过不去。"),
}
LOW_WORDS = ("到得晚，当事人已经离开。", "来过一次就没有下文，打电话没人接。")
APPEALS = ("接单时正在处置另一件应急事项，已在留言里说明。", "到场照片和签到都在时限内，请核对。")
DECISIONS = {
    "upheld": "留言晚于到场期限，不能说明按时到场。",
    "struck": "到场时间以系统记录为准，在时限内，这次评价不计。",
}


def look(book: Book, whistle: Whistle, since: datetime, until: datetime) -> str:
    """The grid member goes, if there is time; what was found, or nothing."""
    check, rng = checks.open_check(book, whistle), book.rng
    at = book.clocks.later(since, rng.randint(20, 400), WORK)
    if check is None or at >= until or rng.random() > 0.6:  # noqa: PLR2004 - the others are not waited for
        return ""
    found: str = rng.choices(("passed", "failed", "unable"), (88, 6, 6))[0]
    answer(book, check, found, at)
    return found


def answer(book: Book, check: Check, found: str, at: datetime) -> None:
    text = book.rng.choice(LOOKED[found])
    checks.answer(book, check, by=check.asked_of, at=at, answer=found, text=text)


def ratings(rng: Random, parts: list[Dispatch]) -> dict[int, Rating]:
    """The position of a dispatch → what is said of it; of a quarter nothing is said."""
    given = rng.choices(STARS, SHARES, k=len(parts))
    return {index: _rating(rng, stars) for index, stars in enumerate(given) if rng.random() < 0.75}  # noqa: PLR2004


def _rating(rng: Random, stars: int) -> Rating:
    tags = [tag for tag in TAGS.get(stars, ()) if rng.random() < 0.5]  # noqa: PLR2004
    return Rating(stars, tags, "" if stars in TAGS else rng.choice(LOW_WORDS))


def appeal(book: Book, parts: Iterable[Dispatch], now: datetime) -> None:
    """Half of the low ratings are not accepted; the guidance office decides within two days."""
    rng = book.rng
    for dispatch in parts:
        if dispatch.stars is None or dispatch.stars > Appeal.MOST_STARS or rng.random() < 0.5:  # noqa: PLR2004
            continue
        asked = book.clocks.later(_closed(dispatch), rng.randint(30, 700), WORK)
        if asked > now:
            continue
        made = _ask(book, dispatch, asked)
        decided = book.clocks.later(asked, rng.randint(60, 800), WORK)
        if decided <= now:
            outcome = rng.choice(list(DECISIONS))
            by = rng.choice(book.cast.guidance)
            appeals.decide(book, made, by=by, at=decided, outcome=outcome, decision=DECISIONS[outcome])


def leave_one_open(book: Book, now: datetime) -> None:
    """Something for the guidance office to decide: one of the last that were confirmed has had two stars."""
    if any(one.state == Appeal.State.ASKED for one in book.appeals):
        return
    for part in _lately_ended(book, now):
        _rate_low(part)
        _ask(book, part, _closed(part) + timedelta(minutes=5))
        return


def leave_one_to_appeal(book: Book, now: datetime) -> None:
    """Something for 市场监管局 to appeal: the last of its own that was confirmed has had two stars."""
    for part in _lately_ended(book, now):
        if part.department.code == "scjg":
            _rate_low(part)
            return


def _lately_ended(book: Book, now: datetime) -> Iterator[Dispatch]:
    """What departments did, the last first, while it can still be appealed and has not been."""
    taken = {id(one.dispatch) for one in book.appeals}
    ended = [part for parts in book.parts.values() for part in parts if part.closed_at and part.arrived_at]
    for part in sorted(ended, key=_closed, reverse=True):
        asked = _closed(part) + timedelta(minutes=5)
        if part.department.is_department and id(part) not in taken and asked <= now <= book.clocks.appeal(asked).at:
            yield part


def _rate_low(part: Dispatch) -> None:
    by = part.rated_by or part.whistle.closed_by
    for name, value in Rating(2, (), LOW_WORDS[0]).fields(by).items():
        setattr(part, name, value)


def _ask(book: Book, dispatch: Dispatch, at: datetime) -> Appeal:
    by = book.cast.side(dispatch.department).duty[0]
    return appeals.ask(book, dispatch, by=by, at=at, text=book.rng.choice(APPEALS))


def _closed(dispatch: Dispatch) -> datetime:
    if dispatch.closed_at is None:
        raise ValueError("only what has ended is judged")
    return dispatch.closed_at
