"""The pages of 督办: list, slip, third reds, marks, the one reminder by hand."""

from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from enforcement.filters.escalation import quarters
from enforcement.models import Dispatch, Escalation
from enforcement.services import escalation
from enforcement.services.reds import quarter_begin, third_reds
from notifications.models import Message
from tests.cast import Cast, client_for
from tests.enforcement import walk
from tests.enforcement.walk import at

TUESDAY = at("2026-11-24 09:00")
RED = at("2026-11-25 10:00")  # of what was sent on Tuesday at nine and has not been signed
LIST = "enforcement:escalation-list"
pytestmark = pytest.mark.usefixtures("rules")


@pytest.fixture(autouse=True)
def clock() -> Iterator[mock.Mock]:
    with mock.patch.object(timezone, "now", return_value=TUESDAY) as now:
        yield now


def sent(cast: Cast) -> Dispatch:
    return walk.part(walk.approved(cast, helpers=[]), cast.scjg)


def red(cast: Cast, clock: mock.Mock) -> Escalation:
    sent(cast)
    clock.return_value = RED
    escalation.sweep()
    return Escalation.objects.filter(level=3).latest("id")


def html(cast: Cast, part: str, url: str, **query: str) -> str:
    response = client_for(getattr(cast, part)).get(url, query)
    assert response.status_code == 200, (part, url)
    return response.content.decode()


# --- the slip ---------------------------------------------------------------------------------------------------------
def test_slip_says_the_facts_of_the_clock_and_no_words_of_people(cast: Cast, clock: mock.Mock) -> None:
    row = red(cast, clock)
    text = html(cast, "scjg_leader", row.get_absolute_url())
    for fact in (
        "督办单",
        row.number,
        row.target.number,
        row.target.whistle.event.category.name,  # type: ignore[union-attr]
        "4 个工作小时",
        "2026 年 11 月 24 日 15:00",
        "已超期 19 小时",
        "还没有办",
    ):
        assert fact in text, fact
    whistle = row.target.whistle  # type: ignore[union-attr]
    for words in (whistle.title, whistle.facts, str(cast.scjg_liaison)):
        assert words not in text.split('id="main"')[1], words


def test_slip_says_when_it_has_been_done(cast: Cast, clock: mock.Mock) -> None:
    row = red(cast, clock)
    walk.signed(cast, row.target)  # type: ignore[arg-type]
    text = html(cast, "duty", row.get_absolute_url())
    assert "已签收，这个期限已不在计时" in text
    assert "还没有办" not in text


@pytest.mark.parametrize("part", ["changle_duty", "zrzy_liaison", "officer", "grid", "bureau_admin"])
def test_slip_is_not_there_for_others(cast: Cast, clock: mock.Mock, part: str) -> None:
    row = red(cast, clock)
    assert client_for(getattr(cast, part)).get(row.get_absolute_url()).status_code == 404


# --- the list ---------------------------------------------------------------------------------------------------------
def test_list_shows_each_unit_its_own(cast: Cast, clock: mock.Mock) -> None:
    row = red(cast, clock)
    for part in ("duty", "scjg_liaison", "zdb_officer", "auditor"):
        assert row.number in html(cast, part, reverse(LIST)), part
    for part in ("changle_duty", "zrzy_liaison"):
        assert "没有督办" in html(cast, part, reverse(LIST)), part


@pytest.mark.parametrize(
    ("query", "levels"),
    [
        ({}, {2, 3}),
        ({"level": "3"}, {3}),
        ({"level": "1"}, {1}),
        ({"unit": "市场"}, {2, 3}),
        ({"unit": "自然"}, set()),
        ({"quarter": "2026-4"}, {2, 3}),
        ({"quarter": "2026-3"}, set()),
        ({"open": "open"}, {2, 3}),
        ({"whose": "ours"}, {2, 3}),
        ({"whose": "own"}, set()),
    ],
)
def test_list_filters(cast: Cast, clock: mock.Mock, query: dict[str, str], levels: set[int]) -> None:
    red(cast, clock)
    text = html(cast, "duty", reverse(LIST), **query)
    rows = Escalation.objects.all()
    assert {row.level for row in rows if f'href="{row.get_absolute_url()}"' in text} == levels


def test_list_leaves_out_what_has_been_done_when_asked(cast: Cast, clock: mock.Mock) -> None:
    row = red(cast, clock)
    walk.signed(cast, row.target)  # type: ignore[arg-type]
    assert row.number not in html(cast, "duty", reverse(LIST), open="open")
    assert "已办或已变更" in html(cast, "duty", reverse(LIST))


def test_list_asks_as_many_queries_for_60_rows_as_for_6(cast: Cast, clock: mock.Mock) -> None:
    counts = []
    for many in (3, 27):
        clock.return_value = TUESDAY
        for _ in range(many):
            sent(cast)
        clock.return_value = RED
        escalation.sweep()
        client = client_for(cast.zdb_officer)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(reverse(LIST))
        counts.append(len(queries))
    assert "下一页" in page.content.decode()
    assert counts[0] == counts[1]


def test_list_is_for_those_whom_it_concerns(cast: Cast) -> None:
    for part in ("grid", "officer", "zrzy_officer", "bureau_admin", "stranger"):
        assert client_for(getattr(cast, part)).get(reverse(LIST)).status_code == 403, part


def test_rows_alone_for_htmx(cast: Cast, clock: mock.Mock) -> None:
    red(cast, clock)
    response = client_for(cast.zdb_officer).get(reverse(LIST), headers={"HX-Request": "true", "HX-Target": "rows"})
    assert "<html" not in response.content.decode()


