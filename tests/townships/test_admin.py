"""Who may enter the admin, what is there, and importing and exporting reference tables."""

import re
import time
import zipfile
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.apps import apps
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from records.models import Entry
from tests.cast import Cast, CertificateFactory, PostFactory, UserFactory, client_for
from townships.admin import files
from townships.admin.files import ReferenceResource, SafeCSV, SafeXLSX, workbook
from townships.models import CalendarYear, Certificate, Post, Role, Shift, SquadMember, Unit, User, WorkingHours

pytestmark = pytest.mark.usefixtures("admin_rights")
OURS = [model for model in apps.get_app_config("townships").get_models() if admin.site.is_registered(model)]


def page(model: type, *rest: str) -> str:
    return "/".join(["/admin", model._meta.app_label, model._meta.model_name, *rest, ""])


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_for(cast.bureau_admin)


# --- the door -----------------------------------------------------------------------------------------------------------
def test_administrator_enters(client: Client) -> None:
    text = client.get("/admin/").content.decode()
    assert "嵊州综合执法协同 · 系统管理" in text
    for model in OURS:
        assert client.get(page(model)).status_code == 200, model


@pytest.mark.parametrize("part", ["duty", "leader", "grid", "scjg_liaison", "zdb_officer", "auditor", "stranger"])
def test_others_do_not(cast: Cast, part: str) -> None:
    client = client_for(getattr(cast, part))
    assert client.get("/admin/", follow=True).status_code == 403
    for model in OURS:
        assert client.get(page(model), follow=True).status_code == 403, model


def test_who_is_not_signed_in_is_sent_to_the_portals_own_page(db: None) -> None:
    response = Client().get("/admin/townships/unit/", follow=True)
    assert response.redirect_chain[-1][0] == "/login/?next=/admin/townships/unit/"
    assert Client().post("/admin/login/", {"username": "x", "password": "y"}).status_code == 302


def test_right_ends_with_the_post(cast: Cast, client: Client) -> None:
    Post.objects.filter(user=cast.bureau_admin).update(valid_to=timezone.localdate() - timedelta(days=1))
    assert client.get("/admin/", follow=True).status_code == 403


def test_right_is_that_of_the_post_acted_in(cast: Cast, client: Client) -> None:
    other = PostFactory(user=cast.bureau_admin, unit=cast.ganlin, role=Role.DUTY)
    client.post("/switch-post/", {"post": other.pk})
    assert client.get("/admin/", follow=True).status_code == 403


def test_administrators_do_not_read_files(cast: Cast, client: Client) -> None:
    """Events and all that hangs on them are either not in the admin at all or closed to this post."""
    for app in ("enforcement", "records"):
        for model in apps.get_app_config(app).get_models():
            if model.__name__ not in ("Category", "Limit", "RoutingRule"):
                assert client.get(page(model)).status_code in (403, 404), model
    user = User.objects.get(pk=cast.bureau_admin.pk)
    assert not user.has_perm("enforcement.view_event")
    assert user.has_perm("enforcement.add_limit")


def test_admins_own_password_form_is_not_used(client: Client) -> None:
    assert client.get("/admin/password_change/")["Location"] == "/password/"


# --- rows ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", OURS)
def test_nothing_is_deleted(cast: Cast, client: Client, model: type) -> None:
    CertificateFactory()
    row = model._default_manager.first()
    if row is not None:
        assert client.post(page(model, str(row.pk), "delete"), {"post": "yes"}).status_code == 403
        assert model._default_manager.filter(pk=row.pk).exists()


def test_unit_is_closed_with_a_day_and_a_successor(cast: Cast, client: Client) -> None:
    unit = Unit.objects.get(code="daj")
    data = {
        "name": unit.name, "short_name": unit.short_name, "kind": unit.kind, "order": unit.order,
        "valid_from": "2019-07-01", "valid_to": "2026-12-31", "successor": Unit.objects.get(code="sjj").pk,
    }  # fmt: skip
    assert client.post(page(Unit, str(unit.pk), "change"), data).status_code == 302
    unit.refresh_from_db()
    assert (unit.code, unit.valid_to, unit.successor.code) == ("daj", date(2026, 12, 31), "sjj")
    assert Entry.objects.about(unit).get().what == "修改机构"
    assert client.post(page(Unit, str(unit.pk), "change"), {**data, "valid_to": ""}).status_code == 200


