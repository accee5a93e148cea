"""批量开户: a file is planned, shown, applied once, and its passwords are handed out once."""

import zipfile
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import Message
from records.models import Entry
from tests.cast import PASSWORD, Cast, client_for
from townships.models import AccountBatch, Post, Role, User
from townships.services import account, account_batch, bulk
from townships.services.bulk import COLUMNS

pytestmark = pytest.mark.usefixtures("admin_rights")
URL = "/admin/townships/user/accounts/"
GOOD = ("zhang-1", "演示甲", 13800001111, "", "甘霖镇", "330683100", "指挥室值班员", "", "", "")


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_for(cast.bureau_admin)


def book(*rows: tuple[Any, ...], heads: tuple[str, ...] = COLUMNS) -> SimpleUploadedFile:
    made = openpyxl.Workbook()
    for row in [heads, *rows]:
        made.active.append(row)
    out = BytesIO()
    made.save(out)
    return SimpleUploadedFile("名单.xlsx", out.getvalue())


def upload(client: Client, *rows: tuple[Any, ...], **more: Any) -> Any:
    return client.post(URL, {"file": book(*rows, **more)})


def confirm(client: Client, response: Any) -> Any:
    form = response.context["confirm"]
    return client.post(f"{URL}apply/", {name: form[name].value() for name in form.fields})


def faults(response: Any) -> list[tuple[str, str]]:
    return [(cell, fault.text) for fault, cell in response.context["faults"]]


def opened(client: Client, *rows: tuple[Any, ...]) -> AccountBatch:
    confirm(client, upload(client, *rows))
    return AccountBatch.objects.latest("id")


def passwords(response: Any) -> dict[str, str]:
    sheet = openpyxl.load_workbook(BytesIO(response.content)).active
    return {row[3]: row[4] for row in sheet.iter_rows(min_row=2, values_only=True)}


# --- the plan -----------------------------------------------------------------------------------------------------------
def test_file_is_shown_and_then_applied(cast: Cast, client: Client) -> None:
    second = (*GOOD[:5], "甘霖镇", "执法队员", "备", "2026-12-01", "")
    response = upload(client, GOOD, (None,) * 10, second)
    assert response.status_code == 200
    assert not User.objects.filter(username="zhang-1").exists(), "a preview saves nothing"
    batch_url = confirm(client, response)["Location"]
    user = User.objects.get(username="zhang-1")
    assert (user.name, user.mobile, user.home_unit, user.has_usable_password()) == (
        "演示甲", "13800001111", cast.ganlin, False,
    )  # fmt: skip
    assert [(post.role, post.rank) for post in user.posts.order_by("id")] == [
        (Role.DUTY, "1_main"),
        (Role.OFFICER, "2_backup"),
    ]
    batch = AccountBatch.objects.get()
    assert batch.counts == {"new": 1, "changed": 0, "unchanged": 0, "posts": 2, "left_out": 0}
    assert "1 人待发" in client.get(batch_url).content.decode()
    entry = Entry.objects.about(user).get()
    assert "13800001111" not in str(entry.data)
    assert "演示甲" not in str(entry.data)


def test_errors_name_the_cell_and_good_rows_stay(cast: Cast, client: Client) -> None:
    response = upload(
        client,
        GOOD,
        ("Wang 2", "", "12345", "x", "nowhere", "甘霖镇", "村长", "正", "明天", "要"),
        ("li-3", "演示丙", "", "", "", "甘霖镇", "部门联络员", "", "", ""),
        ("bureau-admin", "", "", "", "", "甘霖镇", "镇街领导", "", "", ""),
        ("li-4", "演示丁", "", "", "", "甘霖镇", "镇街领导", "", "", ""),
        ("li-4", "演示戊", "", "", "", "甘霖镇", "镇街领导", "", "", ""),
    )
    assert response.status_code == 422
    found = dict(faults(response))
    assert set(found) == {"A3", "B3", "C3", "D3", "E3", "G3", "H3", "I3", "J3", "F4", "A5", "B7", "G7"}
    assert "11 位数字" in found["C3"]
    assert "请填写：网格员、" in found["G3"]
    assert "只能设在" in found["F4"]
    assert "另一位管理员" in found["A5"]
    assert "第 6 行" in found["B7"]
    assert "先导入没有问题的 1 行" in response.content.decode()
    confirm(client, response)
    assert User.objects.filter(username__in=["zhang-1", "li-3", "li-4"]).values_list("username", flat=True).get() == (
        "zhang-1"
    )
    assert cast.bureau_admin.posts.count() == 1


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        (SimpleUploadedFile("x.xlsx", b"not a zip"), "文件读不出来"),
        (SimpleUploadedFile("x.csv", b"\xff\xfe\x00"), "文件读不出来"),
        (SimpleUploadedFile("x.pdf", b"%PDF"), "请上传 XLSX"),
        (book(heads=("用户名", "工号")), "没有数据"),
        (book(("a", "b"), heads=("用户名", "工号")), "不认识的列：工号"),
        (book(("a", "b"), heads=("用户名", "姓名")), "缺少列：单位、岗位"),
    ],
)
def test_file_that_is_not_understood_is_refused_with_a_sentence(
    cast: Cast, client: Client, file: SimpleUploadedFile, complaint: str
) -> None:
    file.seek(0)
    response = client.post(URL, {"file": file})
    assert response.status_code == 422
    assert complaint in response.content.decode()


