"""Two walks of the bureau's administrator: the first day, with files that are wrong at first; and a person who leaves."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
from playwright.sync_api import Page, expect

from enforcement.models import Event
from enforcement.services import claim
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_walk import Person
from tests.cast import Cast, PostFactory, UserFactory
from tests.enforcement import walk
from townships.models import AccountBatch, Role, SquadMember, Unit, User
from townships.services import reference
from townships.services.bulk import COLUMNS


class Administrator(Person):
    # otherwise axe writes the sheets that Django's own forms.css imports into the page, which the policy refuses
    axe = {"preload": False}


OpenPage = Callable[..., Page]
UNITS = ("代码", "名称", "简称", "类别", "上级", "对应镇街")
SQUAD = ("镇街", "人员", "编成", "职务", "派出单位", "派驻起")


def book(*rows: tuple[Any, ...]) -> bytes:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def choose(person: Administrator, content: bytes) -> None:
    page = person.page
    page.locator("input[type=file]").set_input_files({"name": "名单.xlsx", "mimeType": "", "buffer": content})
    if page.locator("select[name=format]").count():
        page.locator("select[name=format]").select_option(label="xlsx")
    person.follow(page.get_by_role("button", name="预览"))


def imported(person: Administrator, path: str, wrong: bytes, *, cell: str, right: bytes, name: str) -> None:
    """Upload, read what is wrong, mend, upload again, confirm."""
    person.goto(path, f"{name}-1-upload")
    choose(person, wrong)
    expect(person.page.locator("#content")).to_contain_text(cell)
    person.look(f"{name}-2-wrong")
    choose(person, right)
    person.look(f"{name}-3-preview")
    person.page.locator("input.default[type=submit]").first.click()


def test_walk_of_an_administrators_first_day(committed_cast: Cast, open_page: OpenPage, tmp_path: Path) -> None:
    reference.load_admin_rights()
    admin = Administrator(open_page(DESK, slips=True), "bureau-admin", javascript=True)
    page = admin.page
    admin.goto("/admin/", "f1-home")
    expect(page.locator("#attention")).to_contain_text("没有在任联络员的部门")

    grid = ("330683100009", "甘霖第9网格", "甘霖第9网格", "网格", "330683100", "")
    bad = ("330683100010", "甘霖第10网格", "甘霖第10网格", "村", "330683100", "")
    good = (*bad[:3], "网格", *bad[4:])
    imported(
        admin,
        "/admin/townships/unit/import/",
        book(UNITS, grid, bad),
        cell="D3",
        right=book(UNITS, grid, good),
        name="f2-units",
    )
    assert Unit.objects.filter(code__in=["330683100009", "330683100010"]).count() == 2

    first = ("new-grid", "演示网格", "13800002222", "", "", "330683100009", "网格员", "", "", "")
    slip = ("new-duty", "演示值班", "1380000", "", "", "甘霖镇", "值班员", "", "", "")
    mended = (*slip[:2], "13800003333", "", "", "甘霖镇", "指挥室值班员", "", "", "")
    path = "/admin/townships/user/accounts/"
    imported(admin, path, book(COLUMNS, first, slip), cell="G3", right=book(COLUMNS, first, mended), name="f3-people")
    expect(page.locator("#content")).to_contain_text("2 人待发")
    admin.look("f4-batch")
    with page.expect_download() as given:
        page.get_by_role("button", name="生成并下载密码单").click()
    sheet = openpyxl.load_workbook(BytesIO(given.value.path().read_bytes())).active
    word = next(row[4] for row in sheet.iter_rows(values_only=True) if row[3] == "new-duty")
    page.reload()
    expect(page.locator("#content")).to_contain_text("已下载密码单，2 人")
    assert AccountBatch.objects.get().handed_out == 2
    assert User.objects.get(username="new-duty").check_password(word)

    wrong = book(SQUAD, ("330683100", "nobody", "镇街自有", "副队长", "330683100", "2026-01-01"))
    right = book(SQUAD, ("330683100", "new-duty", "镇街自有", "副队长", "330683100", "2026-01-01"))
    imported(admin, "/admin/townships/squadmember/import/", wrong, cell="B2", right=right, name="f5-squad")
    assert SquadMember.objects.filter(user__username="new-duty").exists()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    user = User.objects.get(username="new-duty")
    admin.goto(f"/admin/townships/user/{user.pk}/history/", "f6-history")
    admin.goto("/admin/", "f7-home")


def test_walk_of_a_person_who_leaves(committed_cast: Cast, open_page: OpenPage) -> None:
    cast = committed_cast
    reference.load_admin_rights()
    second = UserFactory(username="duty-2", name="演示值班二")
    PostFactory(user=second, unit=cast.ganlin, role=Role.DUTY)
    for _ in range(2):
        claim.take(walk.event(cast), by=cast.duty)
    leaver = Person(open_page(PHONE), "duty", javascript=True, looks=False)
    leaver.goto("/worklist/", "")
    admin = Administrator(open_page(PHONE), "bureau-admin", javascript=True)
    admin.goto(f"/admin/townships/user/{cast.duty.pk}/change/", "l1-person")
    admin.follow(admin.page.get_by_role("link", name="离岗移交"))
    admin.look("l2-open")
    admin.page.get_by_label("交给谁").select_option(label="演示值班二（duty-2）")
    admin.press("移交并停用")
    expect(admin.page.locator(".notices")).to_contain_text("已办好离岗：移交 2 件")
    admin.look("l3-done")
    assert set(Event.objects.values_list("claimed_by__username", flat=True)) == {"duty-2"}
    leaver.page.goto("/worklist/")
    assert "/login/" in leaver.page.url
