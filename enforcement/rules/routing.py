"""Event triage (domain table D7): which way an event goes, and why. Pure; the routing rows are an argument.

《浙江省综合行政执法条例》 arts 9 (squads under the township's command), 11–12 (transfer), 13–14 (joint enforcement),
17 (assistance); 《行政执法机关移送涉嫌犯罪案件的规定》 arts 5–6, 11; 《行政处罚法》 art 33.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from enforcement.rules.deadlines import NAMES, Kind, Step

POLICE = "gaj"


class Route(StrEnum):
    SETTLE = "settle"
    SQUAD = "squad"
    WHISTLE = "whistle"
    JOINT_INSPECTION = "joint_inspection"
    TRANSFER = "transfer"
    POLICE = "police"
    DISMISS = "dismiss"


# What "urgent" on a report makes of the kind that the class usually has: a class that is dangerous anyway becomes
# an emergency, every other one an urgent whistle.
URGENT_KIND = MappingProxyType(
    {
        Kind.ROUTINE: Kind.URGENT,
        Kind.CAMPAIGN: Kind.URGENT,
        Kind.URGENT: Kind.EMERGENCY,
        Kind.EMERGENCY: Kind.EMERGENCY,
    }
)


@dataclass(frozen=True)
class Facts:
    """What is known of an event when it is accepted. `category` is the 小类 (four digits), `category_group` its 大类."""

    category: str
    category_group: str
    township: str
    urgent: bool = False
    settled_on_spot: bool = False
    duplicate: bool = False
    unreasonable: bool = False
    suspected_crime: bool = False
    involves_enterprise_inspection: bool = False
    outside_duty: bool = False  # a violation that only another organ may deal with, seen by officers on another errand


@dataclass(frozen=True)
class RoutingRow:
    """Where a class usually goes: a 小类, a 大类 or "" for all; a township or "" for all. `reason` names the ground."""

    category: str
    township: str
    route: str
    lead: str = ""
    helpers: tuple[str, ...] = ()
    whistle_kind: str = ""
    squad_limit: Step | None = None
    reason: str = ""


@dataclass(frozen=True)
class Proposal:
    """`lead` and `helpers` are department codes; for the squad they are whom to whistle if it cannot do it alone."""

    route: str
    lead: str = ""
    helpers: tuple[str, ...] = ()
    kind: str = ""
    squad_limit: Step | None = None
    reasons: tuple[str, ...] = ()


NO_ROW = RoutingRow(
    "", "", Route.SQUAD, reason="没有适用的分派规则，先由镇街执法队核实（《浙江省综合行政执法条例》第9条）"
)

# The conditions that no class and no township changes, in their order.
CONDITIONS: tuple[tuple[Callable[[Facts], bool], Route, str], ...] = (
    (lambda facts: facts.duplicate, Route.DISMISS, "与已受理的事件重复，并入原事件，不计入考评"),
    (lambda facts: facts.unreasonable, Route.DISMISS, "诉求没有事实或法律依据，说明理由后不予受理，不计入考评"),
    (
        lambda facts: facts.suspected_crime,
        Route.POLICE,
        "涉嫌犯罪的移送公安机关，不得以罚代移（《行政执法机关移送涉嫌犯罪案件的规定》第5条、第11条）",
    ),
    (
        lambda facts: facts.settled_on_spot,
        Route.SETTLE,
        "现场已改正或处置完毕，以教育为主，记录后办结（《行政处罚法》第33条）",
    ),
    (
        lambda facts: facts.involves_enterprise_inspection and not facts.urgent,
        Route.JOINT_INSPECTION,
        "需入企检查的并入综合查一次，网格员不得实施检查（《浙江省综合行政执法条例》第13条、第14条）",
    ),
    (
        lambda facts: facts.outside_duty and not facts.urgent,
        Route.TRANSFER,
        "发现职责以外的违法线索，固定证据后及时移交（《浙江省综合行政执法条例》第11条、第18条）",
    ),
)


def propose(facts: Facts, rows: Iterable[RoutingRow]) -> Proposal:
    """The first of D7's conditions that holds; otherwise what the most specific row says. It never fails."""
    row = _most_specific(facts, rows)
    for holds, route, reason in CONDITIONS:
        if holds(facts):
            return _by_condition(facts, row, route, reason)
    return _by_row(facts, row)


def _by_condition(facts: Facts, row: RoutingRow, route: Route, reason: str) -> Proposal:
    match route:
        case Route.POLICE:
            return Proposal(route, POLICE, reasons=(reason,))
        case Route.JOINT_INSPECTION:
            return Proposal(route, row.lead, row.helpers, reasons=(reason, *_ground(facts, row)))
        case Route.TRANSFER:
            return Proposal(route, row.lead, reasons=(reason, *_ground(facts, row)))
        case _:
            return Proposal(route, reasons=(reason,))


def _most_specific(facts: Facts, rows: Iterable[RoutingRow]) -> RoutingRow:
    fitting = [
        row
        for row in rows
        if row.category in ("", facts.category_group, facts.category) and row.township in ("", facts.township)
    ]
    return max(fitting, key=lambda row: (len(row.category), bool(row.township)), default=NO_ROW)


def _by_row(facts: Facts, row: RoutingRow) -> Proposal:
    reasons = list(_ground(facts, row))
    kind = row.whistle_kind if row.route == Route.WHISTLE else ""
    if kind and facts.urgent:
        kind = URGENT_KIND[Kind(kind)]
        reasons.append(f"上报为紧急，用{NAMES[Kind(kind)]}")
    elif kind:
        reasons.append(f"此类事件用{NAMES[Kind(kind)]}")
    limit = row.squad_limit if row.route == Route.SQUAD else None
    if limit:
        reasons.append(f"执法队 {limit}内处置，可以另定时限")
    return Proposal(row.route, row.lead, row.helpers, kind, limit, tuple(reasons))


def _ground(facts: Facts, row: RoutingRow) -> Iterator[str]:
    place = "本镇街专用" if row.township else "各镇街通用"
    if row.category == facts.category:
        yield f"分派规则：小类 {row.category}，{place}"
    elif row.category:
        yield f"分派规则：大类 {row.category}，{place}"
    elif row is not NO_ROW:
        yield f"没有此类的专门规则，用{place}的一般规则"
    if row.reason:
        yield row.reason
