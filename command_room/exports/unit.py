"""通讯录's units as a file, with who speaks for them."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import QueryDict

from command_room.filters.contact import UnitFilter
from command_room.permissions import can_export_contacts
from command_room.services import contact as contacts
from enforcement.exports.table import Listing, Names, Row
from enforcement.filters.asked import Asked, Asker
from records.services.spreadsheet import Cell, Column
from townships.models import Unit

KINDS = dict(Unit.Kind.choices)


def asked(user: Any, query: QueryDict) -> Asked:
    return Asked(UnitFilter(query or None, listed(user), request=Asker(user, query)))


def listed(user: Any) -> QuerySet[Unit]:
    """The page's units, each with the names of those who speak for it today."""
    posts = contacts.speaking(user).filter(unit=OuterRef("pk"))
    names = posts.values_list(Coalesce(NullIf("user__name", Value("")), "user__username"))
    return contacts.units(user).annotate(speakers=ArraySubquery(names))


def line(row: Row, names: Names) -> list[Cell]:
    return [
        row["code"],
        row["short_name"],
        row["name"],
        KINDS[row["kind"]],
        names.units.get(row["parent_id"], ""),
        row["phone"],
        "、".join(dict.fromkeys(row["speakers"])),
    ]


UNITS = Listing(
    code="unit",
    title="机构",
    address="command_room:unit-list",
    asked=asked,
    may=can_export_contacts,
    fields=("code", "short_name", "name", "kind", "parent_id", "phone", "speakers"),
    columns=(
        Column("代码"), Column("简称", 16), Column("全称", 30), Column("类别"), Column("上级", 16),
        Column("值班电话", 18), Column("找谁", 30),
    ),
    line=line,
)  # fmt: skip