# --- 第三张红牌 --------------------------------------------------------------------------------------------------------
def test_third_red_names_the_unit_with_its_slips(cast: Cast, clock: mock.Mock) -> None:
    for _ in range(2):
        sent(cast)
    row = red(cast, clock)
    (named,) = third_reds(RED)
    assert (named.unit, named.count, len(named.rows)) == (cast.scjg, 3, 3)
    text = html(cast, "zdb_officer", reverse(LIST))
    assert "红牌 3 张" in text
    assert row.number in text.split('id="thirds"')[1].split("</section>")[0]
    assert "第三张红牌" not in html(cast, "scjg_leader", reverse(LIST))


def test_third_red_does_not_count_what_was_returned_with_success_or_is_of_another_quarter(
    cast: Cast, clock: mock.Mock
) -> None:
    for _ in range(2):
        sent(cast)
    row = red(cast, clock)
    Dispatch.objects.filter(pk=row.dispatch_id).update(state="returned", next_due=None)
    assert third_reds(RED) == []
    Dispatch.objects.filter(pk=row.dispatch_id).update(state="signed")
    assert len(third_reds(RED)) == 1
    assert third_reds(RED + timedelta(days=60)) == []


def test_quarters() -> None:
    assert quarter_begin(at("2026-11-24 09:00")) == at("2026-10-01 00:00")
    assert quarter_begin(at("2026-01-01 00:00")) == at("2026-01-01 00:00")
    assert quarters(at("2026-02-01 00:00").date())[:2] == [
        ("2026-1", "2026 年第 1 季度"),
        ("2025-4", "2025 年第 4 季度"),
    ]


# --- marks ------------------------------------------------------------------------------------------------------------
def test_marks_stand_on_the_pages_of_what_is_late(cast: Cast, clock: mock.Mock) -> None:
    row = red(cast, clock)
    dispatch = row.target
    whistle = dispatch.whistle  # type: ignore[union-attr]
    for part, url in (("scjg_liaison", dispatch.get_absolute_url()), ("duty", whistle.get_absolute_url())):
        text = html(cast, part, url)
        assert "市场监管局签收超期" in text
        assert f'href="{row.get_absolute_url()}"' in text
    seen_by_officer = html(cast, "officer", whistle.get_absolute_url())
    assert "市场监管局签收超期" in seen_by_officer
    assert f'href="{row.get_absolute_url()}"' not in seen_by_officer


def test_marks_go_when_the_act_has_come(cast: Cast, clock: mock.Mock) -> None:
    row = red(cast, clock)
    walk.signed(cast, row.target)  # type: ignore[arg-type]
    text = html(cast, "duty", row.target.whistle.get_absolute_url())  # type: ignore[union-attr]
    assert 'class="note late"' not in text


def test_marks_on_the_work_list_the_board_and_the_city(cast: Cast, clock: mock.Mock) -> None:
    red(cast, clock)
    assert '<span class="tag late">红牌</span>' in html(cast, "scjg_liaison", reverse("command_room:worklist"))
    board = html(cast, "duty", reverse("command_room:board"))
    assert '<span class="tag late">红牌</span>' in board
    assert "已超期（红牌 1，黄牌 0）" in board
    assert '<span class="tag late">红牌</span>' in html(cast, "zdb_officer", reverse("command_room:worklist"))
    assert 'data-th="红牌"' in html(cast, "zdb_officer", reverse("command_room:board"))


def test_board_that_is_open_learns_of_a_new_mark(cast: Cast, clock: mock.Mock) -> None:
    sent(cast)
    clock.return_value = at("2026-11-24 15:01")
    client, columns = client_for(cast.duty), reverse("command_room:board-columns")
    etag = client.get(columns).headers["ETag"]
    escalation.sweep()
    response = client.get(columns, headers={"If-None-Match": etag})
    assert response.status_code == 200
    assert "黄牌" in response.content.decode()


# --- 催办 --------------------------------------------------------------------------------------------------------------
def test_remind_once_and_then_the_page_says_when(cast: Cast, clock: mock.Mock) -> None:
    dispatch = sent(cast)
    client, url = client_for(cast.duty), reverse("enforcement:dispatch-remind", args=[dispatch.pk])
    assert "催办" in client.get(dispatch.get_absolute_url()).content.decode()
    for _ in range(2):
        assert client.post(url, {"seen_state": "sent"}, follow=True).status_code == 200
    assert Message.objects.filter(kind="reminded").count() == 1
    page = client.get(dispatch.get_absolute_url()).content.decode()
    assert "今天 09:00 已提醒对方" in page
    assert f'action="{url}"' not in page
    assert f'action="{url}"' not in html(cast, "scjg_liaison", dispatch.get_absolute_url())


def test_remind_is_the_waiting_desks_alone(cast: Cast, clock: mock.Mock) -> None:
    dispatch = sent(cast)
    url = reverse("enforcement:dispatch-remind", args=[dispatch.pk])
    for part, status in (("scjg_liaison", 403), ("officer", 403), ("zdb_officer", 403), ("changle_duty", 404)):
        assert client_for(getattr(cast, part)).post(url, {"seen_state": "sent"}).status_code == status, part
    assert client_for(cast.duty).get(url).status_code == 405


def test_remind_on_a_stale_page_says_what_has_happened(cast: Cast, clock: mock.Mock) -> None:
    dispatch = walk.reported(cast, sent(cast))
    url = reverse("enforcement:dispatch-remind", args=[dispatch.pk])
    response = client_for(cast.duty).post(url, {"seen_state": "sent"}, follow=True)
    assert "市场监管局反馈" in response.content.decode()
    assert not Message.objects.filter(kind="reminded").exists()