def test_new_account_has_no_password_until_one_is_issued(cast: Cast, client: Client) -> None:
    assert (
        client.post(page(User, "add"), {"username": "new-one", "name": "演示新人", "is_active": "on"}).status_code
        == 302
    )
    user = User.objects.get(username="new-one")
    assert not user.has_usable_password()
    assert user.must_change_password


def test_nobody_edits_the_own_posts(cast: Cast, client: Client) -> None:
    own = cast.bureau_admin.acting
    data = {
        "user": cast.bureau_admin.pk,
        "unit": cast.ganlin.pk,
        "role": "leader",
        "rank": "1_main",
        "valid_from": "2026-01-01",
    }
    assert client.post(page(Post, str(own.pk), "change"), data).status_code == 403
    assert client.post(page(Post, "add"), data).status_code == 200
    assert Post.objects.filter(user=cast.bureau_admin).count() == 1
    assert client.post(page(Post, "add"), {**data, "user": cast.stranger.pk}).status_code == 302
    assert cast.stranger.acting.role == Role.LEADER


@pytest.mark.parametrize(
    ("role", "unit", "fits"),
    [
        ("liaison", "scjg", True),
        ("liaison", "ganlin", False),
        ("guidance", "zdb", True),
        ("guidance", "scjg", False),
        ("grid", "ganlin_grid", True),
        ("grid", "ganlin", False),
        ("duty", "scjg", False),
        ("officer", "zrzy_station", True),
        ("auditor", "ganlin", True),
    ],
)
def test_post_has_its_place(cast: Cast, client: Client, role: str, unit: str, fits: bool) -> None:
    """A liaison at a township would hear of nothing; a post of the guidance office anywhere else would see everything."""
    data = {"user": cast.stranger.pk, "unit": getattr(cast, unit).pk, "role": role, "rank": "1_main"}
    response = client.post(page(Post, "add"), {**data, "valid_from": "2026-01-01"})
    assert Post.objects.filter(user=cast.stranger).exists() == fits
    if not fits:
        assert "的岗位只能设在：" in response.content.decode()


def test_accounts_are_not_found_by_their_password(cast: Cast, client: Client) -> None:
    """The hash would come out letter by letter."""
    assert client.get(page(User), {"password__startswith": "p"}).status_code == 400
    assert client.get(page(Post), {"user__password__startswith": "p"}).status_code == 400
    assert client.get(page(User), {"is_active__exact": "1"}).status_code == 200


def test_nobody_switches_the_own_account_off(cast: Cast, client: Client) -> None:
    own = cast.bureau_admin
    client.post(page(User, str(own.pk), "change"), {"username": own.username, "name": "演示"})
    own.refresh_from_db()
    assert own.is_active


def test_rights_and_passwords_are_not_fields_here(cast: Cast, client: Client) -> None:
    text = client.get(page(User, str(cast.duty.pk), "change")).content.decode()
    assert not re.search(r'name="(password|is_superuser|groups|user_permissions|is_staff)"', text)


def test_working_hours_change_by_a_new_row(calendar_2026: None, client: Client) -> None:
    add = page(WorkingHours, "add")
    for day, windows in [("2003-01-01", "08:00-12:00"), ("2026-12-01", "12:00-08:00"), ("2026-12-01", "early")]:
        assert client.post(add, {"valid_from": day, "windows": windows}).status_code == 200
    assert client.post(add, {"valid_from": "2026-12-01", "windows": "08:30-12:00、13:30-17:00"}).status_code == 302
    new = WorkingHours.objects.get(valid_from=date(2026, 12, 1))
    assert new.windows == [["08:30", "12:00"], ["13:30", "17:00"]]
    assert client.post(page(WorkingHours, str(new.pk), "change"), {"valid_from": "2026-12-02"}).status_code == 403


def test_years_and_holidays_come_from_files_only(calendar_2026: None, client: Client) -> None:
    assert client.get(page(CalendarYear, "add")).status_code == 403
    assert client.get("/admin/townships/holiday/add/").status_code == 403


@pytest.mark.parametrize("model", OURS)
def test_lists_cost_the_same_for_few_and_many(
    cast: Cast, client: Client, django_assert_max_num_queries, model: type
) -> None:
    client.get(page(model))
    with django_assert_max_num_queries(16):
        client.get(page(model))


