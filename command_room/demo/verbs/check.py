"""`enforcement.services.check` on unsaved rows."""

from datetime import datetime

from command_room.demo.book import Book
from enforcement.models import Check, Whistle
from enforcement.services.labels import late_mark
from notifications import kinds
from records.models import Stage
from townships.models import User


def ask_after_report(book: Book, whistle: Whistle, *, by: User, at: datetime) -> None:
    """Where a grid member of the township has reported it."""
    event = whistle.event
    town = book.cast.towns.get(event.township.code) if event else None
    if event is None or town is None or event.reported_by not in [member for _, member in town.grids]:
        return
    clock = book.clocks.check(at)
    made = Check(
        whistle=whistle,
        event=event,
        asked_at=at,
        asked_of=event.reported_by,
        due=clock.at,
        is_provisional=clock.provisional,
    )
    book.checks.append(made)
    book.line(whistle, "check_asked", by=by, at=at, what="请网格员到现场核查", stage=Stage.CLOSE)
    book.tell(kinds.CheckAsked, event, to=[event.reported_by], at=at, due=made.due, key=str(len(book.checks)))


def open_check(book: Book, whistle: Whistle) -> Check | None:
    return next((one for one in reversed(book.checks) if one.whistle is whistle and one.is_open), None)


def answer(book: Book, check: Check, *, by: User, at: datetime, answer: str, text: str) -> None:
    check.state, check.text = answer, text
    check.checked_at, check.checked_by = at, by
    whistle = check.whistle
    what = f"{check.get_state_display()}{late_mark(at, check.due)}"
    book.line(whistle, "check_answered", by=by, at=at, what=what, stage=Stage.CLOSE)
    to = book.cast.side(whistle.by_unit).duty
    book.tell(kinds.CheckAnswered, whistle, to=to, at=at, due=whistle.eval_due, key=str(len(book.notices)))


def end(book: Book, whistle: Whistle) -> None:
    """The lead has to go again, or the township has decided without waiting."""
    if found := open_check(book, whistle):
        found.state = Check.State.VOID
