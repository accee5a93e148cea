"""批量开户 in the admin: a template, an upload with its preview, the confirmation, and the list of passwords."""

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from records.models import Entry
from townships.admin.base import xlsx
from townships.admin.files import (
    LARGEST,
    MOST_ROWS,
    ImportFolder,
    NoRowsError,
    SafeCSV,
    SafeXLSX,
    cell_name,
    workbook,
)
from townships.forms.bulk import AccountFileForm, ConfirmForm
from townships.models import AccountBatch, Role, Unit, User
from townships.services import account_batch, bulk
from townships.services.bulk import COLUMNS, NEEDED, cell_text

UNPROCESSABLE = 422
LATEST = 10
HELP = (
    ("用户名", "必填。登录用，小写字母、数字或 - _ .；已有的用户名就是更新那个人"),
    ("姓名", "新开账号必填"),
    ("手机", "11 位数字，可不填"),
    ("邮箱", "可不填"),
    ("编制单位", "工资关系所在的机构，代码或简称，可不填"),
    ("单位", "岗位设在哪里，代码或简称；网格员填网格，中队、所的人填中队、所"),
    ("岗位", "、".join(Role.labels)),
    ("主备", "主或备，不填是主；代理请到“岗位”里办"),
    ("起", "写成 2026-11-24 的样子，不填是今天"),
    ("重发密码", "填“是”，给已有的账号重发一次性密码；新账号不用填，都会发"),
)


class BadFile(Exception):  # noqa: N818 - a sentence to a person
    """A file that cannot be read, or not as a whole."""


def urls(admin: Any) -> list[URLPattern]:
    """Under the people's own address; each view asks whether this person may open accounts."""

    def view(function: Any) -> Any:
        def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            if not (admin.has_import_permission(request) and request.user.has_perm("townships.add_post")):
                raise PermissionDenied
            response: HttpResponse = function(request, admin, **kwargs)
            return response

        return admin.admin_site.admin_view(guarded)

    return [
        path("accounts/", view(upload), name="account-upload"),
        path("accounts/template/", view(template), name="account-template"),
        path("accounts/apply/", view(require_POST(apply)), name="account-apply"),
        path("accounts/<int:pk>/", view(batch_page), name="account-batch"),
        path("accounts/<int:pk>/passwords/", view(require_POST(hand_out)), name="account-passwords"),
    ]


def upload(request: HttpRequest, admin: Any) -> HttpResponse:
    """The form; on POST the preview, which saves nothing but the file, for the confirmation."""
    form = AccountFileForm(request.POST or None, request.FILES or None)
    plan, confirm, heads = None, None, list[str]()
    if form.is_valid():
        file = form.cleaned_data["file"]
        content = file.read()
        try:
            heads, rows = read(content, file.name)
        except BadFile as bad:
            form.add_error("file", str(bad))
        else:
            plan = bulk.plan(rows, by=request.user)
            confirm = _kept(content, file.name) if plan.usable else None
    context = {
        **_frame(request, admin, "批量开户"),
        "form": form,
        "plan": plan,
        "faults": [(fault, cell_name(heads, fault.column, fault.line)) for fault in plan.faults] if plan else [],
        "confirm": confirm,
        "help": HELP,
        "batches": AccountBatch.objects.select_related("by", "handed_out_by")[:LATEST],
    }
    is_wrong = form.is_bound and (not plan or plan.faults)
    return render(request, "admin/townships/user/bulk.html", context, status=UNPROCESSABLE if is_wrong else 200)


def template(request: HttpRequest, admin: Any) -> HttpResponse:  # noqa: ARG001 - the views' signature
    """The heads, what belongs beneath each of them, and the units by code."""
    units = Unit.objects.open_on(timezone.localdate()).select_related("parent")
    listed = [(unit.code, unit.short_name, unit.get_kind_display(), str(unit.parent or "")) for unit in units]
    sheets: dict[str, Sequence[Sequence[Any]]] = {
        "人员和岗位": [COLUMNS],
        "填写说明": [("列", "怎么填"), *HELP],
        "机构代码": [("代码", "简称", "类别", "上级"), *listed],
    }
    return xlsx(workbook(sheets), "批量开户模板.xlsx")


def apply(request: HttpRequest, admin: Any) -> HttpResponse:  # noqa: ARG001
    """The kept file is read again, so that what is saved fits what holds now."""
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "页面不完整，没有导入。请重新上传文件。")
        return redirect("admin:account-upload")
    with transaction.atomic():
        account_batch.wait_for_turn()
        return _applied(request, **form.cleaned_data)


