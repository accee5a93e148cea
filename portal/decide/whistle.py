"""The table `whistle` (D1)."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from enforcement.rules.deadlines import SHIPPED_EVAL, SHIPPED_LIMITS, Kind, Step, WhistleLimits, whistle_dues
from enforcement.services.limit import whistle_clocks
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


def _numbers(limits: Mapping[str, WhistleLimits], eval_step: Step) -> dict[str, Any]:
    kinds = {str(kind): {name: _print(getattr(of_kind, name)) for name in STEPS} for kind, of_kind in limits.items()}
    return kinds | {"eval": _print(eval_step)}


def _stored() -> dict[str, Any]:
    """The limits that the portal itself would take today."""
    clocks = {str(kind): whistle_clocks(kind, timezone.now()) for kind in Kind}
    return _numbers({kind: clock.limits for kind, clock in clocks.items()}, clocks[Kind.ROUTINE].eval_step)


def _shape() -> Group:
    step = {"unit": numbers.one_of(*Unit), "amount": numbers.whole(minimum=1)}
    kind = Group({name: Group(step, optional=name == "report") for name in STEPS})
    return Group({str(code): kind for code in Kind} | {"eval": Group(step)})


TABLE = Table(
    columns={"kind": cells.one_of(*Kind), "sent_at": cells.MOMENT},
    outcomes=OUTCOMES,
    numbers=Numbers(_shape(), lambda: _numbers(SHIPPED_LIMITS, SHIPPED_EVAL), _stored),
    decide=row_by_row(_decide),
)
