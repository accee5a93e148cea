"""并案: what may be the same matter, one merged into the other, and all of the reporters told how it ended."""

import csv
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from command_room.services import board
from command_room.services.worklist import acts, segments
from enforcement.models import Event
from enforcement.rules import merge as rules
from enforcement.services import event as events
from enforcement.services import handover as handovers
from enforcement.services import merge as merges
from enforcement.services import whistle as whistles
from enforcement.services.event import Place
from notifications.models import Message
from records.models import Entry
from records.services import Refused, WrongState
from tests.cast import Cast, PostFactory, UserFactory, client_for
from tests.enforcement import walk
from tests.enforcement.events import make_category, make_event
from tests.enforcement.pages import html, page
from tests.enforcement.test_concurrency import at_once
from townships.models import Role, User

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = walk.at("2026-11-24 10:36")
GOLDEN = Path(__file__).parents[1] / "golden" / "merge.csv"
HERE = (Decimal("120.820000"), Decimal("29.590000"))


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def second(cast: Cast) -> User:
    """Another grid member of 甘霖镇, of the same grid."""
    return PostFactory(user=UserFactory(username="second"), unit=cast.ganlin_grid, role=Role.GRID).user


def pair(cast: Cast, by: Any) -> tuple[Event, Event]:
    """The main event, and what `by` has reported of the same."""
    return make_event(cast), make_event(cast, by=by)


def merge(cast: Cast, event: Event, into: Event, **over: Any) -> None:
    merges.merge(event, into=into, **{"by": cast.duty, "seen_state": "reported", **over})


def post(user: Any, event: Event, **data: Any) -> Any:
    return client_for(user).post(reverse("enforcement:event-merge", args=[event.pk]), data)


# --- the rule ---------------------------------------------------------------------------------------------------------
def golden() -> list[dict[str, str]]:
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", golden(), ids=lambda row: row["why"])
def test_metres_are_those_of_the_table(row: dict[str, str]) -> None:
    one = (float(row["longitude"]), float(row["latitude"]))
    other = (float(row["other_longitude"]), float(row["other_latitude"]))
    assert rules.metres(one, other) == pytest.approx(float(row["metres"]), abs=0.06, rel=1e-4)
    assert rules.metres(one, other) == pytest.approx(rules.metres(other, one))


degrees = st.tuples(st.floats(-180, 180), st.floats(-80, 80))


@given(degrees, st.floats(-0.002, 0.002), st.floats(-0.002, 0.002))
def test_box_holds_everything_that_is_near(here: tuple[float, float], east: float, north: float) -> None:
    other = (here[0] + east, here[1] + north)
    (west, south), (far_east, far_north) = rules.box(here)
    inside = west <= other[0] <= far_east and south <= other[1] <= far_north
    assert inside or rules.metres(here, other) > rules.NEAR - 0.01


def sight(**over: Any) -> rules.Sight:
    values = {"category": 1, "grid": 7, "position": None, "reported_at": NOW, **over}
    return rules.Sight(**values)


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({}, "同一网格"),
        ({"category": 2}, ""),
        ({"grid": 8}, ""),
        ({"grid": None}, ""),
        ({"reported_at": NOW - timedelta(days=14)}, "同一网格"),
        ({"reported_at": NOW + timedelta(days=14)}, "同一网格"),
        ({"reported_at": NOW - timedelta(days=14, seconds=1)}, ""),
        ({"grid": 8, "position": (120.8205, 29.5905)}, "相距 74 米"),
        ({"grid": 8, "position": (120.83, 29.59)}, ""),
        ({"position": (120.83, 29.59)}, "同一网格"),
    ],
)
def test_reason(over: dict[str, Any], reason: str) -> None:
    assert rules.reason(sight(position=(120.82, 29.59)), sight(**over)) == reason


# --- proposed ---------------------------------------------------------------------------------------------------------
def at_place(cast: Cast, longitude: str, latitude: str) -> dict[str, Any]:
    return {"place": Place(cast.ganlin, "东湖路", None, Decimal(longitude), Decimal(latitude))}


def test_likely_are_near_or_in_the_grid_the_newest_first(cast: Cast) -> None:
    in_grid = make_event(cast)
    near = make_event(cast, **at_place(cast, "120.820500", "29.590500"))
    make_event(cast, **at_place(cast, "120.830000", "29.590000"))
    make_event(cast, category=make_category("0301", "违停"))
    make_event(cast, by=cast.changle_grid_member, place=Place(cast.changle, "东湖路", None, *HERE))
    event = make_event(cast, place=Place(cast.ganlin, "东湖路", cast.ganlin_grid, *HERE))
    assert [(one.event.pk, one.reason) for one in merges.likely(event)] == [
        (near.pk, "相距 74 米"),
        (in_grid.pk, "同一网格"),
    ]


