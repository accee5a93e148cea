"""Search pieces: what Python asks for is what the database has stored, and what is found is what was typed."""

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command_room.templatetags.search import around, marked
from enforcement.models import Dispatch, Event, Whistle
from enforcement.services import search
from records.pinyin import initials, spelled
from records.rules.pieces import plain, terms
from records.services.search import Wanted
from tests.cast import Cast, UserFactory
from tests.command_room.rows import make_events, make_whistles
from townships.models import Unit, User

LETTERS = "东街井盖甘霖〇𠮷a1Z9-／ ，Ａ３"


def stored(text: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_pieces(%s)", [text])
        return set(cursor.fetchone()[0])


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def found(rows: Any, query: str) -> list[Any]:
    find = {Event: search.events, Whistle: search.whistles, Dispatch: search.dispatches}[rows.model]
    return list(find(rows.order_by("id"), Wanted(query)))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("东街井盖", {"东街", "街井", "井盖"}),
        ("SZ-20261124-0007", {"sz", "202", "026", "261", "611", "112", "124", "000", "007"}),
        ("东街１２号A座", {"东街", "街12", "12号", "12", "号a", "a座"}),
        ("井", set()),
        ("，。 -", set()),
    ],
)
def test_pieces_as_the_database_cuts_them(db: None, text: str, pieces: set[str]) -> None:
    assert stored(text) == pieces


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=LETTERS, max_size=24))
def test_pieces_asked_for_are_stored(db: None, text: str) -> None:
    """Whatever is typed as it stands there is found: no piece is asked for that the row has not got."""
    asked = {piece for term in terms(text) for piece in term.pieces}
    assert asked <= stored(text)
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_plain(%s)", [text])
        assert cursor.fetchone()[0] == plain(text)


@pytest.mark.parametrize("query", ["", " ", "井", "7", "井 盖", "，，", "\0"])
def test_too_short_is_told(query: str) -> None:
    assert terms(query) == []
    assert Wanted(query).is_too_short == bool(query.strip(" "))


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("井盖", True), ("窨井盖", True), ("井盖 东湖", True), ("路12号", True), ("12号", True), ("２号", False),
        ("东湖路12", True), ("SX2026-0007", True), ("0007", True), ("sx2026", True), ("刺鼻", True), ("盖井", False),
        ("井盖 西街", False), ("东湖缺失", False), ("13800138000", False), ("330106199001011234", False), ("%%", False),
    ],
)  # fmt: skip
def test_event_is_found_by_what_stands_in_it(cast: Cast, now: datetime, query: str, is_found: bool) -> None:
    [event, _] = make_events(cast, 2, now)
    Event.objects.filter(pk=event.pk).update(
        title="窨井盖缺失",
        place="东湖路12号",
        outside_number="SX2026-0007",
        facts="刺鼻气味，来电 13800138000，证号 330106199001011234",
    )
    assert found(Event.objects.all(), query) == ([event] if is_found else [])


def test_whole_number_finds_the_one(cast: Cast, now: datetime) -> None:
    first, _ = make_whistles(cast, 2, now)
    Event.objects.filter(pk=first.event_id).update(number="事330683100-20261124-0007")
    Whistle.objects.filter(pk=first.pk).update(number="哨330683100-20261124-0008")
    part = first.dispatches.earliest("id")
    Dispatch.objects.filter(pk=part.pk).update(number="哨330683100-20261124-0008/1")
    assert found(Event.objects.all(), "330683100-20261124-0007") == [first.event]
    assert found(Event.objects.all(), "事330683100-20261124-0008") == []
    assert found(Whistle.objects.all(), "哨330683100-20261124-0008") == [first]
    assert found(Dispatch.objects.all(), "哨330683100-20261124-0008/1") == [part]
    assert found(Dispatch.objects.all(), "330683100-20261124-0008") == list(first.dispatches.order_by("id"))
    assert found(Dispatch.objects.all(), "20261124-0008") == [part]


@pytest.mark.parametrize("many", [3, 20])
def test_common_and_rare_words_find_the_same(cast: Cast, now: datetime, many: int) -> None:
    """With twenty rows the list walks back over a word that all of them have; with three it asks the index."""
    events = make_events(cast, many, now)
    assert Wanted("市场").is_common(Event) == (many == 20)
    assert list(search.events(Event.objects.order_by("-id"), Wanted("老市场"))[:2]) == events[:-3:-1]
    Event.objects.filter(pk=events[1].pk).update(place="窨井旁")
    assert found(Event.objects.all(), "窨井") == [events[1]]
    assert found(Event.objects.all(), "市场窨井") == []


def test_rows_are_brought_without_their_pieces(cast: Cast, now: datetime) -> None:
    [whistle] = make_whistles(cast, 1, now)
    assert "words" not in str(Whistle.objects.select_related("event").query)
    whistle.title = "改过的标题"
    whistle.save()
    assert found(Whistle.objects.all(), "改过") == [whistle]


@pytest.mark.parametrize(
    ("name", "letters", "first"),
    [("单文", "shan wen", "sw"), ("尉迟明", "yu chi ming", "ycm"), ("市场监管局", "shi chang jian guan ju", "scjgj")],
)
def test_names_are_spelled(name: str, letters: str, first: str) -> None:
    assert (spelled(name), initials(name)) == (letters, first)


def test_pinyin_follows_the_name_whoever_writes(db: None) -> None:
    user = UserFactory.create(name="单文")
    user.name = "曾文"
    user.save()
    made = Unit.objects.bulk_create([Unit(code="x", name="水利局", short_name="水利局", kind="city_dept")])
    assert User.objects.get(pk=user.pk).pinyin == "zeng wen"
    assert Unit.objects.get(pk=made[0].pk).initials == "slj"


def test_marks_escape_what_they_stand_in() -> None:
    assert marked("<b>井盖</b>", "井盖 b>") == "&lt;<mark>b&gt;</mark><mark>井盖</mark>&lt;/<mark>b&gt;</mark>"
    assert around("甲" * 40 + "井盖" + "乙" * 80, "井盖").startswith("…")
    assert around("没有", "井盖") == ""
