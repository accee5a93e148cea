"""The auditor's search over the timeline, the accesses and the admin's changes."""

import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from command_room.services import audit
from command_room.services.audit import Asked
from enforcement.models import Caller
from enforcement.services import event as events
from records.models import Access, Attachment, Stage
from records.services import access, record
from records.services.attachment import attach
from tests.cast import PASSWORD, Cast, client_for
from tests.enforcement import walk
from tests.pictures import jpeg
from townships.models import Post, Unit
from townships.services import account_batch, bulk

URL = "/audit/"
pytestmark = pytest.mark.usefixtures("rules")


def shown(cast: Cast, **query: str) -> list[audit.Line]:
    return list(client_for(cast.auditor).get(URL, query).context["lines"])


def test_reads_of_a_caller_are_found_and_the_data_are_not(cast: Cast) -> None:
    event = walk.event(cast)
    Caller.objects.create(event=event, name="来电群众甲", phone="13800010001")
    page = client_for(cast.duty).post(f"/events/{event.pk}/caller/")
    assert "13800010001" in page.content.decode()
    found = client_for(cast.auditor).get(URL, {"number": event.number, "kind": "caller"})
    (line,) = found.context["lines"]
    assert (line.who, line.what, line.about, line.url) == (
        cast.duty.name, "查看来电人信息", event.number, event.get_absolute_url()
    )  # fmt: skip
    assert line.address == "127.0.0.1"
    assert "来电群众甲" not in found.content.decode()
    both = [line.what for line in shown(cast, number=event.number)]
    assert both.count("查看来电人信息") == 1, "the timeline tells it too, the list once"


def test_number_of_an_event_brings_what_hangs_on_it(cast: Cast) -> None:
    whistle = walk.approved(cast)
    whats = {line.about for line in shown(cast, number=whistle.event.number)}
    assert {whistle.event.number, whistle.number, *whistle.dispatches.values_list("number", flat=True)} <= whats
    assert shown(cast, number="没有这个编号") == []


def test_log_ins_are_found_by_person_and_kind(cast: Cast) -> None:
    client = Client()
    client.post("/login/", {"username": "duty", "password": "wrong"})
    client.post("/login/", {"username": "my-password-in-the-wrong-field", "password": "wrong"})
    client.post("/login/", {"username": "duty", "password": PASSWORD})
    client.post("/logout/")
    found = [line.what for line in shown(cast, person=cast.duty.name, kind="login")]
    assert found == ["退出登录", "登录", "登录失败"]
    assert "my-password" not in str(list(Access.objects.values()))
    failing = client_for(cast.auditor).get(URL).context["failing"]
    assert [one.username for one in failing] == ["my-password-in-the-wrong-field"], "of the lock-out's own table"


def test_what_administrators_read_and_change_is_in_it(cast: Cast, admin_rights: None) -> None:
    admin = client_for(cast.bureau_admin)
    assert admin.get(f"/admin/townships/user/{cast.grid.pk}/change/").status_code == 200
    form = {"format": "1", "userresource_name": "on", "resource": "", "userresource_username": "on"}
    assert admin.post("/admin/townships/user/export/", form)["Content-Type"].startswith("application")
    kind = ContentType.objects.get_for_model(Unit)
    LogEntry.objects.create(
        user=cast.bureau_admin, content_type=kind, object_id=str(cast.ganlin.pk), object_repr="甘霖镇",
        action_flag=CHANGE, change_message='[{"changed": {"fields": ["电话"]}}]',
    )  # fmt: skip
    lines = shown(cast, person="bureau-admin")
    assert [line.what for line in lines] == ["修改机构", "导出", "查看人员资料"]
    assert "电话" in lines[0].more
    assert f"{audit.User.objects.count()} 条" in lines[1].more
    assert lines[2].about == cast.grid.name
    assert [line.what for line in shown(cast, person="bureau-admin", kind="admin")] == ["修改机构"]