# --- one-time passwords -------------------------------------------------------------------------------------------------
def test_one_time_password_is_shown_once_and_not_kept(cast: Cast, client: Client) -> None:
    url = page(User, str(cast.duty.pk), "one-time-password")
    before = cast.duty.password
    assert client.get(url).status_code == 200
    cast.duty.refresh_from_db()
    assert cast.duty.password == before, "looking changes nothing"
    response = client.post(url)
    raw = re.search(r'<code id="one-time-password">([^<]+)</code>', response.content.decode())[1]
    assert "no-store" in response["Cache-Control"]
    cast.duty.refresh_from_db()
    assert cast.duty.check_password(raw)
    assert cast.duty.must_change_password
    assert raw not in client.get(url).content.decode()
    assert raw not in client.get(page(User, str(cast.duty.pk), "change")).content.decode()
    assert "/one-time-password/" in client.get(page(User, str(cast.duty.pk), "change")).content.decode()


def test_one_time_password_is_not_for_oneself_or_by_others(cast: Cast, client: Client) -> None:
    own = page(User, str(cast.bureau_admin.pk), "one-time-password")
    assert client.post(own).status_code == 403
    assert client_for(cast.auditor).post(
        page(User, str(cast.duty.pk), "one-time-password"), follow=True
    ).status_code in (403, 405)
    cast.duty.refresh_from_db()
    assert not cast.duty.must_change_password


# --- import -------------------------------------------------------------------------------------------------------------
def preview(client: Client, model: type, content: bytes | str, name: str = "rows.csv", form: int = 0) -> Any:
    content = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(name, content)
    return client.post(page(model, "import"), {"import_file": file, "format": form, "resource": ""})


def confirm(client: Client, model: type, response: Any) -> Any:
    return client.post(page(model, "process_import"), response.context["confirm_form"].initial)


def told(response: Any) -> list[tuple[int | None, str, str]]:
    return [(p.line, p.column, p.message) for p in response.context["problems"]]


UNITS = "代码,名称,简称,类别,上级,对应镇街\n"


def test_import_is_previewed_and_then_applied(cast: Cast, client: Client) -> None:
    rows = f"{UNITS}330683100002,甘霖第2网格,甘霖第2网格,网格,330683100,\nscjg-100,甘霖市场监管所,甘霖所,subunit,scjg,330683100\n"
    response = preview(client, Unit, rows)
    assert told(response) == []
    assert not Unit.objects.filter(code="330683100002").exists(), "a preview saves nothing"
    assert response.content.decode().count("新增") == 2
    assert confirm(client, Unit, response).status_code == 302
    grid, station = Unit.objects.get(code="330683100002"), Unit.objects.get(code="scjg-100")
    assert (grid.kind, grid.parent, grid.township) == ("grid", cast.ganlin, None)
    assert (station.kind, station.parent, station.township) == ("subunit", cast.scjg, cast.ganlin)
    assert Entry.objects.about(grid).get().what == "由文件导入或更新"


def test_stray_cell_in_the_last_corner_does_not_stop_the_portal(cast: Cast, client: Client) -> None:
    """Read as a whole, such a sheet took a web process its two minutes, and then the process."""
    book, out = openpyxl.Workbook(), BytesIO()
    book.active.append(UNITS.strip().split(","))
    book.active.append(["g-1", "甘霖第3网格", "甘霖第3网格", "网格", "330683100"])
    book.active["XFD1048576"] = "x"
    book.save(out)
    begun = time.monotonic()
    assert told(preview(client, Unit, out.getvalue(), "rows.xlsx", form=1)) == []
    assert time.monotonic() - begun < 10


def test_sheet_with_more_rows_than_are_read_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    held = workbook({"数据": [["编码"], *[[number] for number in range(4)]]})
    monkeypatch.setattr(files, "FAR_ROW", 5)
    assert len(SafeXLSX().create_dataset(held)) == 4
    monkeypatch.setattr(files, "FAR_ROW", 4)
    with pytest.raises(ValueError, match="too many rows"):
        SafeXLSX().create_dataset(held)


def test_file_that_unpacks_to_too_much_is_not_read(cast: Cast, client: Client) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/sharedStrings.xml", b" " * 51_000_000)
    refused = preview(client, Unit, out.getvalue(), "rows.xlsx", form=1)
    assert "文件读不出来" in refused.content.decode()
    assert "unpacks to too much" not in refused.content.decode()


def test_import_confirmed_twice_is_a_sentence(cast: Cast, client: Client) -> None:
    shown = preview(client, Unit, f"{UNITS}g-1,甘霖第3网格,甘霖第3网格,网格,330683100,\n")
    assert confirm(client, Unit, shown)["Location"] == page(Unit)
    again = confirm(client, Unit, shown)
    assert again["Location"] == page(Unit, "import")
    assert "这次没有导入" in client.get(again["Location"]).content.decode()
    forged = {**shown.context["confirm_form"].initial, "format": "csv"}
    assert client.post(page(Unit, "process_import"), forged)["Location"] == page(Unit, "import")


