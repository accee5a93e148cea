"""A session that rests ends, by role; what a page asks for by itself does not keep it awake."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from records.models import Access
from tests.cast import PASSWORD, Cast
from townships.rules import idle
from townships.services.post import end_sessions

NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
POLLS = ("/board/columns/", "/worklist/rows/", "/messages/bell/", "/session/")


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def enter(username: str) -> Client:
    client = Client()
    client.post("/login/", {"username": username, "password": PASSWORD})
    return client


@pytest.mark.parametrize(
    ("username", "minutes"), [("bureau-admin", 15), ("auditor", 15), ("duty", 30), ("scjg-liaison", 30)]
)
def test_session_ends_after_the_minutes_of_the_role(cast: Cast, clock: Any, username: str, minutes: int) -> None:
    client = enter(username)
    clock.shift(minutes * 60 - 1)
    assert client.get("/password/").status_code == 200, "an act, from which it is counted anew"
    clock.shift(minutes * 60 - 1)
    assert client.get("/password/").status_code == 200
    clock.shift(minutes * 60 + 1)
    gone = client.get("/password/?a=1")
    assert gone["Location"] == "/login/?next=%2Fpassword%2F%3Fa%3D1&ended=idle"
    assert "已自动退出" in client.get(gone["Location"]).content.decode()
    assert not Session.objects.exists()
    assert Access.objects.filter(what="timed_out", by__username=username, detail={"why": "idle"}).count() == 1


def test_phone_is_not_asked_all_day_but_once_a_day(cast: Cast, clock: Any) -> None:
    client = enter("grid")
    for _ in range(11):
        clock.shift(3600)
        assert client.get("/events/").status_code == 200
    clock.shift(3601)
    assert "ended=age" in client.get("/events/")["Location"], "twelve hours after the log-in, whatever was done"


def test_polling_does_not_prolong(cast: Cast, clock: Any) -> None:
    client = enter("duty")
    for _ in range(29):
        clock.shift(60)
        for url in POLLS:
            assert client.get(url, headers={"HX-Request": "true"}).status_code == 200
        assert client.get("/messages/", headers={"X-Background": "1"}).status_code == 200
    clock.shift(60)
    gone = client.get("/board/columns/", headers={"HX-Request": "1", "HX-Current-URL": "http://testserver/board/?x=1"})
    assert gone["HX-Redirect"] == "/login/?next=%2Fboard%2F%3Fx%3D1&ended=idle"


def test_button_prolongs_and_the_page_can_ask_how_long(cast: Cast, clock: Any) -> None:
    client = enter("duty")
    clock.shift(1700)
    assert client.get("/session/").json()["left"] == 100
    assert client.post("/session/").json()["left"] == 1800
    clock.shift(1799)
    assert client.get("/board/").status_code == 200
    assert Client().get("/session/").status_code == 302


def test_form_sent_too_late_is_said_not_to_be_saved(cast: Cast, clock: Any) -> None:
    client = enter("duty")
    clock.shift(1801)
    gone = client.post("/events/report/", {"title": "x"}, headers={"Referer": "http://testserver/events/report/"})
    assert gone["Location"] == "/login/?next=%2Fevents%2Freport%2F&ended=idle&unsaved=1"
    assert "没有保存" in client.get(gone["Location"]).content.decode()
    foreign = enter("duty")
    clock.shift(1801)
    gone = foreign.post("/events/report/", {}, headers={"Referer": "http://example.invalid/x"})
    assert gone["Location"].startswith("/login/?next=%2F&")


def test_form_sent_after_the_session_ended_elsewhere_is_said_not_to_be_saved(cast: Cast) -> None:
    client = enter("duty")
    end_sessions([cast.duty.pk])
    gone = client.post("/feedback/", {"text": "x"}, headers={"Referer": "http://testserver/feedback/?from=/events/"})
    assert gone["Location"] == "/login/?next=%2Ffeedback%2F%3Ffrom%3D%2Fevents%2F&ended=gone&unsaved=1"
    assert "没有保存" in client.get(gone["Location"]).content.decode()
    assert client.get("/feedback/")["Location"] == "/login/?next=/feedback/"


def test_session_is_written_once_a_minute_and_asks_nothing_more(cast: Cast, clock: Any) -> None:
    client, writes = enter("duty"), []
    for _ in range(10):
        with CaptureQueriesContext(connection) as queries:
            client.get("/messages/")
        writes.append(sum('UPDATE "django_session"' in query["sql"] for query in queries))
        assert sum("django_session" in query["sql"] for query in queries) <= 1 + writes[-1]
        clock.shift(20)
    assert writes == [0, 0, 0, 1, 0, 0, 1, 0, 0, 1]


def test_limits_are_the_municipality_s(cast: Cast, clock: Any, settings: Any) -> None:
    settings.IDLE_MINUTES = {"duty": 5, "*": 30}
    client = enter("duty")
    clock.shift(301)
    assert "ended=idle" in client.get("/board/")["Location"]


def test_left_is_whichever_end_comes_first() -> None:
    at = int(time.time())
    rest = {"now": at, "limit": 1800, "most_hours": 12}
    assert idle.left(since=at - 60, seen=at - 60, **rest) == idle.Left(1740, is_fixed=False)
    assert idle.left(since=at - 12 * 3600 + 5, seen=at, **rest) == idle.Left(5, is_fixed=True)
    assert idle.left(since=at, seen=at - 1800, **rest).is_over