def test_file_that_unpacks_to_too_much_is_refused(cast: Cast, client: Client) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    response = client.post(URL, {"file": SimpleUploadedFile("bomb.xlsx", out.getvalue())})
    assert "展开后太大" in response.content.decode()


def test_twice_is_harmless(cast: Cast, client: Client) -> None:
    first = upload(client, GOOD)
    confirm(client, first)
    confirm(client, first)
    assert AccountBatch.objects.count() == 1, "a second press finds the first batch"
    again = upload(client, GOOD)
    assert [(line.what, line.post_what) for line in again.context["plan"].lines] == [
        ("账号不变", "已有 甘霖镇·指挥室值班员")
    ]
    confirm(client, again)
    assert User.objects.filter(username="zhang-1").count() == Post.objects.filter(user__username="zhang-1").count() == 1
    assert AccountBatch.objects.latest("id").counts["unchanged"] == 1


def test_two_administrators_import_one_after_the_other(cast: Cast, client: Client) -> None:
    """What the file does is planned when it is its turn: else both open the same account, and one gets an error page."""
    shown = upload(client, GOOD)
    with CaptureQueriesContext(connection) as asked:
        confirm(client, shown)
    said = [query["sql"] for query in asked]
    turn = next(at for at, sql in enumerate(said) if "pg_advisory_xact_lock" in sql)
    planned = next(at for at, sql in enumerate(said) if 'FROM "townships_unit"' in sql)
    assert turn < planned


def test_update_by_file_leaves_alone_what_the_file_does_not_say(cast: Cast) -> None:
    """The account ends between the plan and its writing."""
    said = {**dict.fromkeys(COLUMNS, ""), "用户名": "duty", "姓名": "演示乙"}
    plan = bulk.plan([(2, said)], by=cast.bureau_admin)
    User.objects.filter(username="duty").update(is_active=False, session_generation=3)
    account_batch.apply(plan, by=cast.bureau_admin, request_id=uuid4(), file_name="x.xlsx")
    now = User.objects.get(username="duty")
    assert (now.name, now.is_active, now.session_generation) == ("演示乙", False, 3)
    assert now.pinyin.startswith("yan shi")


def test_mail_address_longer_than_its_column_is_a_fault(cast: Cast, client: Client) -> None:
    address = f"{'x' * 60}@{'.'.join(['y' * 60] * 4)}.example.com"
    shown = upload(client, (*GOOD[:3], address, *GOOD[4:]))
    assert [text for _, text in faults(shown)] == ["太长：最多 254 个字符"]


def test_existing_accounts_change_only_where_the_file_says_so(cast: Cast, client: Client) -> None:
    browser, before = client_for(cast.duty), cast.duty.password
    response = upload(client, ("duty", "", "13911112222", "", "", "", "", "", "", ""))
    assert response.context["plan"].lines[0].what == "更新手机"
    confirm(client, response)
    cast.duty.refresh_from_db()
    assert (cast.duty.mobile, cast.duty.password) == ("13911112222", before)
    assert AccountBatch.objects.latest("id").waiting == [], "a password is sent anew only when asked for"
    assert browser.get("/password/").status_code == 200
    opened(client, ("duty", "", "", "", "", "甘霖镇", "执法队员", "", "", ""))
    assert browser.get("/password/").status_code == 302, "the sessions of who has got a post end"


def test_new_administrator_by_file_is_told(cast: Cast, client: Client) -> None:
    opened(client, ("boss-2", "演示", "", "", "", "city", "系统管理员", "", "", ""))
    told = Message.objects.filter(kind="administrator_added").values_list("recipient__username", flat=True)
    assert {"auditor", "bureau-admin"} <= set(told)