def test_import_that_is_refused_after_the_preview_does_not_say_that_it_went_well(
    cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = preview(client, Unit, f"{UNITS}g-1,甘霖第3网格,甘霖第3网格,网格,330683100,\n")

    def taken(*_: Any, **__: Any) -> None:
        raise IntegrityError("unit_code_key")

    monkeypatch.setattr(ReferenceResource, "after_save_instance", taken)
    refused = confirm(client, Unit, shown)
    assert refused["Location"] == page(Unit, "import")
    assert "没有导入：预览以后" in client.get(refused["Location"]).content.decode()
    assert not Unit.objects.filter(code="g-1").exists()


def test_import_shows_what_changes_and_leaves_the_rest(cast: Cast, client: Client) -> None:
    response = preview(
        client, Unit, "代码,名称,简称\nscjg,嵊州市市场监督管理局,市监局\nzrzy,嵊州市自然资源和规划局,自然资源局\n"
    )
    text = response.content.decode()
    assert "<del>市场监管局</del> <ins>市监局</ins>" in text
    assert "不变" in text
    assert not re.search(r"style=|<script>", text)
    confirm(client, Unit, response)
    assert Unit.objects.get(code="scjg").short_name == "市监局"
    assert Unit.objects.get(code="scjg").kind == "city_dept", "a column that is not in the file is left alone"


def test_errors_name_line_column_and_what_to_do(cast: Cast, client: Client) -> None:
    rows = f"{UNITS}g-1,第一,第一,村庄,330683100,\ng-2,,第二,网格,nowhere,\ng-3,第三,第三,网格,330683100,\n"
    response = preview(client, Unit, rows)
    found = told(response)
    assert (2, "类别") in [problem[:2] for problem in found]
    assert "请填写：市级部门、" in found[0][2]
    assert (3, "上级", "找不到机构“nowhere”，请填写已有的机构，或先把它导入") in found
    assert (3, "名称") in [problem[:2] for problem in found]
    assert not any(line == 4 for line, *_ in found)
    assert "confirm_form" not in response.context
    assert not Unit.objects.filter(code__startswith="g-").exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("代码,名字\nx,y\n", "第 1 行有不认识的列：名字"),
        ("名称,简称\nx,y\n", "第 1 行缺少列：代码"),
        ("代码\n" + "x\n" * 2001, "一次最多 2000 行，这个文件有 2001 行"),
    ],
)
def test_file_that_is_not_understood_is_refused_whole(cast: Cast, client: Client, content: str, complaint: str) -> None:
    ((line, _, message),) = told(preview(client, Unit, content))
    assert line is None
    assert complaint in message


def test_file_of_another_kind_is_refused_with_a_sentence(cast: Cast, client: Client) -> None:
    response = preview(client, Unit, b"\x00\x01", name="rows.xlsx", form=1)
    assert "文件读不出来" in str(response.context["form"].errors)


def test_file_without_a_line_of_data_is_refused_with_a_sentence(cast: Cast, client: Client) -> None:
    page = preview(client, Unit, "代码,名称\n").content.decode()
    assert "文件里没有数据" in page
    assert "可用的列：代码、名称" in page


def test_gb18030_and_xlsx_are_understood(cast: Cast, client: Client) -> None:
    assert told(preview(client, Unit, f"{UNITS}g-1,第一,第一,网格,330683100,\n".encode("gb18030"))) == []
    book = openpyxl.Workbook()
    book.active.append(["用户名", "姓名", "手机", "编制单位", "有效"])
    book.active.append(["book-1", "演示甲", 13800001234, 330683100, "是"])
    out = BytesIO()
    book.save(out)
    response = preview(client, User, out.getvalue(), name="people.xlsx", form=1)
    assert told(response) == []
    confirm(client, User, response)
    user = User.objects.get(username="book-1")
    assert (user.mobile, user.home_unit, user.has_usable_password()) == ("13800001234", cast.ganlin, False)


