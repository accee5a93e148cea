"""审计: who did what and who looked at what, found by person, object, kind and time."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import tablib
from axes.helpers import get_cool_off
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from command_room.forms.audit import AuditForm
from command_room.permissions import can_audit
from command_room.services import audit
from command_room.services.audit import MOST_EXPORTED, PAGE, Asked, Place
from records.services import access
from townships.admin.files import SafeCSV, SafeXLSX

FORMATS: dict[str, Any] = {"xlsx": SafeXLSX, "csv": SafeCSV}
HEADS = ["时间", "人员", "岗位", "做了什么", "对象", "说明", "地址"]


@require_safe
def audit_list(request: HttpRequest) -> HttpResponse:
    if not can_audit(request.user):
        raise PermissionDenied
    form = AuditForm(request.GET)
    asked = form.asked() if form.is_valid() else None
    if asked and request.GET.get("format") in FORMATS:
        return export(request, asked, request.GET["format"])
    below = Place.read(request.GET.get("below", ""))
    found = audit.lines(asked, below=below, most=PAGE + 1) if asked else []
    said = [(name, value) for name, value in request.GET.items() if value and name in form.fields]
    context = {
        "form": form,
        "lines": found[:PAGE],
        "next": found[PAGE - 1].place if len(found) > PAGE else None,
        "is_first": below is None,
        "query": urlencode(said),
        "failing": [] if said or below else audit.failing_now(timezone.now() - get_cool_off()),
        "most": MOST_EXPORTED,
        "now": timezone.now(),
    }
    return render(request, "command_room/audit.html", context, status=200 if asked else 422)


def export(request: HttpRequest, asked: Asked, kind: str) -> HttpResponse:
    """What is filtered, the newest lines of it; the file is an access of its own."""
    now = timezone.now()
    found = audit.lines(asked, most=MOST_EXPORTED)
    rows = [[local(one.at), one.who, one.office, one.what, one.about, one.more, one.address] for one in found]
    user: Any = request.user
    made = f"{user.name}（{user.office}）于 {local(now)} 导出 {len(rows)} 条"
    if len(rows) == MOST_EXPORTED:
        made += "；只含最近的这些，其余请缩小时间范围分几次导出"
    data = tablib.Dataset(*rows, [made, *[""] * (len(HEADS) - 1)], headers=HEADS)
    said = {name: value for name, value in request.GET.items() if value}
    access.note(user, "exported", count=len(rows), detail={"list": "审计", "query": urlencode(said), "format": kind})
    writer = FORMATS[kind]()
    response = HttpResponse(writer.export_data(data), content_type=writer.get_content_type())
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.localtime(now):%Y%m%d-%H%M}.{kind}"'
    return response


def local(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"
