"""The rows of this room that every installation starts from: classes, limits, routes. What is there is left alone."""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from django.db import transaction

from enforcement.models import Category, Limit, RoutingRule
from enforcement.rules.deadlines import SHIPPED_LIMITS, Step
from enforcement.services.limit import SHIPPED_STEPS
from townships.models import Unit

FOLDER = Path(__file__).resolve().parent.parent / "reference"
LIMITS_FROM = date(2026, 1, 1)
LIMITS_REASON = "建议值，可调整"


@transaction.atomic
def load() -> dict[str, int]:
    """Add what is missing; returns how many rows of each kind were added. A second call adds nothing.

    The units have to be there already. Raises KeyError where a route names a unit or class that is not.
    """
    return {"事件类别": load_categories(), "办理时限": load_limits(), "分派规则": load_routes()}


def load_categories() -> int:
    known = set(Category.objects.values_list("code", flat=True))
    missing = [row for row in _rows("categories.csv") if row["code"] not in known]
    for is_child in (False, True):  # parents first: a child needs its parent's key
        rows = [row for row in missing if bool(row["parent"]) is is_child]
        parents = dict(Category.objects.filter(parent=None).values_list("code", "pk"))
        Category.objects.bulk_create(
            Category(
                code=row["code"],
                name=row["name"],
                parent_id=parents[row["parent"]] if is_child else None,
                keywords=row["keywords"],
            )
            for row in rows
        )
    return len(missing)


def load_limits() -> int:
    known = set(Limit.objects.values_list("kind", "step"))
    missing = [(kind, step, limit) for kind, step, limit in _shipped_limits() if (kind, step) not in known]
    Limit.objects.bulk_create(
        Limit(
            kind=kind,
            step=step,
            unit=limit.unit,
            amount=limit.amount,
            valid_from=LIMITS_FROM,
            reason=LIMITS_REASON,
        )
        for kind, step, limit in missing
    )
    return len(missing)


def load_routes() -> int:
    categories = dict(Category.objects.values_list("code", "pk"))
    units = dict(Unit.objects.values_list("code", "pk"))
    known = set(RoutingRule.objects.values_list("category_id", "township_id"))
    rules, helpers = [], []
    for row in _rows("routes.csv"):
        category = categories[row["category"]] if row["category"] else None
        township = units[row["township"]] if row["township"] else None
        if (category, township) in known:
            continue
        rules.append(_rule(row, category, township, units))
        helpers.append([units[code] for code in row["helpers"].split(";") if code])
    RoutingRule.objects.bulk_create(rules)
    through = RoutingRule.helpers.through
    through._default_manager.bulk_create(
        through(routingrule_id=rule.pk, unit_id=unit)
        for rule, unit_ids in zip(rules, helpers, strict=True)
        for unit in unit_ids
    )
    return len(rules)


def _rule(row: dict[str, str], category: int | None, township: int | None, units: dict[str, int]) -> RoutingRule:
    return RoutingRule(
        category_id=category,
        township_id=township,
        route=row["route"],
        lead_id=units[row["lead"]] if row["lead"] else None,
        kind=row["kind"],
        squad_unit=row["squad_unit"],
        squad_amount=int(row["squad_amount"]) if row["squad_amount"] else None,
        reason=row["reason"],
        valid_from=date.fromisoformat(row["valid_from"]),
    )


def _shipped_limits() -> Iterator[tuple[str, str, Step]]:
    for kind, limits in SHIPPED_LIMITS.items():
        steps = {"sign": limits.sign, "arrive": limits.arrive, "report": limits.report, "finish": limits.finish}
        for step, limit in steps.items():
            if limit:
                yield str(kind), step, limit
    for (kind, step), limit in SHIPPED_STEPS.items():
        yield str(kind), str(step), limit


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
