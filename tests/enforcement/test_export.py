"""A list as a file: exactly its rows, with the sight of the moment, every text a text, who took it on record."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import openpyxl
import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enforcement.exports import work
from enforcement.exports.event import EVENTS
from enforcement.models import Caller, Event
from enforcement.services.event import Origin
from enforcement.views.dispatch import QUICK as DISPATCH_QUICK
from enforcement.views.event import QUICK as EVENT_QUICK
from enforcement.views.whistle import QUICK as WHISTLE_QUICK
from records.models import Access, Job
from records.services import job as jobs
from tests.cast import Cast, client_for
from tests.enforcement.events import make_event
from tests.test_permissions import _red, blow, new_event
from townships.models import Post


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def few(settings: Any) -> None:
    settings.EXPORT_AT_ONCE, settings.EXPORT_FILE_ROWS = 2, 3


@pytest.fixture
def world(cast: Cast, rules: None) -> Any:
    """An event that is new, one with an emergency whistle, one whose slip is red, one of the neighbour's."""
    from_call = Origin(source="call", caller_name="来电人甲", caller_phone="13900001111")
    make_event(cast, by=cast.duty, origin=from_call, title="=HYPERLINK(1)", facts="电话 13900001111")
    whistle = blow(cast, make_event(cast, title="+燃气泄漏"), "emergency")
    _red(whistle.dispatches.order_by("id")[0])
    return whistle


def export(user: Any, code: str, query: str = "", kind: str = "xlsx", **more: Any) -> Any:
    sent = {"query": query, "format": kind, "request_id": str(uuid4()), **more}
    return client_for(user).post(reverse("enforcement:export", args=[code]), sent)


def sheets(response: Any) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    return read(io.BytesIO(b"".join(response.streaming_content)))


def read(file: Any) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """The rows under the head, and what is told of the file."""
    book = openpyxl.load_workbook(file)
    about = {str(row[0]): str(row[1]) for row in book["说明"].iter_rows(min_row=2, values_only=True)}
    return list(book.worksheets[0].iter_rows(min_row=2, values_only=True)), about


def test_export_has_the_rows_of_the_page_and_says_who_took_them(cast: Cast, world: Any) -> None:
    response = export(cast.duty, "event", "state=reported")
    rows, about = sheets(response)
    assert [row[:2] for row in rows] == [(Event.objects.get(title="=HYPERLINK(1)").number, "=HYPERLINK(1)")]
    assert about["岗位"] == "甘霖镇·指挥室值班员"
    assert about["筛选条件"] == "状态：待受理"
    assert about["本文件条数"] == "1"
    assert response["Content-Disposition"].startswith("attachment")
    noted = Access.objects.get()
    assert (noted.what, noted.by, noted.count) == ("exported", cast.duty, 1)
    assert noted.detail == {
        "list": "event",
        "query": "state=reported",
        "format": "xlsx",
        "words": "状态：待受理",
    }


def test_export_says_which_of_the_two_lists_it_is(cast: Cast, world: Any) -> None:
    _, about = sheets(export(cast.duty, "whistle", "kind=emergency"))
    assert about["筛选条件"] == "我们吹的；哨种：应急哨"


@pytest.mark.parametrize("part", ["duty", "grid", "scjg_liaison", "zrzy_officer", "zdb_officer", "changle_duty"])
def test_export_holds_exactly_what_each_page_lists(cast: Cast, world: Any, part: str) -> None:
    user, request = getattr(cast, part), client_for(getattr(cast, part))
    for code, quick in (("event", EVENT_QUICK), ("whistle", WHISTLE_QUICK), ("dispatch", DISPATCH_QUICK)):
        for query in [*(query for _, query in quick), "box=in", "box=out", "q=燃气", "page=7"]:
            listing = work.listing_of(code)
            page = request.get(reverse(listing.address) + f"?{query}".replace("page=7", ""))
            shown = [row["number"] for row in page.context["rows"]]
            found = listing.asked(user, QueryDict(query)).rows.values_list("number", flat=True)
            assert shown == list(found), (code, query)


def test_export_of_escalations_holds_what_the_page_lists(cast: Cast, world: Any) -> None:
    rows, _ = sheets(export(cast.zdb_officer, "escalation"))
    assert [row[0] for row in rows] == ["督scjg-20261124-0001"]
    assert rows[0][1:4] == ("红牌", "派单", world.dispatches.order_by("id")[0].number)


def test_export_keeps_every_text_a_text_and_holds_no_caller(cast: Cast, world: Any) -> None:
    content = b"".join(export(cast.duty, "event").streaming_content)
    (sheet, about) = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    kinds = {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row if cell.value is not None}
    assert kinds == {"s", "d"}
    everything = str([[cell.value for cell in row] for one in (sheet, about) for row in one.iter_rows()])
    assert Caller.objects.get().phone == "13900001111"
    assert "13900001111" not in everything
    assert "来电人甲" not in everything


def test_csv_opens_in_a_spreadsheet_and_begins_no_formula(cast: Cast, world: Any) -> None:
    content = b"".join(export(cast.duty, "event", kind="csv").streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:3]] == ["'+燃气泄漏", "'=HYPERLINK(1)"]
    assert ["岗位", "甘霖镇·指挥室值班员"] in rows


