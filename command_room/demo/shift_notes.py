"""Hand-over notes of the last days: each desk's shifts one after the other, and in 甘霖 one that waits to be taken over."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from command_room.demo.cast import GANLIN, Cast, Town
from command_room.services.shift_note import Item, open_items
from enforcement.models import Dispatch, Event, Whistle
from records.models import Entry, Serial, Stage
from records.services import entry_for
from townships.models import Shift, ShiftNote, User

DAYS = 2
JUST_LEFT = timedelta(minutes=9)
WORDS = (
    "",
    "东湖路夜市今晚再看一次，摊主答应收摊后清理。",
    "化工仓库异味的复查结果还没有回来，来了请先看。",
    "明早有领导到集镇调研，请执法队早班提前半小时到。",
    "12345 转来的两件已经登记，等核实。",
    "夜里有雨，低洼路段请多巡一次。",
)


def write(cast: Cast, now: datetime, rng: Random) -> None:
    notes = [note for town in cast.towns.values() for note in _of(town, now, rng)]
    last: dict[tuple[str, date], int] = {}
    for note in sorted(notes, key=lambda one: one.at):
        code, day = note.township.code, timezone.localdate(note.at)
        last[(code, day)] = last.get((code, day), 0) + 1
        note.number = f"班{code}-{day:%Y%m%d}-{last[(code, day)]:04d}"
    ShiftNote.objects.bulk_create(notes)
    Serial.objects.bulk_create(Serial(kind="班", unit_code=code, day=day, last=n) for (code, day), n in last.items())
    Entry.objects.bulk_create(entry for note in notes for entry in _entries(note))


def _of(town: Town, now: datetime, rng: Random) -> list[ShiftNote]:
    """One note at each change of the desk; what was open is read off what is open now."""
    changes = _changes(town, now)
    waits = town.unit.code == GANLIN
    while waits and changes and changes[-1][1].user == town.duty[0]:
        changes.pop()  # this account is the one to take over
    items, counts = open_items(town.unit, now)
    began = _began(items)
    found = []
    for shift, after in changes:
        at = min(_end(shift) - timedelta(minutes=rng.randint(2, 12)), now)
        then = [_at(item, at) for item in items if began[item["number"]] <= at]
        note = _left(town, shift.user, at, rng, items=then, counts=_counted(then))
        note.taken_over_by, note.taken_over_at = after.user, min(at + timedelta(minutes=rng.randint(3, 15)), now)
        found.append(note)
    if waits and changes:
        found.append(_left(town, changes[-1][1].user, now - JUST_LEFT, rng, items=items, counts=counts))
    return found


def _left(town: Town, by: User, at: datetime, rng: Random, *, items: list[Item], counts: dict[str, int]) -> ShiftNote:
    request_id = UUID(int=rng.getrandbits(128), version=4)
    text = rng.choice(WORDS)
    given = {"written_by": by, "items": items, "counts": counts, "request_id": request_id}
    return ShiftNote(township=town.unit, at=at, text=text, **given)


def _began(items: Sequence[Item]) -> dict[str, datetime]:
    """Number → since when it has been there."""
    numbers = [item["number"] for item in items]
    since: dict[str, datetime] = {}
    for model, field in ((Event, "reported_at"), (Whistle, "submitted_at"), (Dispatch, "sent_at")):
        rows: Any = model._default_manager.filter(number__in=numbers)
        since |= dict(rows.values_list("number", field))
    return since


def _at(item: Item, at: datetime) -> Item:
    """Whether it was late by then."""
    return {**item, "is_late": bool(item["due"]) and datetime.fromisoformat(item["due"]) < at}


def _counted(items: Sequence[Item]) -> dict[str, int]:
    events = sum(item["number"].startswith("事") for item in items)
    asked = sum("/" in item["number"] for item in items)
    late = sum(item["is_late"] for item in items)
    return {"events": events, "whistles": len(items) - events - asked, "asked": asked, "late": late}


def _changes(town: Town, now: datetime) -> list[tuple[Shift, Shift]]:
    """The desk's shifts that have ended, each with the one that came after it."""
    shifts: QuerySet[Shift] = Shift.objects.filter(township=town.unit, user__in=town.duty, is_on_call=False)
    days = (now - timedelta(days=DAYS)).date(), (now + timedelta(days=1)).date()
    rota = sorted(shifts.filter(day__range=days).select_related("user"), key=_start)
    return [(one, after) for one, after in pairwise(rota) if _end(one) <= now]


def _start(shift: Shift) -> datetime:
    return timezone.make_aware(datetime.combine(shift.day, shift.starts_at))


def _end(shift: Shift) -> datetime:
    over_midnight = timedelta(days=int(shift.ends_at <= shift.starts_at))
    return timezone.make_aware(datetime.combine(shift.day, shift.ends_at)) + over_midnight


def _entries(note: ShiftNote) -> list[Entry]:
    left = entry_for(
        note, "shift_note_left", by=note.written_by, what=f"{note.written_by}交班", stage=Stage.HANDLE, to_state="left"
    )
    left.at = note.at
    if note.taken_over_at is None:
        return [left]
    taken = entry_for(
        note, "shift_note_taken", by=note.taken_over_by, what=f"{note.taken_over_by}接班", stage=Stage.HANDLE,
        from_state="left", to_state="taken",
    )  # fmt: skip
    taken.at = note.taken_over_at
    return [left, taken]
