"""The board on a wall: what it shows without a log-in, what it costs, and how a link is taken back."""

import re
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
from django.utils import timezone

from command_room.services import wall
from enforcement.services import claim
from records.models import Access, PublicLink
from records.services import link as links
from tests.cast import Cast, ShiftFactory, client_for
from tests.enforcement import walk
from townships.models import Shift

NOW = walk.at("2026-11-24 10:42")
pytestmark = pytest.mark.usefixtures("calendar_2026")


@pytest.fixture(autouse=True)
def stopped_clock() -> Iterator[Any]:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def made(cast: Cast, days: int = 30) -> tuple[PublicLink, str]:
    said = {"purpose": "wall", "label": "一楼指挥大厅", "days": days, "request_id": uuid4()}
    link, token = links.make(cast.ganlin, by=cast.leader, **said)
    return link, f"/wall/{token}/"


def test_screen_shows_the_board_without_a_log_in_and_without_persons(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    claim.take(whistle, by=cast.leader)
    ShiftFactory(township=cast.ganlin, user=cast.officer, band=Shift.Band.EARLY)
    _, url = made(cast)
    page = Client().get(url)
    text = page.content.decode()
    assert page.status_code == 200
    assert whistle.title in text
    assert "镇街执法队·早班 1 人" in re.sub(r"\s+", " ", text)
    for person in (cast.leader, cast.officer, cast.duty, cast.grid):
        assert person.name not in text
        assert person.mobile not in text
    assert "<a " not in text.replace('<a class="btn btn-sm" href="">', ""), "no way into the files"
    assert not page.cookies
    assert page["X-Robots-Tag"] == "noindex, nofollow"
    assert page["Referrer-Policy"] == "no-referrer"


def test_screen_that_asks_again_gets_304_for_two_queries_and_writes_once_a_minute(
    cast: Cast, stopped_clock: Any
) -> None:
    walk.submitted(cast)
    link, url = made(cast)
    etag = Client().get(f"{url}rows/")["ETag"]
    asked = []
    for _ in range(4):
        stopped_clock.shift(20)  # 10:42:20 …: the one of 10:43:00 writes when it came
        with CaptureQueriesContext(connection) as queries:
            assert Client().get(f"{url}rows/", headers={"If-None-Match": etag}).status_code == 304
        asked.append(len(queries))
    assert asked == [2, 2, 3, 2]
    link.refresh_from_db()
    assert link.used_at == NOW + timedelta(minutes=1)


def test_use_is_written_with_the_first_of_a_minute_alone(cast: Cast, stopped_clock: Any) -> None:
    _, url = made(cast)
    seen = []
    for _ in range(6):
        with CaptureQueriesContext(connection) as queries:
            Client().get(f"{url}rows/")
        seen.append(sum("UPDATE" in query["sql"] for query in queries))
        stopped_clock.shift(20)
    assert seen == [1, 0, 0, 1, 0, 0]


def test_change_is_seen_with_the_next_look(cast: Cast) -> None:
    _, url = made(cast)
    etag = Client().get(f"{url}rows/")["ETag"]
    walk.submitted(cast)
    assert Client().get(f"{url}rows/", headers={"If-None-Match": etag}).status_code == 200


def test_link_that_was_revoked_or_is_over_shows_nothing(cast: Cast) -> None:
    link, url = made(cast)
    _, other = made(cast)
    assert links.revoke(link, by=cast.leader)
    assert not links.revoke(link, by=cast.leader), "twice is once"
    gone = Client().get(url)
    assert gone.status_code == 404
    assert not gone.cookies
    assert "甘霖" not in gone.content.decode()
    rows = Client().get(f"{url}rows/")
    assert (rows.status_code, rows["HX-Refresh"], rows.content) == (404, "true", b"")
    assert Client().get(other).status_code == 200
    with time_machine.travel(NOW + timedelta(days=30, seconds=1)):
        assert Client().get(other).status_code == 404


def test_token_is_kept_as_a_hash_and_shown_once(cast: Cast) -> None:
    client, form = client_for(cast.leader), {"label": "大厅", "days": "90", "request_id": str(uuid4())}
    page = client.post("/wall-links/", {**form, "unit": cast.ganlin.pk})
    token = re.search(r"/wall/([\w-]+)/", page.context["address"])
    assert token is not None
    assert "no-store" in page["Cache-Control"]
    assert token[1] not in str(PublicLink.objects.values())
    assert Client().get(f"/wall/{token[1]}/").status_code == 200
    again = client.post("/wall-links/", {**form, "unit": cast.ganlin.pk}, follow=True)
    assert token[1] not in again.content.decode()
    assert PublicLink.objects.count() == 1
    assert Access.objects.filter(what="wall_link_made", by=cast.leader).count() == 1


def test_who_makes_them(cast: Cast) -> None:
    link, _ = made(cast)
    form = {"label": "大厅", "days": "90", "request_id": str(uuid4())}
    assert client_for(cast.duty).get("/wall-links/").status_code == 403
    assert client_for(cast.changle_leader).post(f"/wall-links/{link.pk}/revoke/").status_code == 404
    foreign = client_for(cast.changle_leader).post("/wall-links/", {**form, "unit": cast.ganlin.pk})
    assert foreign.status_code == 422, "another township is no choice of theirs"
    assert client_for(cast.bureau_admin).post(f"/wall-links/{link.pk}/revoke/").status_code == 302
    link.refresh_from_db()
    assert link.revoked_by == cast.bureau_admin
    assert Access.objects.filter(what="wall_link_revoked", by=cast.bureau_admin).exists()


def test_asking_too_often_is_refused(cast: Cast, stopped_clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall, "USES", 3)
    _, url = made(cast)
    assert [Client().get(url).status_code for _ in range(4)] == [200, 200, 200, 429]
    stopped_clock.shift(60)
    assert Client().get(url).status_code == 200


def test_guessing_is_refused_after_some_tries(cast: Cast) -> None:
    _, url = made(cast)
    tried = [Client().get(f"/wall/guess-{number}/").status_code for number in range(links.MOST_WRONG + 1)]
    assert tried == [404] * links.MOST_WRONG + [429]
    assert Client().get(url, REMOTE_ADDR="10.1.2.3").status_code == 200


def test_no_log_has_the_token(cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(wall, "USES", 1)
    link, url = made(cast)
    with caplog.at_level("INFO"):
        codes = [Client().get(url).status_code, Client().get(url).status_code, Client().get(f"{url}rows/").status_code]
        links.revoke(link, by=cast.leader)
        codes.append(Client().get(url).status_code)
    assert codes == [200, 429, 429, 404]
    assert "/wall/…/" in caplog.text
    assert url.split("/")[2] not in caplog.text


def test_screen_beside_a_log_in_does_not_keep_it_awake(cast: Cast, stopped_clock: Any) -> None:
    _, url = made(cast)
    client = client_for(cast.duty)
    for _ in range(4):
        stopped_clock.shift(600)
        assert client.get(f"{url}rows/").status_code == 200
    assert client.get("/board/").status_code == 302
    assert timezone.now() > NOW
