from enforcement.exports.table import Listing, Names, Row, is_late, yes
from enforcement.filters.event import asked
from enforcement.models import Event
from enforcement.permissions import can_export
from records.services.spreadsheet import Cell, Column

STATES, SOURCES, DISMISSALS = dict(Event.State.choices), dict(Event.Source.choices), dict(Event.Dismissal.choices)


def line(row: Row, names: Names) -> list[Cell]:
    return [
        row["number"],
        row["title"],
        row["category__parent__name"] or "",
        row["category__name"],
        names.units[row["township_id"]],
        names.units.get(row["grid_id"], ""),
        row["place"],
        SOURCES[row["source"]],
        row["outside_number"],
        yes(row["is_urgent"]),
        STATES[row["state"]],
        row["reported_at"],
        row["accept_due"],
        row["verified_at"],
        row["squad_at"],
        row["squad_due"],
        row["next_due"],
        is_late(row["next_due"], None, names.now),
        row["closed_at"],
        DISMISSALS.get(row["dismissal"], ""),
    ]


EVENTS = Listing(
    code="event",
    title="事件",
    address="enforcement:event-list",
    asked=asked,
    may=can_export,
    fields=(
        "number", "title", "category__parent__name", "category__name", "township_id", "grid_id", "place", "source",
        "outside_number", "is_urgent", "state", "reported_at", "accept_due", "verified_at", "squad_at", "squad_due",
        "next_due", "closed_at", "dismissal",
    ),
    columns=(
        Column("编号", 26), Column("标题", 34), Column("大类"), Column("小类", 18), Column("镇街", 10), Column("网格"),
        Column("地点", 28), Column("来源", 10), Column("来源编号", 18), Column("紧急", 6), Column("状态", 12),
        Column("上报时间", 16), Column("受理期限", 16), Column("核实时间", 16), Column("交队时间", 16),
        Column("队伍处置期限", 16), Column("当前期限", 16), Column("超期", 8), Column("办结时间", 16),
        Column("不予受理原因", 18),
    ),
    line=line,
)  # fmt: skip