@pytest.mark.parametrize(
    ("part", "code", "status"),
    [
        ("stranger", "event", 403), ("bureau_admin", "event", 403), ("grid", "escalation", 403),
        ("officer", "escalation", 403), ("duty", "nothing", 404),
    ],
)  # fmt: skip
def test_export_is_for_those_who_see_the_list(cast: Cast, part: str, code: str, status: int) -> None:
    assert export(getattr(cast, part), code).status_code == status
    assert not Access.objects.exists()


def test_export_by_get_without_sign_in_or_forged_takes_nothing(cast: Cast, world: Any) -> None:
    url = reverse("enforcement:export", args=["event"])
    assert client_for(cast.duty).get(url).status_code == 405
    assert Client().post(url, {"format": "xlsx"}).status_code == 302
    for forged in ({"format": "exe"}, {"request_id": "x"}, {"query": "q=" + "长" * 2001}):
        page = client_for(cast.duty).post(url, {"format": "xlsx", "request_id": str(uuid4()), **forged}, follow=True)
        assert "没有导出" in page.content.decode()
    assert not Access.objects.exists()


@pytest.mark.parametrize(("query", "said"), [("since=nonsense", "筛选条件填错了"), ("q=没有这样的", "没有符合条件的")])
def test_export_of_nothing_or_of_a_wrong_filter_says_so(cast: Cast, world: Any, query: str, said: str) -> None:
    sent = {"query": query, "format": "xlsx", "request_id": str(uuid4())}
    page = client_for(cast.duty).post(reverse("enforcement:export", args=["event"]), sent, follow=True)
    assert page.redirect_chain[0][0].startswith(reverse("enforcement:event-list") + "?")
    assert said in page.content.decode()
    assert not Access.objects.exists()


def test_a_long_one_is_a_job_cut_into_files_that_hold_each_row_once(cast: Cast, rules: None, few: None) -> None:
    made = [make_event(cast, title=f"第{n}件").number for n in range(7)]
    request_id = str(uuid4())
    first, second = (export(cast.duty, "event", request_id=request_id) for _ in range(2))
    job = Job.objects.get()
    assert first["Location"] == second["Location"] == job.get_absolute_url()
    assert not Access.objects.exists()
    jobs.run_next()
    job.refresh_from_db()
    assert (job.state, job.total, job.message) == ("done", 7, "共 7 条，分成 3 个文件。")
    found = []
    for number in (1, 2, 3):
        file = client_for(cast.duty).get(reverse("records:job-file", args=[job.pk, number]))
        rows, about = sheets(file)
        found += [row[0] for row in rows]
        assert about["任务"] == f"{job.number}，第 {number} 个文件"
    assert found == sorted(made, reverse=True)
    assert list(Access.objects.values_list("count", flat=True).order_by("id")) == [3, 3, 1]


def test_job_sees_what_the_person_sees_when_it_runs(cast: Cast, rules: None, few: None) -> None:
    for _ in range(4):
        make_event(cast)
    export(cast.duty, "event")
    Event.objects.filter(pk__in=Event.objects.values("pk")[:2]).update(township=cast.changle)
    jobs.run_next()
    assert Job.objects.get().message == "共 2 条。"
    assert len(sheets(export(cast.leader, "event", "state=open"))[0]) == 2  # two are short: at once
    assert Job.objects.count() == 1
    Event.objects.update(township=cast.ganlin)
    export(cast.duty, "event")
    Post.objects.filter(user=cast.duty).update(valid_to=timezone.localdate() - timedelta(days=1))
    jobs.run_next()
    last = Job.objects.latest("id")
    assert (last.state, last.files) == ("failed", [])


def test_job_of_too_many_says_how_to_narrow(cast: Cast, rules: None, few: None, settings: Any) -> None:
    settings.EXPORT_MOST = 3
    for _ in range(4):
        make_event(cast)
    export(cast.duty, "event")
    jobs.run_next()
    assert "请用筛选缩小范围" in Job.objects.get().message


def test_the_form_under_the_list_carries_its_filters(cast: Cast, world: Any) -> None:
    client = client_for(cast.duty)
    page = client.get(reverse("enforcement:dispatch-list"), {"state": "open", "box": "in"}).content.decode()
    assert "导出" not in page  # nothing in that box: nothing to take away
    page = client.get(reverse("enforcement:dispatch-list"), {"state": "open", "page": "1"}).content.decode()
    assert 'name="query" value="state=open"' in page.partition("导出")[0]


def test_export_asks_as_many_queries_for_60_rows_as_for_6(
    cast: Cast, rules: None, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    counts = []
    for _ in range(2):
        for _ in range(6):
            blow(cast, new_event(cast, make_event(cast).category), "emergency")
        with django_assert_max_num_queries(32) as queries:
            b"".join(export(cast.zdb_officer, "dispatch").streaming_content)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_export_reads_row_by_row(cast: Cast, world: Any) -> None:
    """By a cursor of the server's: otherwise a hundred thousand rows would all be in memory."""
    asked = EVENTS.asked(cast.duty, QueryDict())
    with mock.patch("django.db.models.query.QuerySet.iterator", autospec=True, side_effect=lambda rows, chunk_size: iter(rows)) as iterate:  # fmt: skip
        list(work.lines(EVENTS, asked, work.names(timezone.now())))
    assert iterate.call_args.kwargs == {"chunk_size": work.CHUNK}
