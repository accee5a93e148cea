"""What every installation starts from."""

import time
from io import StringIO

from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db.models import Count

from records.models import Entry
from townships.models import CalendarYear, Holiday, Role, Unit, WorkingHours

DEPARTMENTS = [
    "zfj",
    "zrzy",
    "jtys",
    "scjg",
    "nyncj",
    "wgl",
    "wsjk",
    "yjgl",
    "sthj",
    "gaj",
    "jsj",
    "slsd",
    "fgj",
    "jxj",
    "jtj",
    "kjj",
    "mzj",
    "sfj",
    "czj",
    "rsj",
    "swj",
    "tjj",
    "ybj",
    "tyjr",
    "mzzj",
    "xwcb",
    "daj",
    "sjj",
    "xfjy",
    "qxj",
    "ycj",
    "swju",
    "rfb",
]


def snapshot() -> list[object]:
    models = (Unit, Holiday, CalendarYear, WorkingHours, Group, Group.permissions.through, Entry)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_loading_twice_changes_nothing_and_is_quick(db: None) -> None:
    started = time.monotonic()
    call_command("load_reference", stdout=StringIO())
    assert time.monotonic() - started < 3
    before = snapshot()
    call_command("load_reference", stdout=StringIO())
    assert snapshot() == before


def test_units_are_those_of_shengzhou(db: None) -> None:
    call_command("load_reference", stdout=StringIO())
    kinds = dict(Unit.objects.townships().values_list("kind").annotate(Count("pk")))
    assert kinds == {"street": 4, "town": 10, "township": 1}
    assert list(Unit.objects.departments().values_list("code", flat=True)) == DEPARTMENTS
    assert Unit.objects.departments().filter(is_confirmed=True).count() == 10
    assert Unit.objects.get(code="zdb").parent.code == "zfj"
    assert CalendarYear.objects.count() == 23


def test_what_an_administrator_has_changed_is_left_alone(db: None) -> None:
    call_command("load_reference", stdout=StringIO())
    Unit.objects.filter(code="daj").update(name="另一个名称", is_confirmed=True)
    call_command("load_reference", stdout=StringIO())
    assert Unit.objects.get(code="daj").name == "另一个名称"


def test_administrators_rights_are_those_on_the_list_and_no_others(db: None) -> None:
    call_command("load_reference", stdout=StringIO())
    group = Group.objects.get(name=Role.ADMIN.label)
    rights = {f"{p.content_type.model}.{p.codename}" for p in group.permissions.select_related("content_type")}
    assert not any(".delete_" in right for right in rights)
    models = {right.split(".")[0] for right in rights}
    assert {"unit", "user", "post", "squadmember", "certificate", "shift", "category", "limit"} <= models
    files = {"event", "whistle", "dispatch", "attachment", "caller", "report", "remark", "message", "entry", "group"}
    assert not models & files
    group.permissions.clear()
    call_command("load_reference", stdout=StringIO())
    assert group.permissions.count() == len(rights)
