from enforcement.exports.table import Listing, Names, Row, is_late
from enforcement.filters.dispatch import asked
from enforcement.permissions import can_export
from enforcement.services.labels import DISPATCH_STATES, WHISTLE_KINDS
from records.services.spreadsheet import Cell, Column


def line(row: Row, names: Names) -> list[Cell]:
    finish_due = row["rework_due"] or row["finish_due"]
    return [
        row["number"],
        row["whistle__title"],
        WHISTLE_KINDS[row["whistle__kind"]],
        "主办" if row["is_lead"] else "协办",
        names.units[row["by_unit_id"]],
        names.units[row["department_id"]],
        names.units.get(row["assigned_unit_id"]) or row["assigned_officer__name"] or "",
        DISPATCH_STATES[row["state"]],
        row["sent_at"],
        row["sign_due"],
        row["signed_at"],
        is_late(row["sign_due"], row["signed_at"], names.now) if row["signed_at"] or row["state"] == "sent" else "",
        row["arrive_due"],
        row["arrived_at"],
        is_late(row["arrive_due"], row["arrived_at"], names.now) if row["arrived_at"] else "",
        row["interim_at"],
        finish_due,
        row["reported_at"],
        row["next_due"],
        is_late(row["next_due"], None, names.now),
        row["closed_at"],
    ]


DISPATCHES = Listing(
    code="dispatch",
    title="派单",
    address="enforcement:dispatch-list",
    asked=asked,
    may=can_export,
    fields=(
        "number", "whistle__title", "whistle__kind", "is_lead", "by_unit_id", "department_id", "assigned_unit_id",
        "assigned_officer__name", "state", "sent_at", "sign_due", "signed_at", "arrive_due", "arrived_at", "interim_at",
        "finish_due", "rework_due", "reported_at", "next_due", "closed_at",
    ),
    columns=(
        Column("编号", 30), Column("标题", 34), Column("哨种", 12), Column("主协办", 8), Column("吹哨单位"),
        Column("派给"), Column("承办"), Column("状态", 12), Column("派出时间", 16), Column("签收期限", 16),
        Column("签收时间", 16), Column("签收迟", 8), Column("到场期限", 16), Column("到场时间", 16),
        Column("到场迟", 8), Column("首报时间", 16), Column("办结期限", 16), Column("反馈时间", 16),
        Column("当前期限", 16), Column("超期", 8), Column("办结时间", 16),
    ),
    line=line,
)  # fmt: skip
