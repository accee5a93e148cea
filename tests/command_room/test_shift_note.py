"""The pages of a shift's hand-over, and what they find open."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from command_room.services.shift_note import open_items, titled
from enforcement.models import Event
from enforcement.services import event as events
from tests.cast import Cast, PostFactory, UserFactory, client_for
from tests.enforcement import walk
from tests.enforcement.walk import at
from townships.models import Role, ShiftNote
from townships.services import shift_note as notes

NOW = at("2026-11-24 09:00")
WRITE, LIST = "command_room:shift-note-write", "command_room:shift-note-list"
pytestmark = pytest.mark.usefixtures("rules")


@pytest.fixture(autouse=True)
def clock() -> Iterator[mock.Mock]:
    with mock.patch.object(timezone, "now", return_value=NOW) as now:
        yield now


def left(cast: Cast, **over: Any) -> ShiftNote:
    items, counts = open_items(cast.ganlin, NOW)
    given = {"by": cast.leader, "request_id": uuid4(), "text": "", "items": items, "counts": counts}
    return notes.leave(cast.ganlin, **{**given, **over})


def test_items_are_what_is_open_the_overdue_first(cast: Cast, clock: mock.Mock) -> None:
    late = walk.event(cast)
    settled = walk.event(cast)
    events.settle(settled, by=cast.duty, seen_state="reported", result="已清理")
    clock.return_value = at("2026-11-24 14:00")
    whistle = walk.approved(cast)
    items, counts = open_items(cast.ganlin, timezone.now())
    assert [(item["number"], item["is_late"]) for item in items] == [(late.number, True), (whistle.number, False)]
    assert items[1] | {"due": datetime.fromisoformat(items[1]["due"])} == {
        "number": whistle.number,
        "matter": "日常哨",
        "state": "待签收",
        "label": "签收",
        "due": whistle.next_due,
        "link": whistle.get_absolute_url(),
        "is_late": False,
    }
    assert counts == {"events": 1, "whistles": 1, "asked": 0, "late": 1}
    assert open_items(cast.changle, NOW) == ([], {"events": 0, "whistles": 0, "asked": 0, "late": 0})


def test_items_name_no_title(cast: Cast) -> None:
    event = walk.event(cast)
    assert event.title not in str(open_items(cast.ganlin, NOW))


def test_note_shows_titles_to_who_may_see_them_now(cast: Cast) -> None:
    event = walk.event(cast)
    note = left(cast)
    for user in (cast.duty, cast.zdb_officer):
        assert event.title in client_for(user).get(note.get_absolute_url()).content.decode()
    Event.objects.filter(pk=event.pk).update(township=cast.changle, grid=None)  # handed over since
    page = client_for(cast.duty).get(note.get_absolute_url()).content.decode()
    assert event.title not in page
    assert event.number in page


def test_note_shows_the_titles_of_whistles_and_dispatches(cast: Cast) -> None:
    whistle = walk.approved(cast)
    for user, number in ((cast.duty, whistle.number), (cast.scjg_liaison, f"{whistle.number}/1")):
        assert titled([{"number": number}], user) == [{"number": number, "title": whistle.title}]


def test_write_shows_what_is_open_and_leaves_the_note(cast: Cast) -> None:
    event = walk.event(cast)
    client = client_for(cast.duty)
    page = client.get(reverse(WRITE))
    assert event.number in page.content.decode()
    sent = {"text": "  注意异味  ", "request_id": str(uuid4())}
    response = client.post(reverse(WRITE), sent, follow=True)
    note = ShiftNote.objects.get()
    assert response.redirect_chain == [(note.get_absolute_url(), 302)]
    assert (note.text, note.written_by, [item["number"] for item in note.items]) == (
        "注意异味",
        cast.duty,
        [event.number],
    )
    client.post(reverse(WRITE), sent)
    assert ShiftNote.objects.count() == 1


def test_write_with_too_long_a_text_says_so_and_keeps_it(cast: Cast) -> None:
    response = client_for(cast.duty).post(reverse(WRITE), {"text": "长" * 1001, "request_id": str(uuid4())})
    assert response.status_code == 422
    assert "最多 1000 字" in response.content.decode()
    assert "长" * 1001 in response.content.decode()


def test_write_while_a_note_waits_leads_to_it(cast: Cast) -> None:
    note = left(cast)
    client = client_for(cast.duty)
    page = client.get(reverse(WRITE)).content.decode()
    assert note.get_absolute_url() in page
    assert "note-form" not in page
    response = client.post(reverse(WRITE), {"text": "", "request_id": str(uuid4())}, follow=True)
    assert "还没有人接班" in response.content.decode()
    assert ShiftNote.objects.count() == 1


def test_take_is_by_name_and_the_board_says_so(cast: Cast, clock: mock.Mock) -> None:
    note = left(cast, text="化工仓库还有异味")
    client = client_for(cast.duty)
    board = client.get(reverse("command_room:board")).content.decode()
    assert "等人接班" in board
    page = client.get(note.get_absolute_url()).content.decode()
    assert "我来接班" in page
    assert "化工仓库还有异味" in page
    clock.return_value = NOW + timedelta(minutes=5)
    url = reverse("command_room:shift-note-take", args=[note.pk])
    assert client.post(url, {"seen_state": "left"}, follow=True).status_code == 200
    assert client.post(url, {"seen_state": "left"}, follow=True).status_code == 200  # twice
    note.refresh_from_db()
    assert note.taken_over_by == cast.duty
    assert f"{cast.duty} 今天 09:05 接班" in client.get(reverse("command_room:board")).content.decode()


def test_take_of_what_a_colleague_has_taken_says_who(cast: Cast) -> None:
    note = left(cast)
    other = UserFactory(username="duty-2")
    PostFactory(user=other, unit=cast.ganlin, role=Role.DUTY)
    notes.take_over(note, by=other, seen_state="left")
    url = reverse("command_room:shift-note-take", args=[note.pk])
    response = client_for(cast.duty).post(url, {"seen_state": "left"}, follow=True)
    assert f"{other}接班" in response.content.decode()


def test_take_without_the_state_seen_is_refused(cast: Cast) -> None:
    note = left(cast)
    response = client_for(cast.duty).post(reverse("command_room:shift-note-take", args=[note.pk]), follow=True)
    assert "页面不完整" in response.content.decode()
    note.refresh_from_db()
    assert note.taken_over_at is None


def test_strangers_see_no_note(cast: Cast) -> None:
    note = left(cast)
    for part in ("changle_duty", "scjg_liaison", "grid"):
        assert client_for(getattr(cast, part)).get(note.get_absolute_url()).status_code == 404
    assert client_for(cast.changle_duty).get(reverse(LIST), {"township": cast.ganlin.code}).status_code == 404
    assert client_for(cast.zdb_officer).get(reverse(LIST), {"township": cast.ganlin.code}).status_code == 200
    assert client_for(cast.zdb_officer).get(reverse(WRITE)).status_code == 403


def test_list_turns_pages_at_one_price(cast: Cast) -> None:
    client, counts = client_for(cast.duty), []
    for many in (2, 60):
        for _ in range(many):
            notes.take_over(left(cast), by=cast.duty, seen_state="left")
        with CaptureQueriesContext(connection) as queries:
            page = client.get(reverse(LIST))
        counts.append(len(queries))
    assert "下一页" in page.content.decode()
    assert counts[0] == counts[1]
    assert "第 3 页" in client.get(reverse(LIST), {"page": 3}).content.decode()


def test_write_asks_as_many_queries_for_60_matters_as_for_2(cast: Cast) -> None:
    client, counts = client_for(cast.duty), []
    for many in (2, 30):
        for _ in range(many):
            walk.event(cast)
            walk.approved(cast)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(WRITE)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
