"""The staged cases of 移交: waiting for an answer, not answered in time, accepted, not accepted, taken back."""

from datetime import datetime, timedelta

from command_room.demo.book import Book
from command_room.demo.cast import Town
from command_room.demo.verbs import handover as handovers
from enforcement.models import Event
from townships.models import Unit

ANSWERED_AFTER = timedelta(minutes=25)
REASON = "地点在两镇交界，现场核对在界桩你镇一侧，请接收。"
DECISION = "核对过界桩，这一段仍在你镇。"


def due(book: Book, handed: str, kind: str, times: tuple[datetime, datetime]) -> datetime:
    """The clock that runs then; `times` are those of the report and of the offer."""
    reported_at, asked_at = times
    if handed == "offered":
        return book.clocks.handover(asked_at, is_urgent=kind == "event_urgent").at
    since = asked_at + ANSWERED_AFTER if handed == "accepted" else reported_at
    return book.clocks.accept(since, kind).at


def last_act(handed: str, asked_at: datetime) -> datetime:
    return asked_at if handed == "offered" else asked_at + ANSWERED_AFTER


def play(book: Book, handed: str, event: Event, *, giver: Town, to: Town, at: datetime) -> None:
    unit: Unit = to.unit
    made = handovers.offer(book, event, by=giver.duty[0], at=at, to=unit, reason=REASON)
    answered = at + ANSWERED_AFTER
    if handed == "accepted":
        handovers.accept(book, made, by=to.duty[0], at=answered)
    elif handed == "refused":
        handovers.refuse(book, made, by=to.duty[0], at=answered, decision=DECISION)
    elif handed == "taken back":
        handovers.take_back(book, made, by=giver.duty[0], at=answered)
