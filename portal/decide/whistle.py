"""The table `whistle` (D1)."""

from typing import Any

from django.utils import timezone

from enforcement.models import Limit
from enforcement.rules.deadlines import SHIPPED_EVAL, SHIPPED_LIMITS, Kind, Step, WhistleLimits, whistle_dues
from portal.decide import cells, numbers
from portal.decide.cases import Outcome, Table, Values, row_by_row
from portal.decide.numbers import Group, Numbers
from townships.rules.worktime import Calendar, Unit

STEPS = ("sign", "arrive", "report", "finish")
OUTCOMES = ("sign_due", "arrive_due", "report_due", "finish_due", "eval_due")


def _decide(row: Values, cal: Calendar, limits: Any) -> Outcome:
    of_kind = WhistleLimits(**{step: _step(limits[row["kind"]][step]) for step in STEPS})
    try:
        dues = whistle_dues(row["kind"], row["sent_at"], of_kind, _step(limits["eval"]), cal)
    except OverflowError:
        raise cells.BadCell("sent_at", "期限不超过 9999 年的时间") from None
    moments = (getattr(dues, name) for name in OUTCOMES)
    return Outcome([cells.print_moment(moment) if moment else "" for moment in moments], dues.reasons)


def _step(number: Any) -> Any:
    return number and Step(**number)


def _print(step: Step | None) -> Any:
    return step and {"unit": str(step.unit), "amount": step.amount}


def _shipped() -> dict[str, Any]:
    kinds = {
        str(kind): {name: _print(getattr(limits, name)) for name in STEPS} for kind, limits in SHIPPED_LIMITS.items()
    }
    return kinds | {"eval": _print(SHIPPED_EVAL)}


def _stored() -> dict[str, Any]:
    """Today's rows. A kind without a row for `report` has no interim report; any other step must have one."""
    rows = Limit.objects.on(timezone.localdate()).values_list("kind", "step", "unit", "amount")
    steps = {(kind, step): {"unit": unit, "amount": amount} for kind, step, unit, amount in rows}
    wanted = [(str(kind), name) for kind in Kind for name in STEPS] + [("all", "eval")]
    missing = [f"{kind} {name}" for kind, name in wanted if (kind, name) not in steps and name != "report"]
    if missing:
        raise cells.BadInput([f"数据库的“办理时限”里没有今天有效的：{'、'.join(missing)}"])
    return {str(kind): {name: steps.get((kind, name)) for name in STEPS} for kind in Kind} | {
        "eval": steps["all", "eval"]
    }


def _shape() -> Group:
    step = {"unit": numbers.one_of(*Unit), "amount": numbers.whole(minimum=1)}
    kind = Group({name: Group(step, optional=name == "report") for name in STEPS})
    return Group({str(code): kind for code in Kind} | {"eval": Group(step)})


TABLE = Table(
    columns={"kind": cells.one_of(*Kind), "sent_at": cells.MOMENT},
    outcomes=OUTCOMES,
    numbers=Numbers(_shape(), _shipped, _stored),
    decide=row_by_row(_decide),
)
