"""The board of a township: columns in order, figures, the price of looking again."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from command_room.services import board as boards
from command_room.services import day, marks
from command_room.services.board import COLUMN, Board
from enforcement.models import Event, Whistle
from enforcement.services import claim
from enforcement.services import dispatch as dispatches
from enforcement.services import whistle as whistles
from tests.cast import Cast, CertificateFactory, ShiftFactory, SquadMemberFactory, client_for
from tests.command_room.rows import make_events, make_whistles
from tests.enforcement import walk
from townships.models import SquadMember
from townships.people import roster

NOW = walk.at("2026-11-24 10:42")
PAGE, COLUMNS = "command_room:board", "command_room:board-columns"
pytestmark = pytest.mark.usefixtures("calendar_2026")


@pytest.fixture(autouse=True)
def stopped_clock() -> Iterator[Any]:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def after(minutes: float) -> time_machine.travel:
    return time_machine.travel(NOW + timedelta(minutes=minutes), tick=False)


def board(cast: Cast, minutes: float = 0) -> Board:
    return boards.board(cast.ganlin, NOW + timedelta(minutes=minutes))


def slip(cast: Cast, whistle: Whistle, minutes: float = 0) -> dict[str, Any]:
    return next(s for lane in board(cast, minutes).lanes for s in lane.slips if s["id"] == whistle.pk)


# --- columns and cards ------------------------------------------------------------------------------------------------
def test_columns_hold_each_whistle_where_it_stands(cast: Cast) -> None:
    submitted, sent = walk.submitted(cast), walk.approved(cast)
    reported = walk.ready(cast, helpers=[])
    signed = walk.approved(cast, helpers=[])
    walk.signed(cast, walk.part(signed, cast.scjg))
    arrived = walk.approved(cast, helpers=[])
    walk.arrived(cast, walk.part(arrived, cast.scjg))
    lanes = {lane.title: [slip["id"] for slip in lane.slips] for lane in board(cast).lanes}
    assert lanes == {
        "待审核": [submitted.pk],
        "待签收": [sent.pk],
        "已签收": [signed.pk],
        "处置中": [arrived.pk],
        "待评价": [reported.pk],
    }


def test_columns_leave_out_what_is_over_and_what_is_elsewhere(cast: Cast) -> None:
    rejected = walk.submitted(cast)
    whistles.reject(rejected, by=cast.leader, seen_state="submitted", reason="先由队伍处置。")
    closed = walk.ready(cast)
    whistles.close(closed, by=cast.duty, seen_state="reported")
    assert [lane.count for lane in board(cast).lanes] == [0] * 5
    walk.submitted(cast)
    assert boards.board(cast.changle, NOW).open == 0


def test_columns_put_overdue_first_then_by_due_time(cast: Cast) -> None:
    made = make_whistles(cast, 3, NOW)
    dues = {made[0].pk: 600, made[1].pk: -40, made[2].pk: 30}
    for pk, minutes in dues.items():
        Whistle.objects.filter(pk=pk).update(next_due=NOW + timedelta(minutes=minutes))
    lane = board(cast).lanes[1]
    assert [(s["id"], s["tone"]) for s in lane.slips] == [
        (made[1].pk, "late"),
        (made[2].pk, "soon"),
        (made[0].pk, "ok"),
    ]


def test_card_names_the_departments_before_and_after_approval(cast: Cast) -> None:
    whistle = walk.submitted(cast, "urgent")
    assert slip(cast, whistle)["parts"] == [("市场监管局", "", ""), ("自然资源局", "", "")]
    whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    walk.signed(cast, walk.part(whistle, cast.zrzy))
    assert slip(cast, whistle, 1)["parts"] == [("市场监管局", "soon", "未签收"), ("自然资源局", "soon", "已签收")]
    assert slip(cast, whistle, 61)["parts"] == [("市场监管局", "late", "未签收"), ("自然资源局", "soon", "已签收")]


def test_card_says_whose_clock_runs(cast: Cast) -> None:
    whistle = walk.approved(cast, "urgent", helpers=[])
    part = walk.part(whistle, cast.scjg)
    labels = [slip(cast, whistle)["label"]]
    walk.signed(cast, part)
    labels.append(slip(cast, whistle)["label"])
    dispatches.arrive(part, by=cast.scjg_liaison, seen_state="signed", officers=[cast.scjg_officer], uses_power=True)
    labels.append(slip(cast, whistle)["label"])
    walk.report(cast, part)
    labels.append(slip(cast, whistle)["label"])
    walk.reworked(cast, part)
    labels.append(slip(cast, whistle)["label"])
    assert labels == ["签收", "到场", "首报", "评价", "返工"]


def test_card_of_an_emergency_says_that_it_is_not_confirmed(cast: Cast) -> None:
    whistle = walk.submitted(cast, "emergency")
    assert slip(cast, whistle)["unconfirmed"]
    whistles.confirm_emergency(whistle, by=cast.leader)
    assert not slip(cast, whistle)["unconfirmed"]


def test_card_says_who_took_it_up(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    claim.take(whistle, by=cast.leader)
    assert slip(cast, whistle)["claimed"] == cast.leader.name


def test_card_marks_a_provisional_due_time(cast: Cast) -> None:
    with time_machine.travel(walk.at("2026-12-30 10:00"), tick=False):
        whistle = walk.ready(cast, "urgent", helpers=[])
        [found] = boards.board(cast.ganlin, walk.at("2026-12-30 10:00")).lanes[-1].slips
    assert found["id"] == whistle.pk
    assert found["provisional"]


def test_column_shows_fifty_and_says_how_many_more(cast: Cast) -> None:
    make_whistles(cast, COLUMN + 7, NOW)
    lane = board(cast).lanes[1]
    assert (len(lane.slips), lane.count, lane.more) == (COLUMN, COLUMN + 7, 7)
    assert "还有 7 张" in client_for(cast.duty).get(reverse(PAGE)).content.decode()


def test_side_names_six_who_can_come_and_says_how_many_more(cast: Cast) -> None:
    for _ in range(7):
        SquadMemberFactory(township=cast.ganlin, seconding_unit=cast.scjg)
    page = client_for(cast.duty).get(reverse(PAGE)).content.decode()
    assert page.count("此刻没有排班") == 6
    assert "还有 2 人</a>" in page
    everybody = client_for(cast.duty).get(reverse("townships:who-can-come")).content.decode()
    assert everybody.count("此刻没有排班") == 8
    assert "人</a>" not in everybody


# --- figures ----------------------------------------------------------------------------------------------------------
def test_figures_count_open_late_soon_and_events_to_accept(cast: Cast) -> None:
    make_events(cast, 2, NOW)
    made = make_whistles(cast, 4, NOW + timedelta(hours=5))
    for whistle, minutes in zip(made, (-5, 10, 119, 500), strict=True):
        Whistle.objects.filter(pk=whistle.pk).update(next_due=NOW + timedelta(minutes=minutes))
    found = board(cast)
    assert (found.open, found.late, found.soon, found.to_accept) == (4, 1, 2, 2)


def test_figure_of_arrivals_is_the_average_since_monday(cast: Cast) -> None:
    with time_machine.travel(walk.at("2026-11-20 10:00"), tick=False):  # Friday
        walk.arrived(cast, walk.part(walk.approved(cast), cast.scjg))
    assert day.arrivals(cast.ganlin, NOW).n == 0
    whistle = walk.approved(cast, helpers=[cast.zrzy])
    for unit, minutes in ((cast.scjg, 20), (cast.zrzy, 40)):
        with after(minutes):
            walk.arrived(cast, walk.part(whistle, unit))
    found = day.arrivals(cast.ganlin, NOW + timedelta(hours=1))
    assert (found.average, found.n, found.words) == (timedelta(minutes=30), 2, "30 分钟")
    assert day.Arrivals(timedelta(minutes=90), 1).words == "1.5 小时"


def test_figure_of_finished_counts_a_rework_by_its_own_limit(cast: Cast) -> None:
    in_time, late = walk.ready(cast), walk.approved(cast)
    part = walk.reworked(cast, walk.part(in_time, cast.scjg))
    with time_machine.travel(part.rework_due, tick=False):
        walk.report(cast, part)
        in_time.refresh_from_db()
        whistles.close(in_time, by=cast.duty, seen_state="reported")
    with time_machine.travel(walk.at("2026-12-08 10:00"), tick=False):
        walk.reported(cast, walk.part(late, cast.scjg))
        late.refresh_from_db()
        whistles.close(late, by=cast.duty, seen_state="reported")
    november, december = walk.at("2026-11-30 20:00"), walk.at("2026-12-31 20:00")
    assert (day.finished(cast.ganlin, november).percent, day.finished(cast.ganlin, november).n) == (50, 2)
    assert day.finished(cast.ganlin, december).n == 1
    assert day.finished(cast.changle, november) == day.Finished(on_time=0, n=0)


def test_figures_lead_to_the_lists_behind_them(cast: Cast) -> None:
    make_whistles(cast, 2, NOW - timedelta(days=1))
    client = client_for(cast.duty)
    html = client.get(reverse(PAGE)).content.decode()
    late = f"{reverse('enforcement:whistle-list')}?late=late&amp;order=due"
    assert f'href="{late}"' in html
    assert client.get(late.replace("&amp;", "&")).status_code == 200


# --- what there is to mind --------------------------------------------------------------------------------------------
def test_to_mind_says_certificates_places_and_missing_years(cast: Cast) -> None:
    today = NOW.date()
    CertificateFactory(holder=cast.leader, valid_to=today + timedelta(days=12))
    SquadMemberFactory(township=cast.ganlin, user=cast.leader, slot=SquadMember.Slot.SCJG)
    said = day.to_mind(cast.ganlin, roster(cast.ganlin, today), today)
    assert said[0] == "市场监管派驻队员的执法证 12 天后到期"
    assert said[1].startswith("一支队伍 2/10，缺综合执法局派驻、")
    assert said[2] == "2027 年放假安排未导入"
    with time_machine.travel(walk.at("2026-12-30 10:00"), tick=False):
        walk.approved(cast)
    assert day.to_mind(cast.ganlin, [], today)[-1] == "2027 年放假安排未导入，1 张哨单的期限为暂定"
    assert day.to_mind(cast.changle, roster(cast.changle, today), walk.at("2026-03-01 10:00").date())[-1].startswith(
        "一支"
    )


def test_board_shows_who_can_come_with_a_number_to_call(cast: Cast) -> None:
    ShiftFactory(township=cast.ganlin, user=cast.officer, day=NOW.date())
    html = client_for(cast.duty).get(reverse(PAGE)).content.decode()
    assert f'href="tel:{cast.officer.mobile}"' in html


def test_board_shows_at_once_when_somebody_goes_out(cast: Cast) -> None:
    client = client_for(cast.duty)
    client.get(reverse(PAGE))
    SquadMember.objects.filter(user=cast.officer).update(status="out", status_note="预计 11:30 回")
    assert "预计 11:30 回" in client.get(reverse(PAGE)).content.decode()


# --- 304 --------------------------------------------------------------------------------------------------------------
def poll(client: Client, etag: str) -> int:
    return client.get(reverse(COLUMNS), headers={"If-None-Match": etag}).status_code


def test_columns_are_304_until_a_department_acts(cast: Cast) -> None:
    part = walk.part(walk.approved(cast), cast.scjg)
    client = client_for(cast.duty)
    first = client.get(reverse(COLUMNS))
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "<html" not in first.content.decode()
    etag = first.headers["ETag"]
    unchanged = client.get(reverse(COLUMNS), headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", etag)
    with after(1):
        walk.signed(cast, part)
        assert poll(client, etag) == 200


def test_columns_change_when_a_card_turns_amber_red_or_another_day(cast: Cast) -> None:
    walk.approved(cast, helpers=[])  # to be signed within four working hours
    due = Whistle.objects.get().next_due
    for turn in (due - timedelta(hours=2), due, walk.at("2026-11-25 00:00")):
        with time_machine.travel(turn - timedelta(minutes=3), tick=False):
            client = client_for(cast.duty)
            etag = client.get(reverse(COLUMNS)).headers["ETag"]
        with time_machine.travel(turn - timedelta(seconds=1), tick=False):
            assert poll(client, etag) == 304
        with time_machine.travel(turn, tick=False):
            assert poll(client, etag) == 200


def test_columns_change_with_the_clock_of_a_helper_too(cast: Cast) -> None:
    whistle = walk.approved(cast, "urgent")
    with after(5):
        walk.signed(cast, walk.part(whistle, cast.zrzy))
    arrive_due = walk.part(whistle, cast.zrzy).arrive_due
    with time_machine.travel(arrive_due - timedelta(minutes=1), tick=False):
        client = client_for(cast.duty)
        etag = client.get(reverse(COLUMNS)).headers["ETag"]
    with time_machine.travel(arrive_due, tick=False):
        assert poll(client, etag) == 200


def test_columns_change_when_an_earlier_change_is_committed_later(cast: Cast) -> None:
    """Two transactions overlap: the one that began first commits last, and the newest change stays what it was."""
    older, newer = walk.submitted(cast), walk.submitted(cast)
    Whistle.objects.filter(pk=newer.pk).update(changed_at=NOW + timedelta(seconds=9))
    etag = client_for(cast.duty).get(reverse(COLUMNS)).headers["ETag"]
    Whistle.objects.filter(pk=older.pk).update(title="改过的标题", changed_at=NOW + timedelta(seconds=4))
    assert poll(client_for(cast.duty), etag) == 200


def test_columns_change_with_an_event_and_with_a_claim(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    client = client_for(cast.duty)
    tags = [client.get(reverse(COLUMNS)).headers["ETag"]]
    with after(1):
        walk.event(cast)
        tags.append(client.get(reverse(COLUMNS)).headers["ETag"])
    with after(2):
        claim.take(whistle, by=cast.leader)
        tags.append(client.get(reverse(COLUMNS)).headers["ETag"])
    assert len(set(tags)) == 3


@pytest.mark.parametrize("etag", ['"x"', 'W/"a.b"', 'W/"a"', "nonsense", '"' + "9" * 400 + '"'])
def test_columns_with_a_foreign_etag_are_drawn(cast: Cast, etag: str) -> None:
    assert poll(client_for(cast.duty), etag) == 200


# --- who may ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("part", "status"),
    [("duty", 200), ("leader", 200), ("officer", 200), ("grid", 403), ("scjg_liaison", 403), ("bureau_admin", 403)],
)
def test_board_is_the_townships_own(cast: Cast, part: str, status: int) -> None:
    client = client_for(getattr(cast, part))
    assert [client.get(reverse(name)).status_code for name in (PAGE, COLUMNS)] == [status, status]


def test_board_of_another_township_is_not_there(cast: Cast) -> None:
    client = client_for(cast.duty)
    for name in (PAGE, COLUMNS):
        assert client.get(reverse(name), {"township": cast.changle.code}).status_code == 404
        assert client.get(reverse(name), {"township": cast.ganlin.code}).status_code == 200


def test_guidance_office_sees_the_city_and_chooses_a_township(cast: Cast) -> None:
    make_whistles(cast, 2, NOW - timedelta(days=1))
    client = client_for(cast.zdb_officer)
    city = client.get(reverse(PAGE))
    worst = city.context["rows"][0]
    assert (worst.township, worst.open, worst.late) == (cast.ganlin, 2, 2)
    assert len(city.context["rows"]) == 15
    chosen = client.get(reverse(PAGE), {"township": cast.ganlin.code})
    assert "甘霖镇今日指挥台" in chosen.content.decode()
    assert f"{reverse(COLUMNS)}?township={cast.ganlin.code}" in chosen.content.decode()
    assert client.get(reverse(COLUMNS), {"township": cast.ganlin.code}).status_code == 200
    for code in ("", "nonsense", cast.scjg.code):
        assert client.get(reverse(COLUMNS), {"township": code}).status_code == 404


# --- one price --------------------------------------------------------------------------------------------------------
def queries(client: Client, name: str, **query: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(reverse(name), query).status_code == 200
    return len(asked)


@pytest.mark.parametrize("name", [PAGE, COLUMNS])
def test_board_asks_as_many_queries_for_300_whistles_as_for_3(cast: Cast, name: str) -> None:
    client, counts = client_for(cast.duty), []
    for n in (1, 99):
        for state in ("submitted", "signing", "reported"):
            make_whistles(cast, n, NOW, state)
        cache.clear()
        counts.append(queries(client, name))
    assert counts[0] == counts[1]
    assert counts[0] <= 22


def test_board_that_was_drawn_is_not_drawn_again_in_the_same_minute(cast: Cast) -> None:
    make_whistles(cast, 3, NOW)
    client = client_for(cast.duty)
    queries(client, COLUMNS)
    assert queries(client, COLUMNS) == 4  # session, user, posts, mark
    assert queries(client_for(cast.leader), COLUMNS) == 4


def test_unchanged_columns_cost_one_query_beside_the_log_in(cast: Cast) -> None:
    client = client_for(cast.duty)
    etag = client.get(reverse(COLUMNS)).headers["ETag"]
    with CaptureQueriesContext(connection) as asked:
        assert poll(client, etag) == 304
    assert len(asked) == 4


def test_city_asks_as_many_queries_for_300_whistles_as_for_3(cast: Cast) -> None:
    client, counts = client_for(cast.auditor), []
    for n in (3, 297):
        make_whistles(cast, n, NOW)
        counts.append(queries(client, PAGE))
    assert counts[0] == counts[1]


def test_mark_changes_with_whistles_and_events_alone(cast: Cast) -> None:
    make_whistles(cast, 2, NOW)
    before = marks.of_township(cast.ganlin.pk)
    walk.event(cast, township=cast.changle, by=cast.changle_grid_member)
    assert marks.of_township(cast.ganlin.pk) == before
    Event.objects.filter(township=cast.ganlin).update(changed_at=NOW + timedelta(hours=1))
    assert marks.of_township(cast.ganlin.pk) != before
