from enforcement.exports.table import Listing, Names, Row, is_late
from enforcement.filters.whistle import asked
from enforcement.models import Whistle
from enforcement.permissions import can_export
from enforcement.services.labels import WHISTLE_KINDS, WHISTLE_STATES
from records.services.spreadsheet import Cell, Column

REASONS = dict(Whistle.Why.choices)


def line(row: Row, names: Names) -> list[Cell]:
    lead, *helpers = [names.units.get(pk, "") for pk in row["departments"]] or [""]
    return [
        row["number"],
        row["title"],
        WHISTLE_KINDS[row["kind"]],
        names.units[row["by_unit_id"]],
        row["event__number"] or "联合行动",
        REASONS[row["why"]],
        lead,
        "、".join(helpers),
        WHISTLE_STATES[row["state"]],
        row["submitted_at"],
        row["approve_due"],
        row["approved_at"],
        row["sent_at"],
        row["finish_due"],
        row["next_due"],
        is_late(row["next_due"], None, names.now),
        row["closed_at"],
        row["withdrawn_at"],
    ]


WHISTLES = Listing(
    code="whistle",
    title="吹哨",
    address="enforcement:whistle-list",
    asked=asked,
    may=can_export,
    fields=(
        "number", "title", "kind", "by_unit_id", "event__number", "why", "departments", "state", "submitted_at",
        "approve_due", "approved_at", "sent_at", "finish_due", "next_due", "closed_at", "withdrawn_at",
    ),
    columns=(
        Column("编号", 26), Column("标题", 34), Column("哨种", 12), Column("吹哨单位"), Column("事件编号", 26),
        Column("为何吹哨", 26), Column("主办"), Column("协办", 26), Column("状态", 10), Column("提交时间", 16),
        Column("审核期限", 16), Column("审核时间", 16), Column("吹哨时间", 16), Column("办结期限", 16),
        Column("当前期限", 16), Column("超期", 8), Column("办结时间", 16), Column("撤哨时间", 16),
    ),
    line=line,
)  # fmt: skip
