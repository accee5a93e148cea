from enforcement.exports.table import Listing, Names, Row, yes
from enforcement.filters.escalation import asked
from enforcement.permissions import can_view_escalations
from enforcement.services.labels import CLOCKS
from enforcement.services.marks import NAMES
from records.services.spreadsheet import Cell, Column

NOUNS = {"dispatch": "派单", "whistle": "哨单", "event": "事件"}


def line(row: Row, names: Names) -> list[Cell]:
    kind = next(kind for kind in NOUNS if row[f"{kind}__number"])
    return [
        row["number"],
        NAMES[row["level"]],
        NOUNS[kind],
        row[f"{kind}__number"],
        row["dispatch__whistle__title"] or row["whistle__title"] or row["event__title"],
        names.units[row["unit_id"]],
        names.units[row["by_unit_id"]],
        CLOCKS[row["clock"]],
        row["limit"],
        row["since"],
        row["due"],
        row["at"],
        yes(_running(row, kind) != row["due"]),
    ]


def _running(row: Row, kind: str) -> object:
    """The due time that runs now in the place of this one, as the list looks at it."""
    if row["clock"] == "confirm_due":
        return None if row["whistle__approved_at"] else row["whistle__confirm_due"]
    return row[f"{kind}__next_due"]


ESCALATIONS = Listing(
    code="escalation",
    title="督办",
    address="enforcement:escalation-list",
    asked=asked,
    may=can_view_escalations,
    fields=(
        "number", "level", "dispatch__number", "whistle__number", "event__number", "dispatch__whistle__title",
        "whistle__title", "event__title", "unit_id", "by_unit_id", "clock", "limit", "since", "due", "at",
        "dispatch__next_due", "whistle__next_due", "event__next_due", "whistle__confirm_due", "whistle__approved_at",
    ),
    columns=(
        Column("督办单号", 26), Column("级别", 8), Column("事项", 8), Column("事项编号", 30), Column("标题", 34),
        Column("责任单位"), Column("谁在等"), Column("超期环节", 12), Column("时限"), Column("起算", 16),
        Column("期限", 16), Column("亮牌时间", 16), Column("已办或已变更", 14),
    ),
    line=line,
)  # fmt: skip
