"""Time limits, read from their rows and turned into due times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from enforcement.models import Event, Limit
from enforcement.rules.deadlines import (
    SHIPPED_EVAL,
    SHIPPED_LIMITS,
    Dues,
    Step,
    WhistleLimits,
    whistle_dues_or_provisional,
)
from townships.rules.worktime import Calendar
from townships.worktime import Due, Pause, calendar, due, local_spans, to_aware, to_local

SHIPPED_STEPS: dict[tuple[str, str], Step] = {
    (Limit.Kind.EVENT_URGENT, Limit.Step.ACCEPT): Step("continuous_minutes", 30),
    (Limit.Kind.EVENT, Limit.Step.ACCEPT): Step("work_minutes", 120),
    (Limit.Kind.ALL, Limit.Step.APPROVE): Step("work_minutes", 120),
    (Limit.Kind.URGENT, Limit.Step.APPROVE): Step("continuous_minutes", 60),
    (Limit.Kind.EMERGENCY, Limit.Step.CONFIRM): Step("continuous_minutes", 120),
    (Limit.Kind.ALL, Limit.Step.EVAL): SHIPPED_EVAL,
    (Limit.Kind.ALL, Limit.Step.ARBITRATE): Step("work_days", 1),
    (Limit.Kind.EMERGENCY, Limit.Step.ARBITRATE): Step("continuous_minutes", 30),
    (Limit.Kind.EVENT_URGENT, Limit.Step.HANDOVER): Step("continuous_minutes", 30),
    (Limit.Kind.EVENT, Limit.Step.HANDOVER): Step("work_minutes", 120),
    (Limit.Kind.ALL, Limit.Step.CHECK): Step("work_days", 1),
    (Limit.Kind.ALL, Limit.Step.APPEAL): Step("work_days", 3),
}


def steps_on(day: date, *kinds: str) -> dict[tuple[str, str], Step]:
    """(kind, step) → limit as it stood on that day, of these kinds and of `all`; shipped numbers where no row holds."""
    rows = Limit.objects.on(day).filter(kind__in=[*kinds, Limit.Kind.ALL]).order_by()
    found = rows.values_list("kind", "step", "unit", "amount")
    return {**SHIPPED_STEPS, **{(kind, step): Step(unit, amount) for kind, step, unit, amount in found}}


def accept_due(event: Event) -> Due:
    """By when a reported event has to be taken up."""
    kind = Limit.Kind.EVENT_URGENT if event.is_urgent else Limit.Kind.EVENT
    step = steps_on(to_local(event.waits_since).date(), kind)[(kind, Limit.Step.ACCEPT)]
    return due(event.waits_since, step.unit, step.amount)


@dataclass(frozen=True)
class WhistleClocks:
    """All that a whistle's kind says on one day, and how to count with it."""

    kind: str
    day: date
    limits: WhistleLimits
    eval_step: Step
    approve: Step
    confirm: Step
    arbitrate: Step
    calendar: Calendar

    def due(self, start: datetime, step: Step, paused: Sequence[Pause] = ()) -> Due:
        """When this step, counted from the aware `start`, is over."""
        return due(start, step.unit, step.amount, self.calendar, paused)

    def dues(
        self, sent_at: datetime, granted: Sequence[Step] = (), paused: Sequence[Pause] = ()
    ) -> tuple[Dues, frozenset[str]]:
        """Aware due times from `sent_at`, and the names of the provisional ones."""
        dues, provisional = whistle_dues_or_provisional(
            self.kind,
            to_local(sent_at),
            self.limits,
            self.eval_step,
            self.calendar,
            granted=granted,
            paused=local_spans(paused),
        )
        return (
            Dues(
                sign_due=to_aware(dues.sign_due),
                arrive_due=to_aware(dues.arrive_due),
                report_due=to_aware(dues.report_due) if dues.report_due else None,
                finish_due=to_aware(dues.finish_due),
                eval_due=to_aware(dues.eval_due),
                reasons=dues.reasons,
            ),
            provisional,
        )


def whistle_clocks(kind: str, on: datetime) -> WhistleClocks:
    """The limits of this kind of whistle as they stand on the day of `on`. Two queries, one of them the calendar's."""
    day = to_local(on).date()
    steps = steps_on(day, kind)
    shipped = SHIPPED_LIMITS[kind]
    return WhistleClocks(
        kind=kind,
        day=day,
        limits=WhistleLimits(
            sign=steps.get((kind, "sign"), shipped.sign),
            arrive=steps.get((kind, "arrive"), shipped.arrive),
            report=steps.get((kind, "report"), shipped.report),
            finish=steps.get((kind, "finish"), shipped.finish),
        ),
        eval_step=steps[("all", "eval")],
        approve=steps.get((kind, "approve"), steps[("all", "approve")]),
        confirm=steps[("emergency", "confirm")],
        arbitrate=steps.get((kind, "arbitrate"), steps[("all", "arbitrate")]),
        calendar=calendar(),
    )