def _applied(request: HttpRequest, *, request_id: UUID, stored: str, name: str) -> HttpResponse:
    made = AccountBatch.objects.filter(request_id=request_id, by=request.user.pk).first()
    if made is not None:
        return redirect(made)
    try:
        _, rows = read(ImportFolder(name=stored, read_mode="rb").read(), name)
    except (BadFile, OSError, ValueError):
        messages.warning(request, "上传的文件已经过期，没有导入。请重新上传。")
        return redirect("admin:account-upload")
    plan = bulk.plan(rows, by=request.user)
    batch = account_batch.apply(plan, by=request.user, request_id=request_id, file_name=name)
    transaction.on_commit(ImportFolder(name=stored).remove)
    messages.success(request, "已导入。")
    return redirect(batch)


def batch_page(request: HttpRequest, admin: Any, pk: int) -> HttpResponse:
    batch = get_object_or_404(AccountBatch.objects.select_related("by", "handed_out_by"), pk=pk)
    context = {
        **_frame(request, admin, "批量开户结果"),
        "batch": batch,
        "waiting": User.objects.filter(pk__in=batch.waiting).order_by("username"),
        "entries": Entry.objects.about(batch).select_related("by"),
    }
    return render(request, "admin/townships/user/batch.html", context)


@sensitive_variables()
def hand_out(request: HttpRequest, admin: Any, pk: int) -> HttpResponse:  # noqa: ARG001
    """The one download. No cache keeps it, and neither does the portal."""
    batch = get_object_or_404(AccountBatch, pk=pk)
    made = account_batch.hand_out(batch, by=request.user)
    heads = ("单位", "岗位", "姓名", "用户名", "一次性密码", "有效至")
    rows = [(*_office(user), user.name, user.username, word, _until(user)) for user, word in made]
    response = xlsx(workbook({"一次性密码": [heads, *rows]}), f"一次性密码-{batch.pk}.xlsx")
    return never_cache(lambda _request: response)(request)


def _office(user: User) -> tuple[str, str]:
    post = user.acting
    return (str(post.unit), post.get_role_display()) if post else ("", "")


def _until(user: User) -> str:
    return f"{timezone.localtime(user.password_expires_at):%Y-%m-%d %H:%M}"


def _frame(request: HttpRequest, admin: Any, title: str) -> dict[str, Any]:
    return {**admin.admin_site.each_context(request), "opts": admin.opts, "title": title}


# --- the file -------------------------------------------------------------------------------------------------------
def read(content: bytes, name: str) -> tuple[list[str], list[tuple[int, Mapping[str, str]]]]:
    """(heads, [(line of the file, column → text)]); empty lines are passed over. Raises BadFile."""
    dataset = _dataset(content, name)
    heads = [cell_text(head) for head in dataset.headers or []]
    if strange := [head for head in heads if head and head not in COLUMNS]:
        raise BadFile(f"第 1 行有不认识的列：{'、'.join(strange)}。可用的列：{'、'.join(COLUMNS)}")
    if missing := [column for column in NEEDED if column not in heads]:
        raise BadFile(f"第 1 行缺少列：{'、'.join(missing)}，请用模板")
    if len(dataset) > MOST_ROWS:
        raise BadFile(f"一次最多 {MOST_ROWS} 行，这个文件有 {len(dataset)} 行，请分几次导入")
    empty = dict.fromkeys(COLUMNS, "")
    lines = [{**empty, **dict(zip(heads, map(cell_text, cells), strict=False))} for cells in dataset]
    rows: list[tuple[int, Mapping[str, str]]] = [
        (number, said) for number, said in enumerate(lines, start=2) if any(said.values())
    ]
    if not rows:
        raise BadFile("文件里没有数据：第 1 行是列名，数据从第 2 行起。")
    return heads, rows


def _dataset(content: bytes, name: str) -> Any:
    try:
        if name.lower().endswith(".csv"):
            return SafeCSV().create_dataset(content)
        with zipfile.ZipFile(BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST:
                raise BadFile("文件展开后太大，请把数据复制到新的 XLSX 里再上传。")
        return SafeXLSX().create_dataset(content)
    except NoRowsError:
        raise BadFile("文件里没有数据：第 1 行是列名，数据从第 2 行起。") from None
    except BadFile:
        raise
    except Exception as error:  # whatever a forged file makes the library raise
        raise BadFile("文件读不出来。请另存为 XLSX 或 CSV（UTF-8）后再试。") from error


def _kept(content: bytes, name: str) -> ConfirmForm:
    folder = ImportFolder()
    folder.save(content)
    return ConfirmForm(initial={"stored": folder.name, "name": name})
