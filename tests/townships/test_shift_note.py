"""值班交接: the desk goes from one to the next, both by name, once."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from unittest import mock
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from notifications.models import Message
from records.models import Entry
from records.services import Refused, UsedForm, WrongState
from tests.cast import Cast, PostFactory, ShiftFactory, UserFactory
from tests.enforcement.walk import at
from townships.models import Role, ShiftNote, User
from townships.permissions import can_leave_note, can_take_note
from townships.services import shift_note as notes

NOW = at("2026-11-24 15:55")
TODAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def clock() -> Iterator[mock.Mock]:
    with mock.patch.object(timezone, "now", return_value=NOW) as now:
        yield now


@pytest.fixture
def second(cast: Cast) -> User:
    """Another duty officer of 甘霖镇."""
    user: User = UserFactory(username="duty-2")
    PostFactory(user=user, unit=cast.ganlin, role=Role.DUTY)
    return user


def leave(cast: Cast, **over: object) -> ShiftNote:
    given = {"by": cast.duty, "request_id": uuid4(), "text": "化工仓库还有异味", "items": [], "counts": {"late": 1}}
    return notes.leave(cast.ganlin, **{**given, **over})  # type: ignore[arg-type]


def on_shift(user: User, cast: Cast, begins: int, ends: int, day: date = TODAY) -> None:
    ShiftFactory(township=cast.ganlin, user=user, day=day, band="2_middle", starts_at=time(begins), ends_at=time(ends))


def told() -> list[str]:
    rows = Message.objects.filter(kind="shift_note_left").order_by("recipient__username")
    return list(rows.values_list("recipient__username", flat=True))


def test_leave_numbers_the_note_and_writes_it_down(cast: Cast) -> None:
    note = leave(cast)
    assert note.number == "班330683100-20261124-0001"
    assert (note.written_by, note.at, note.taken_over_at) == (cast.duty, NOW, None)
    entry = Entry.objects.about(note).get()
    assert (entry.verb, entry.to_state) == ("shift_note_left", "left")


def test_leave_twice_is_once(cast: Cast) -> None:
    request_id = uuid4()
    assert leave(cast, request_id=request_id) == leave(cast, request_id=request_id)
    assert ShiftNote.objects.count() == 1
    with pytest.raises(UsedForm):
        leave(cast, request_id=request_id, text="别的话")


def test_leave_while_a_note_waits_is_refused(cast: Cast) -> None:
    first = leave(cast)
    with pytest.raises(Refused, match="还没有人接班") as refused:
        leave(cast)
    assert refused.value.obj == first
    with pytest.raises(IntegrityError), transaction.atomic():
        ShiftNote.objects.create(township=cast.ganlin, written_by=cast.duty, number="x", request_id=uuid4())


def test_leave_tells_the_next_of_the_rota(cast: Cast, second: User) -> None:
    on_shift(cast.duty, cast, 8, 16)
    on_shift(second, cast, 16, 0)
    on_shift(cast.officer, cast, 16, 0)  # on the rota, but not at the desk
    leave(cast)
    assert told() == ["duty-2"]
    message = Message.objects.get(kind="shift_note_left")
    assert message.data["due"] == at("2026-11-24 16:00").isoformat()


def test_leave_late_tells_whoever_is_on_already(cast: Cast, second: User, clock: mock.Mock) -> None:
    on_shift(cast.duty, cast, 8, 16)
    on_shift(second, cast, 16, 0)
    on_shift(cast.leader, cast, 0, 8, TODAY + timedelta(days=1))
    clock.return_value = at("2026-11-24 16:20")
    leave(cast)
    assert told() == ["duty-2"]


def test_leave_without_a_rota_tells_the_other_duty_officers(cast: Cast, second: User) -> None:
    leave(cast)
    assert told() == ["duty-2"]


def test_take_over_writes_both_names(cast: Cast, second: User, clock: mock.Mock) -> None:
    note = leave(cast)
    clock.return_value = NOW + timedelta(minutes=7)
    notes.take_over(note, by=second, seen_state="left")
    assert (note.taken_over_by, note.waited) == (second, timedelta(minutes=7))
    notes.take_over(note, by=second, seen_state="left")  # pressed twice
    assert Entry.objects.about(note).count() == 2
    assert notes.desk_of(cast.ganlin) == notes.Desk(None, note)


def test_take_over_after_somebody_else_is_refused(cast: Cast, second: User) -> None:
    note = leave(cast)
    notes.take_over(note, by=second, seen_state="left")
    with pytest.raises(WrongState, match="接班"):
        notes.take_over(note, by=cast.leader, seen_state="left")


def test_desk_is_the_last_takers_until_the_next_has_taken_over(cast: Cast, second: User) -> None:
    assert notes.desk_of(cast.ganlin) == notes.Desk(None, None)
    first = leave(cast)
    assert notes.desk_of(cast.ganlin) == notes.Desk(first, None)
    notes.take_over(first, by=second, seen_state="left")
    waiting = leave(cast, by=second)
    assert notes.desk_of(cast.ganlin) == notes.Desk(waiting, first)
    assert notes.desk_of(cast.changle) == notes.Desk(None, None)


def test_who_may_leave_and_take(cast: Cast, second: User) -> None:
    note = leave(cast)
    people = {name: getattr(cast, name) for name in Cast.__dataclass_fields__ if hasattr(getattr(cast, name), "acting")}
    people["second"] = second
    assert {name for name, user in people.items() if can_leave_note(user, cast.ganlin)} == {"duty", "leader", "second"}
    assert {name for name, user in people.items() if can_take_note(user, note)} == {"second"}
    on_shift(cast.officer, cast, 14, 18)
    on_shift(cast.duty, cast, 14, 18)  # who has the next shift too
    assert {name for name, user in people.items() if can_take_note(user, note)} == {"second", "officer", "duty"}


def test_visible_to_the_township_and_those_above(cast: Cast) -> None:
    leave(cast)
    people = [name for name in Cast.__dataclass_fields__ if hasattr(getattr(cast, name), "acting")]
    seeing = {name for name in people if ShiftNote.objects.visible_to(getattr(cast, name)).exists()}
    assert seeing == {"duty", "leader", "officer", "zdb_officer", "auditor"}
