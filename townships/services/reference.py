"""The rows that every installation starts from. What is there already is left alone: the administrators own it."""

import csv
from datetime import date
from pathlib import Path

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from townships.models import Role, Unit, WorkingHours
from townships.rules.worktime import SHIPPED_WINDOWS
from townships.services import holidays
from townships.worktime import print_windows

FOLDER = Path(__file__).resolve().parent.parent / "reference"
HOURS_FROM = date(2004, 1, 1)


@transaction.atomic
def load() -> dict[str, int]:
    """Add what is missing; returns how many rows of each kind were added. A second call adds nothing."""
    return {
        "机构": load_units(),
        "放假年份": len(holidays.load_shipped()),
        "工作时段": load_hours(),
        "系统管理员权限": load_admin_rights(),
    }


def load_units() -> int:
    known = set(Unit.objects.values_list("code", flat=True))
    missing = [row for row in _rows("units.csv") if row["code"] not in known]
    for is_child in (False, True):  # parents first: a child needs its parent's key
        rows = [row for row in missing if bool(row["parent"]) is is_child]
        parents = dict(Unit.objects.filter(code__in={row["parent"] for row in rows}).values_list("code", "pk"))
        Unit.objects.bulk_create(
            Unit(
                code=row["code"],
                name=row["name"],
                short_name=row["short_name"],
                kind=row["kind"],
                parent_id=parents.get(row["parent"]),
                is_confirmed=row["is_confirmed"] == "yes",
                order=int(row["order"]),
            )
            for row in rows
        )
    return len(missing)


def load_hours() -> int:
    if WorkingHours.objects.exists():
        return 0
    WorkingHours.objects.create(valid_from=HOURS_FROM, windows=print_windows(SHIPPED_WINDOWS))
    return 1


def load_admin_rights() -> int:
    """The group of the post 系统管理员: exactly the listed rights, so that one taken off the list is withdrawn."""
    wanted = Q(pk__in=[])
    for row in _rows("admin_rights.csv"):
        app, model = row["model"].split(".")
        codes = [f"{right}_{model}" for right in row["rights"].split()]
        wanted |= Q(content_type__app_label=app, content_type__model=model, codename__in=codes)
    group, _ = Group.objects.get_or_create(name=Role.ADMIN.label)
    rights = set(Permission.objects.filter(wanted))
    added = len(rights - set(group.permissions.all()))
    group.permissions.set(rights)
    return added


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