def test_plan_asks_three_queries_whatever_the_rows(cast: Cast, django_assert_num_queries: Any) -> None:
    empty = dict.fromkeys(COLUMNS, "")
    rows = [
        (n, {**empty, "用户名": f"u-{n}" if n > 2 else "duty", "姓名": "演示", "单位": "甘霖镇", "岗位": "执法队员"})
        for n in range(2, 300)
    ]
    with django_assert_num_queries(3):
        plan = bulk.plan(rows, by=cast.bureau_admin)
    assert len(plan.usable) == 298


# --- passwords ----------------------------------------------------------------------------------------------------------
def test_passwords_are_handed_out_once_and_let_in(cast: Cast, client: Client, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    batch = opened(client, GOOD, ("duty", "", "", "", "", "", "", "", "", "是"))
    browser = client_for(cast.duty)
    response = client.post(f"{URL}{batch.pk}/passwords/")
    assert "no-store" in response["Cache-Control"]
    words = passwords(response)
    assert set(words) == {"zhang-1", "duty"}
    assert browser.get("/worklist/").status_code == 302
    user = User.objects.get(username="zhang-1")
    assert user.password.split("$")[1] == str(account_batch.QUICK)
    assert user.check_password(words["zhang-1"])
    assert user.must_change_password
    assert timedelta(hours=71) < user.password_expires_at - timezone.now() < timedelta(hours=73)
    assert words["zhang-1"] not in str([list(entry.data.items()) for entry in Entry.objects.all()])
    again = client.post(f"{URL}{batch.pk}/passwords/", follow=True)
    assert "不能再下载" in again.content.decode()
    user.refresh_from_db()
    assert user.check_password(words["zhang-1"])
    login = Client().post("/login/", {"username": "zhang-1", "password": words["zhang-1"]})
    assert login.status_code == 302
    user.refresh_from_db()
    assert user.password.split("$")[1] == str(PBKDF2PasswordHasher.iterations), (
        "the first log-in makes it the usual one"
    )
    assert Entry.objects.about(batch).filter(verb="passwords_handed_out").get().by == cast.bureau_admin


def test_who_has_got_a_password_meanwhile_keeps_it(cast: Cast, client: Client) -> None:
    batch = opened(client, GOOD)
    word = account.issue_one_time_password(User.objects.get(username="zhang-1"), by=cast.bureau_admin)
    assert passwords(client.post(f"{URL}{batch.pk}/passwords/")) == {}
    assert User.objects.get(username="zhang-1").check_password(word)


def test_old_password_is_not_used_again_after_a_handing_out(cast: Cast, client: Client) -> None:
    batch = opened(client, ("duty", "", "", "", "", "", "", "", "", "是"))
    word = passwords(client.post(f"{URL}{batch.pk}/passwords/"))["duty"]
    browser = Client()
    browser.post("/login/", {"username": "duty", "password": word})
    data = {"old_password": word, "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert "不能与最近" in browser.post("/password/", data).content.decode()


# --- the pages ----------------------------------------------------------------------------------------------------------
def test_template_has_the_heads_and_can_be_filled(cast: Cast, client: Client) -> None:
    sheets = openpyxl.load_workbook(BytesIO(client.get(f"{URL}template/").content))
    assert tuple(cell.value for cell in sheets["人员和岗位"][1]) == COLUMNS
    assert any(row[0] == "330683100" for row in sheets["机构代码"].iter_rows(values_only=True))
    units = openpyxl.load_workbook(BytesIO(client.get("/admin/townships/unit/template/").content)).active
    assert units["A1"].value == "代码"


def test_pages_are_for_administrators(cast: Cast, client: Client) -> None:
    batch = opened(client, GOOD)
    for part in ("auditor", "zdb_officer", "leader"):
        other = client_for(getattr(cast, part))
        for url in ("", "template/", f"{batch.pk}/"):
            assert other.get(f"{URL}{url}", follow=True).status_code == 403, (part, url)
        for url in ("apply/", f"{batch.pk}/passwords/"):
            assert other.post(f"{URL}{url}", follow=True).status_code == 403, (part, url)
    batch.refresh_from_db()
    assert batch.handed_out_at is None


@pytest.mark.parametrize("stored", ["../secret-key", "..", "gone", "a\x00b", "/etc/passwd"])
def test_forged_name_of_the_kept_file_reads_nothing(cast: Cast, client: Client, stored: str) -> None:
    data = {"request_id": str(uuid4()), "stored": stored, "name": "x.xlsx"}
    assert client.post(f"{URL}apply/", data)["Location"] == URL
    assert not AccountBatch.objects.exists()
