"""Twenty thousand events taken away as a file, a lot of reminders, and the order on paper."""

import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from enforcement.models import Dispatch, Event
from notifications.models import Message
from records.models import Access, Job
from records.services import job as jobs
from records.services.job import Progress
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_walk import Person
from tests.cast import Cast
from tests.enforcement.events import make_event
from tests.test_permissions import blow

OpenPage = Callable[..., Page]
ROWS = 20_000


def many(event: Event) -> None:
    """The event twenty thousand times over: by the database itself, in half a second."""
    names = [field.column for field in Event._meta.concrete_fields if not field.primary_key]
    own = {"number": "number || '-' || n", "request_id": "gen_random_uuid()"}
    values = [own.get(name, name) for name in names]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO enforcement_event ({', '.join(names)}) SELECT {', '.join(values)}"
            f" FROM enforcement_event, generate_series(2, {ROWS}) n"
        )


def in_a_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_walk_of_an_export_of_20000_rows(
    committed_cast: Cast, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    many(make_event(committed_cast))
    halfway, seen = threading.Event(), threading.Event()
    plain = Progress.__call__

    def waits_halfway(self: Progress, done: int, total: int | None = None) -> None:
        plain(self, done, total)
        if done == ROWS // 2:
            halfway.set()
            assert seen.wait(20)

    monkeypatch.setattr(Progress, "__call__", waits_halfway)
    duty = Person(open_page(DESK), committed_cast.duty.username, javascript=True)
    duty.goto("/events/?state=reported", "x1-list")
    duty.press("Excel")
    expect(duty.page.locator("#job")).to_contain_text("马上开始")
    worker = in_a_thread(jobs.run_next)
    assert halfway.wait(20)
    expect(duty.page.locator("#job")).to_contain_text("已处理 10000 / 20000（50%）")
    duty.look("x2-running")
    seen.set()
    worker.join()
    expect(duty.page.locator("#job")).to_contain_text("共 20,000 条")
    assert duty.page.locator("#job[hx-get]").count() == 0
    with duty.page.expect_download() as download:
        duty.press("下载")
    download.value.save_as(tmp_path / "events.xlsx")
    with zipfile.ZipFile(tmp_path / "events.xlsx") as file:  # counted only: reading it takes longer than all the rest
        assert file.read("xl/worksheets/sheet1.xml").count(b"<row ") == ROWS + 1
    assert Access.objects.get().count == ROWS

    phone = Person(open_page(PHONE), committed_cast.duty.username, javascript=True)
    phone.goto("/messages/", "x3-inbox")
    phone.page.get_by_role("button", name="您要的文件做好了").click()
    expect(phone.page.locator("#job")).to_contain_text("共 20,000 条")
    phone.look("x4-done")
    phone.goto("/jobs/", "x5-jobs")
    expect(phone.page.locator("main")).to_contain_text("状态：待受理（XLSX）")
    assert Job.objects.get().state == "done"


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
def test_walk_of_a_lot_and_of_a_sheet(committed_cast: Cast, open_page: OpenPage, javascript: bool) -> None:
    cast, size = committed_cast, PHONE if javascript else DESK
    for n in range(2):
        blow(cast, make_event(cast, title=f"第{n}件"), "emergency")
    Message.objects.filter(recipient=cast.scjg_liaison).update(read_at=None)
    duty = Person(open_page(size, javascript=javascript), cast.duty.username, javascript=javascript)
    duty.goto("/dispatches/?state=open", "x6-list")
    for box in duty.page.locator("td.tick input").all():
        box.check()
    duty.look("x7-ticked")
    duty.press("催办")
    expect(duty.page.locator("main")).to_contain_text("4 件可以办")
    duty.look("x8-preview")
    duty.press("催办这 4 件")
    expect(duty.page.locator("h1")).to_have_text("批量催办：办了 4 件")
    duty.look("x9-done")
    told: Any = Message.objects.filter(kind="many_reminded").values_list("data__number", flat=True)
    assert list(told) == ["共 2 件", "共 2 件"]
    first = Dispatch.objects.order_by("id")[0]
    duty.page.goto(first.get_absolute_url())
    duty.page.get_by_role("link", name="打印派单").click()
    expect(duty.page.locator(".sheet")).to_contain_text(first.number)
    duty.look("x10-order")