def test_posts_are_imported_but_not_ones_own(cast: Cast, client: Client) -> None:
    head = "人员,单位,岗位,主备,代理谁,起,止\n"
    rows = (
        f"{head}stranger,scjg,部门联络员,备,,2026-11-01,\n"
        "bureau-admin,330683100,镇街领导,主,,2026-11-01,\n"
        "stranger,scjg,部门联络员,代理,,2026-11-02,\n"
        "stranger,scjg,部门联络员,主,,昨天,\n"
    )
    found = told(preview(client, Post, rows))
    assert [problem[0] for problem in found] == [3, 4, 5]
    assert "本人" in found[0][2]
    assert "代理岗位须填代理谁" in found[1][2]
    assert "“昨天”不是日期" in found[2][2]
    response = preview(client, Post, head + "stranger,scjg,部门联络员,备,,2026-11-01,\n")
    confirm(client, Post, response)
    assert Post.objects.get(user=cast.stranger).rank == Post.Rank.BACKUP


@pytest.mark.parametrize(
    ("model", "content"),
    [
        (
            SquadMember,
            "镇街,人员,编成,职务,派出单位,状态,说明,派驻起,派驻止\n330683100,duty,镇街自有,副队长,330683100,在岗,,2026-01-01,\n",
        ),
        (
            Certificate,
            "证号,持证人,发证机关,执法领域,有效期起,有效期止\nDEMO-77,duty,演示机关,,2026-01-01,2030-12-31\n",
        ),
        (Shift, "镇街,人员,日期,班次,开始,结束,备勤\n330683100,duty,2026-11-24,早班,08:00,16:00,否\n"),
    ],
)
def test_squads_certificates_and_shifts_are_imported_twice_without_harm(
    cast: Cast, client: Client, model: type, content: str
) -> None:
    before = model.objects.count()
    for _ in range(2):
        response = preview(client, model, content)
        assert told(response) == []
        assert confirm(client, model, response).status_code == 302
    assert model.objects.count() == before + 1


def test_import_is_not_for_who_may_not_change(cast: Cast, client: Client) -> None:
    assert client.get(page(WorkingHours, "import")).status_code in (302, 404)
    assert client_for(cast.auditor).get(page(Unit, "import"), follow=True).status_code == 403


# --- export -------------------------------------------------------------------------------------------------------------
def export(client: Client, model: type, form: int) -> bytes:
    response = client.post(page(model, "export"), {"format": form, "resource": ""})
    assert response.status_code == 200
    return response.content


def test_export_can_be_imported_again(cast: Cast, client: Client) -> None:
    for form, name in ((0, "units.csv"), (1, "units.xlsx")):
        response = preview(client, Unit, export(client, Unit, form), name=name, form=form)
        assert told(response) == []
        assert {row.import_type for row in response.context["result"].valid_rows()} == {"skip"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\n="])
def test_text_stays_text_on_the_way_out(cast: Cast, client: Client, start: str) -> None:
    evil = f'{start}HYPERLINK("http://x.invalid","x")'
    UserFactory(username="evil", name=evil)
    text = export(client, User, 0).decode("utf-8-sig")
    assert f"'{start}HYPERLINK" in text
    sheet = openpyxl.load_workbook(BytesIO(export(client, User, 1))).active
    cell = next(cell for row in sheet.iter_rows() for cell in row if cell.value == evil)
    assert cell.data_type == "s"
    assert SafeCSV().create_dataset(export(client, User, 0)).dict
    assert any(evil in row for row in SafeCSV().create_dataset(export(client, User, 0)))
    assert any(evil in row for row in SafeXLSX().create_dataset(export(client, User, 1)))


def test_export_page_needs_no_inline_code(cast: Cast, client: Client) -> None:
    for url in (page(Unit, "export"), page(Unit, "import"), page(Unit), page(Unit, "add"), "/admin/"):
        text = client.get(url).content.decode()
        assert not re.search(
            r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\bsrc=)(?![^>]*type=.application/json)", text
        ), url


def test_export_is_not_for_others(cast: Cast) -> None:
    assert client_for(cast.duty).get(page(Unit, "export"), follow=True).status_code == 403


def test_row_that_is_saved_is_locked_from_its_reading_on(cast: Cast, client: Client) -> None:
    """The whole row is written: without the lock, it would undo what became of the account in between."""
    sent = {"username": "duty", "name": cast.duty.name, "mobile": "13800001234", "is_active": "on"}
    with CaptureQueriesContext(connection) as asked:
        assert client.post(page(User, str(cast.duty.pk), "change"), sent).status_code == 302
    said = [query["sql"] for query in asked if '"townships_user"' in query["sql"]]
    locked = next(at for at, sql in enumerate(said) if "FOR NO KEY UPDATE" in sql)
    assert locked < next(at for at, sql in enumerate(said) if sql.startswith('UPDATE "townships_user" SET "password"'))