def test_likely_leaves_out_what_was_dismissed_or_merged_and_what_is_old(cast: Cast) -> None:
    dismissed, merged, main = (make_event(cast) for _ in range(3))
    events.dismiss(dismissed, by=cast.duty, seen_state="reported", reason="untrue", text="没有")
    merge(cast, merged, main)
    with time_machine.travel(NOW - timedelta(days=15), tick=False):
        make_event(cast)
    assert [one.event.pk for one in merges.likely(make_event(cast))] == [main.pk]


def test_likely_without_grid_and_position_are_none(cast: Cast) -> None:
    make_event(cast)
    event = make_event(cast, place=Place(cast.ganlin, "不清楚"))
    with CaptureQueriesContext(connection) as queries:
        assert merges.likely(event) == []
    assert len(queries) == 0


def test_page_proposes_at_one_price(cast: Cast) -> None:
    event, counts = make_event(cast), []
    client = client_for(cast.duty)
    for n in (1, 12):
        for _ in range(n):
            make_event(cast)
        with CaptureQueriesContext(connection) as queries:
            shown = html(client.get(event.get_absolute_url()))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert shown.count('name="into"') == merges.PROPOSED
    assert "可能是同一件事" not in page(cast.auditor, event)


# --- merged -----------------------------------------------------------------------------------------------------------
def test_merge_closes_one_and_tells_its_reporter(cast: Cast, second: User) -> None:
    main, event = pair(cast, second)
    assert post(cast.duty, event, seen_state="reported", into=main.pk).status_code == 302
    event.refresh_from_db()
    assert (event.state, event.merged_into, event.closed_by, event.next_due) == ("merged", main, cast.duty, None)
    assert walk.told("event_merged") == ["second"]
    assert Entry.objects.about(event).get(verb="event_merged").what == f"与 {main.number} 是同一件事，并案办理"
    assert Entry.objects.about(main).get(verb="event_taken_in").what == f"{event.number} 是同一件事，并入办理"


@pytest.mark.parametrize("write", ["{0}", "{1}", "{2}"])
def test_merge_by_number(cast: Cast, write: str) -> None:
    main, event = pair(cast, cast.grid)
    number = write.format(main.number, main.number.removeprefix("事"), main.number.split("-", 1)[1])
    assert post(cast.duty, event, seen_state="reported", number=number).status_code == 302
    event.refresh_from_db()
    assert event.merged_into == main


@pytest.mark.parametrize(("number", "sentence"), [("", "请填要并入"), ("20261124-0999", "本镇街没有这个编号")])
def test_merge_by_a_number_that_is_not_there(cast: Cast, number: str, sentence: str) -> None:
    response = post(cast.duty, make_event(cast), seen_state="reported", number=number)
    assert response.status_code == 422
    assert sentence in html(response)


def test_merge_into_another_townships_event(cast: Cast) -> None:
    foreign = walk.event(cast, township=cast.changle, by=cast.changle_grid_member)
    event = make_event(cast)
    assert post(cast.duty, event, seen_state="reported", into=foreign.pk).status_code == 422
    assert post(cast.duty, event, seen_state="reported", number=foreign.number).status_code == 422
    with pytest.raises(Refused):
        merge(cast, event, foreign)


def test_merge_into_itself_or_in_a_circle(cast: Cast, second: User) -> None:
    main, event = pair(cast, second)
    with pytest.raises(Refused, match="那一件就是本件"):
        merge(cast, main, main)
    merge(cast, event, main)
    with pytest.raises(Refused, match="已经并入本件"):
        merge(cast, main, event)
    main.refresh_from_db()
    assert main.state == "reported"


def test_merge_into_a_merged_one_follows_to_what_goes_on(cast: Cast, second: User) -> None:
    main, event = pair(cast, second)
    third = make_event(cast)
    merge(cast, event, main)
    merge(cast, third, event)
    assert Event.objects.get(pk=third.pk).merged_into == main


def test_merge_brings_along_what_was_merged_into_it(cast: Cast, second: User) -> None:
    main, event = pair(cast, second)
    first = make_event(cast)
    merge(cast, event, first)
    merge(cast, first, main)
    assert set(main.merged.values_list("pk", flat=True)) == {event.pk, first.pk}
    assert Entry.objects.about(event).filter(verb="event_brought_along").count() == 1


def test_merge_into_a_dismissed_one(cast: Cast) -> None:
    main, event = pair(cast, cast.grid)
    events.dismiss(main, by=cast.duty, seen_state="reported", reason="untrue", text="没有")
    with pytest.raises(Refused, match="不予受理，不能并入"):
        merge(cast, event, main)


def test_merge_into_what_has_ended_tells_at_once(cast: Cast, second: User) -> None:
    main, event = pair(cast, second)
    events.settle(main, by=cast.duty, seen_state="reported", result="已清理")
    merge(cast, event, main)
    assert walk.told("event_merged") == []
    assert walk.told("event_closed") == ["grid", "second"]
    assert "已清理" in page(second, event)


