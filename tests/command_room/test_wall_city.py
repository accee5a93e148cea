"""The city on the guidance office's wall: what it counts, in which order, what it keeps to itself, and what it costs."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from command_room.services import wall_city
from enforcement.models import Dispatch, Whistle
from records.models import PublicLink
from records.services import link as links
from tests.cast import Cast, client_for
from tests.command_room.rows import make_events, make_whistles
from tests.enforcement import walk
from tests.test_permissions import _red

NOW = walk.at("2026-11-24 10:42")
pytestmark = pytest.mark.usefixtures("calendar_2026")


@pytest.fixture(autouse=True)
def stopped_clock() -> Iterator[Any]:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def url(cast: Cast) -> str:
    said = {"purpose": "city_wall", "label": "指挥大厅", "days": 30, "request_id": uuid4()}
    return f"/wall/{links.make(cast.zdb, by=cast.zdb_officer, **said)[1]}/"


def red(cast: Cast) -> Dispatch:
    """A dispatch of 甘霖镇's that is late enough to have its slip."""
    make_whistles(cast, 1, NOW)
    dispatch = Dispatch.objects.get(department=cast.scjg)
    due = NOW - timedelta(hours=3)
    Dispatch.objects.filter(pk=dispatch.pk).update(next_due=due, sign_due=due, state="sent")
    Whistle.objects.filter(pk=dispatch.whistle_id).update(next_due=due)
    dispatch.refresh_from_db()
    _red(dispatch)
    return dispatch


def test_city_shows_all_townships_the_most_overdue_first_and_its_red_slips(cast: Cast, url: str) -> None:
    dispatch = red(cast)
    page = Client().get(url)
    text = page.content.decode()
    assert (page.status_code, page["X-Robots-Tag"]) == (200, "noindex, nofollow")
    assert not page.cookies
    assert "全市指挥台" in text
    found = wall_city.wall(NOW)
    assert len(found.lines) == 15
    assert found.lines[0].row.township == cast.ganlin
    assert (found.lines[0].row.late, found.lines[0].row.red) == (1, 1)
    assert [(slip.unit, slip.by_unit, slip.due) for slip in found.slips] == [
        ("市场监管局", "甘霖镇", dispatch.next_due)
    ]
    assert dispatch.whistle.title in text.partition("红牌督办")[2]


def test_numbers_are_those_of_today(cast: Cast, url: str) -> None:
    make_events(cast, 3, NOW, reported_at=NOW - timedelta(days=1))
    make_events(cast, 2, NOW, reported_at=NOW - timedelta(hours=1))
    found = wall_city.wall(NOW)
    [line] = [line for line in found.lines if line.row.township == cast.ganlin]
    assert (line.reported, line.blown, line.closed) == (2, 0, 0)
    make_whistles(cast, 2, NOW, state="reported")
    make_whistles(cast, 1, NOW - timedelta(days=1))
    Whistle.objects.filter(pk=Whistle.objects.earliest("id").pk).update(
        state="closed", closed_at=NOW, closed_by=cast.leader
    )
    said = {name: n for name, n, _ in wall_city.wall(NOW).numbers}
    assert (said["今日上报"], said["今日吹哨"], said["今日办结"], said["在办哨单"]) == (5, 2, 1, 2)


def test_no_person_and_no_way_in(cast: Cast, url: str) -> None:
    red(cast)
    text = Client().get(url).content.decode()
    for person in (cast.leader, cast.officer, cast.duty, cast.grid, cast.scjg_liaison, cast.zdb_officer):
        assert person.name not in text
        assert person.mobile not in text
    assert "<a " not in text.replace('<a class="btn btn-sm" href="">', "")


def test_screen_that_asks_again_gets_304_until_something_changes_anywhere(
    cast: Cast, url: str, stopped_clock: Any
) -> None:
    make_whistles(cast, 3, NOW)
    etag = Client().get(f"{url}rows/")["ETag"]
    stopped_clock.shift(20)
    with CaptureQueriesContext(connection) as queries:
        assert Client().get(f"{url}rows/", headers={"If-None-Match": etag}).status_code == 304
    assert len(queries) == 2
    make_events(cast, 1, NOW)
    assert Client().get(f"{url}rows/", headers={"If-None-Match": etag}).status_code == 200


def test_clock_alone_changes_it_when_a_whistle_turns_late_and_at_midnight(
    cast: Cast, url: str, stopped_clock: Any
) -> None:
    make_whistles(cast, 1, NOW)
    Whistle.objects.update(next_due=NOW + timedelta(minutes=2))
    first = Client().get(f"{url}rows/")["ETag"]
    stopped_clock.shift(121)
    turned = Client().get(f"{url}rows/", headers={"If-None-Match": first})
    assert turned.status_code == 200
    assert wall_city.wall(NOW + timedelta(seconds=121)).lines[0].row.late == 1
    stopped_clock.move_to(walk.at("2026-11-24 23:59"))
    last = Client().get(f"{url}rows/")["ETag"]
    stopped_clock.shift(90)
    assert Client().get(f"{url}rows/", headers={"If-None-Match": last}).status_code == 200


def test_drawing_costs_the_same_for_many(cast: Cast, url: str) -> None:
    counts = []
    red(cast)
    Client().get(f"{url}rows/")  # the first of a minute writes that the link was used
    for many in (3, 60):
        make_whistles(cast, many, NOW)
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            assert Client().get(f"{url}rows/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 13


def test_who_makes_the_citys_links(cast: Cast, url: str) -> None:
    form = {"label": "大厅", "days": "90", "request_id": str(uuid4())}
    page = client_for(cast.zdb_officer).get("/wall-links/")
    assert [str(label) for _, label in page.context["form"]["unit"].field.choices] == [f"全市总览（{cast.zdb}）"]
    foreign = client_for(cast.zdb_officer).post("/wall-links/", {**form, "unit": cast.ganlin.pk})
    assert foreign.status_code == 422
    assert client_for(cast.leader).post("/wall-links/", {**form, "unit": cast.zdb.pk}).status_code == 422
    made = client_for(cast.zdb_officer).post("/wall-links/", {**form, "unit": cast.zdb.pk})
    assert Client().get(made.context["address"].partition("8000")[2] or made.context["address"]).status_code == 200
    link = PublicLink.objects.latest("id")
    assert link.purpose == PublicLink.Purpose.CITY_WALL
    assert client_for(cast.leader).post(f"/wall-links/{link.pk}/revoke/").status_code == 404
    assert client_for(cast.zdb_officer).post(f"/wall-links/{link.pk}/revoke/").status_code == 302