def test_file_that_was_taken_along_is_in_it(cast: Cast, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    event = walk.event(cast)
    photo = attach(event, jpeg(), by=cast.grid, phase=Attachment.Phase.BEFORE)
    client = client_for(cast.duty)
    assert b"".join(client.get(photo.get_absolute_url()))
    assert b"".join(client.get(photo.preview_url))
    (line,) = shown(cast, kind="file")
    assert (line.who, line.about) == (cast.duty.name, event.number)


def test_pages_go_on_without_a_gap_and_without_counting(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    rows = [Access(by=cast.duty, office="x", what="logged_in", at=now - timedelta(minutes=n // 3)) for n in range(130)]
    Access.objects.bulk_create(rows)
    walk.event(cast)
    client, seen, query = client_for(cast.auditor), [], ""
    with CaptureQueriesContext(connection) as queries:
        while True:
            page = client.get(f"{URL}?{query}")
            seen += [line.place for line in page.context["lines"]]
            if not page.context["next"]:
                break
            query = f"below={str(page.context['next']).replace('+', '%2B')}"
    assert len(seen) == len(set(seen)) == 130 + walk_entries()
    assert seen == sorted(seen, reverse=True)
    assert not any("COUNT(" in one["sql"] and "records_" in one["sql"] for one in queries)


def walk_entries() -> int:
    return audit.Entry.objects.exclude(verb__in=audit.IN_ACCESS_OR_ADMIN).count()


def test_place_that_is_none_is_the_beginning(cast: Cast) -> None:
    for below in ("x", "2026_1_1", "2026-11-24T00:00:00_a_1", "_" * 9):
        assert client_for(cast.auditor).get(URL, {"below": below}).status_code == 200
    assert client_for(cast.auditor).get(URL, {"since": "gestern"}).status_code == 422
    assert client_for(cast.auditor).get(URL, {"since": "2026-11-24", "until": "2026-11-01"}).status_code == 422


def test_page_asks_as_many_queries_for_many_lines_as_for_few(cast: Cast) -> None:
    client = client_for(cast.auditor)
    client.get(URL)
    access.note(cast.duty, "caller_viewed", walk.event(cast))
    with CaptureQueriesContext(connection) as few:
        client.get(URL)
    Access.objects.bulk_create(Access(by=cast.grid, office="x", what="logged_in") for _ in range(300))
    walk.event(cast)
    with CaptureQueriesContext(connection) as many:
        client.get(URL)
    assert len(many) <= len(few)


def test_list_taken_away_is_called_as_on_its_page(cast: Cast) -> None:
    detail = {"list": "dispatch", "query": "late=on", "format": "xlsx", "words": "期限：超期"}
    access.note(cast.duty, "exported", count=3, detail=detail)
    assert shown(cast, kind="export")[0].more == "3 条，派单，期限：超期，XLSX"


def test_names_of_lines_cost_no_query_each(cast: Cast) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert {str(post) for post in changed} == {line.about for line in audit.lines(Asked(since=begun))}
        return len(queries)

    begun, posts, changed, costs = (
        timezone.now(),
        list(Post.objects.select_related("unit")[:6]),
        list[Post](),
        list[int](),
    )
    for post in posts:
        record(post, "post_changed", by=cast.bureau_admin, what="批量修改岗位", stage=Stage.FILE)
        changed.append(post)
        costs.append(cost())
    assert costs[0] == costs[-1]


def test_accounts_opened_in_bulk_are_found_one_by_one(cast: Cast) -> None:
    said = {
        **dict.fromkeys(bulk.COLUMNS, ""),
        "用户名": "zhang-1",
        "姓名": "演示甲",
        "单位": "甘霖镇",
        "岗位": "指挥室值班员",
    }
    plan = bulk.plan([(2, said)], by=cast.bureau_admin)
    account_batch.apply(plan, by=cast.bureau_admin, request_id=uuid4(), file_name="名单.xlsx")
    assert "批量开户" in [line.what for line in shown(cast, number="zhang-1")]
    assert "批量新增岗位" in [line.what for line in shown(cast, person=cast.bureau_admin.username, kind="act")]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_export_takes_what_is_filtered_as_text_and_is_noted(cast: Cast, kind: str) -> None:
    access.note(cast.duty, "exported", detail={"list": "=HYPERLINK(1)"})
    file = client_for(cast.auditor).get(URL, {"kind": "export", "format": kind})
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(file.content)).active
        assert sheet is not None
        assert [cell.data_type for cell in sheet[2]][5] == "s"
        assert sheet.max_row == 3, "the head, one line, who made it"
    else:
        assert "'=HYPERLINK(1)" in file.content.decode("utf-8-sig")
    assert Access.objects.filter(by=cast.auditor, what="exported", count=1).exists()


def test_nobody_but_the_auditor(cast: Cast) -> None:
    for who in (cast.bureau_admin, cast.zdb_officer, cast.leader, cast.stranger):
        assert client_for(who).get(URL).status_code == 403


def test_log_is_append_only(cast: Cast) -> None:
    note = access.note(cast.duty, "logged_in")
    for change in (lambda: Access.objects.filter(pk=note.pk).update(what="x"), note.delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


@pytest.mark.parametrize("asked", [Asked(), Asked(kind="caller"), Asked(people=[1])], ids=["all", "kind", "person"])
def test_newest_lines_are_read_from_an_index(cast: Cast, asked: Asked) -> None:
    """With sequential scans made dear, as a million rows make them: no sort of a whole table is left in the plan."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        plans = [audit._part(rows, asked, 2, "at", None)[:50].explain() for rows in audit._accesses(asked)]
    assert plans
    for plan in plans:
        assert "Index" in plan
        assert "Seq Scan on records_access" not in plan


def test_earlier_reads_of_callers_were_taken_over(cast: Cast) -> None:
    event = walk.event(cast)
    events.view_caller(event, by=cast.duty)
    assert Access.objects.filter(what="caller_viewed", object_id=event.pk, by=cast.duty).count() == 1