def test_merge_of_what_is_whistled_or_stale(cast: Cast) -> None:
    main, event = pair(cast, cast.grid)
    walk.submitted(cast, of=event)
    assert post(cast.duty, event, seen_state="whistled", into=main.pk).status_code == 403
    assert post(cast.duty, event, seen_state="reported", into=main.pk).status_code == 303
    with pytest.raises(WrongState):
        merge(cast, event, main)
    with pytest.raises(WrongState):
        merge(cast, event, main, seen_state="whistled")


def test_merge_ends_an_offer_to_a_neighbour(cast: Cast) -> None:
    main, event = pair(cast, cast.grid)
    given = {"request_id": uuid4(), "to": cast.changle, "reason": "在长乐"}
    handover = handovers.offer(event, by=cast.duty, seen_state="reported", **given)
    merge(cast, event, main)
    handover.refresh_from_db()
    assert handover.state == "void"


# --- what follows -----------------------------------------------------------------------------------------------------
def test_end_of_the_main_event_is_told_to_all_reporters(cast: Cast, second: User) -> None:
    main, event = pair(cast, second)
    merge(cast, event, main)
    whistle = walk.submitted(cast, of=main, helpers=[])
    whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    walk.reported(cast, walk.part(whistle, cast.scjg))
    whistle.refresh_from_db()
    whistles.close(whistle, by=cast.duty, seen_state="reported")
    assert walk.told("event_closed") == ["grid", "second"]
    told = {m.recipient_id: (m.data["number"], m.link) for m in Message.objects.filter(kind="event_closed")}
    assert told[second.pk] == (event.number, event.get_absolute_url())
    assert told[cast.grid.pk] == (main.number, main.get_absolute_url())
    assert "已办结" in page(second, event)


def test_dismissal_of_the_main_event_is_told_to_all_reporters(cast: Cast, second: User) -> None:
    main, event = pair(cast, second)
    merge(cast, event, main)
    events.dismiss(main, by=cast.duty, seen_state="reported", reason="untrue", text="到场未见")
    assert walk.told("event_dismissed") == ["grid", "second"]
    assert "到场未见" in page(second, event)


def test_page_points_to_the_main_event_only_for_whoever_may_see_it(cast: Cast) -> None:
    elsewhere = PostFactory(user=UserFactory(), unit=cast.changle_grid, role=Role.GRID).user
    main, event = pair(cast, elsewhere)
    merge(cast, event, main)
    assert main.get_absolute_url() in page(cast.duty, event)
    assert event.get_absolute_url() in page(cast.duty, main)
    shown = page(elsewhere, event)
    assert main.get_absolute_url() not in shown
    assert main.number not in shown
    assert "已经并在一起办" in shown
    assert "接下来：受理" in shown


def test_worklist_of_the_reporter_follows_the_main_event(cast: Cast, second: User) -> None:
    main, event = pair(cast, second)
    merge(cast, event, main)
    [act] = acts(second, NOW)
    assert (act.number, act.why) == (event.number, "与同样的上报并在一起办：等指挥室受理")
    walk.submitted(cast, of=main)
    with time_machine.travel(NOW + timedelta(days=9), tick=False):
        [act] = acts(second, NOW + timedelta(days=9))
        assert act.why == "与同样的上报并在一起办：拟吹哨，等镇领导审核"
        assert [len(part.acts) for part in segments([act], NOW, "grid")] == [1, 0]


def test_merged_event_counts_nowhere_as_open(cast: Cast) -> None:
    main, event = pair(cast, cast.grid)
    merge(cast, event, main)
    assert board.board(cast.ganlin, NOW).to_accept == 1
    assert [act.number for act in acts(cast.duty, NOW)] == [main.number]
    listed = client_for(cast.duty).get(reverse("enforcement:event-list"), {"state": "open"})
    assert event.number not in html(listed)
    assert not event.is_open


@pytest.mark.parametrize(("who", "status"), [("officer", 403), ("grid", 403), ("auditor", 403), ("changle_duty", 404)])
def test_merge_by_somebody_else(cast: Cast, who: str, status: int) -> None:
    main, event = pair(cast, cast.grid)
    assert post(getattr(cast, who), event, seen_state="reported", into=main.pk).status_code == status


@pytest.mark.django_db(transaction=True)
def test_merge_each_into_the_other_at_once(cast: Cast) -> None:
    one, other = pair(cast, cast.grid)
    outcome = at_once(
        lambda: merge(cast, Event.objects.get(pk=one.pk), Event.objects.get(pk=other.pk)),
        lambda: merge(cast, Event.objects.get(pk=other.pk), Event.objects.get(pk=one.pk)),
    )
    assert outcome in (["Refused", "done"], ["WrongState", "done"])
    assert sorted(Event.objects.values_list("state", flat=True)) == ["merged", "reported"]
