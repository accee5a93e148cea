"""The portal's own limits and calendar for thousands of invented cases: read once, then pure arithmetic."""

from datetime import datetime

from enforcement.models import Whistle
from enforcement.rules.deadlines import Step, assembled, whistle_dues_or_provisional
from enforcement.services.limit import WhistleClocks, steps_on, whistle_clocks
from townships.rules.worktime import MissingYear, add
from townships.worktime import Due, calendar, to_aware, to_local

Dues = dict[str, datetime | None]


class Clocks:
    """All times that go in and come out are aware."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._calendar = calendar()
        self._plain = self._calendar.provisional()
        self.rules: dict[str, WhistleClocks] = {kind: whistle_clocks(kind, now) for kind in Whistle.Kind.values}
        self._steps = steps_on(to_local(now).date(), "event", "event_urgent")

    def due(self, start: datetime, step: Step) -> Due:
        """As `townships.worktime.due`."""
        local = to_local(start)
        try:
            return Due(to_aware(add(local, step.unit, step.amount, self._calendar)), provisional=False)
        except MissingYear:
            return Due(to_aware(add(local, step.unit, step.amount, self._plain)), provisional=True)

    def accept(self, start: datetime, kind: str) -> Due:
        """`kind` is event or event_urgent."""
        return self.due(start, self.accept_step(kind))

    def accept_step(self, kind: str) -> Step:
        return self._steps[(kind, "accept")]

    def handover(self, start: datetime, *, is_urgent: bool) -> Due:
        return self.due(start, self._steps[("event_urgent" if is_urgent else "event", "handover")])

    def check(self, start: datetime) -> Due:
        return self.due(start, self._steps[("all", "check")])

    def appeal(self, start: datetime) -> Due:
        return self.due(start, self._steps[("all", "appeal")])

    def whistle(self, kind: str, sent_at: datetime, assemble_at: datetime | None = None) -> tuple[Dues, frozenset[str]]:
        """All due times of a whistle by their field names, and the names of the provisional ones."""
        rules = self.rules[kind]
        counted = whistle_dues_or_provisional(kind, to_local(sent_at), rules.limits, rules.eval_step, self._calendar)
        dues, provisional = assembled(*counted, to_local(assemble_at) if assemble_at else None)
        return {name: _aware(getattr(dues, name)) for name in DUE_NAMES}, provisional

    def later(self, start: datetime, minutes: float, unit: str) -> datetime:
        """When somebody gets round to it: so many `work_minutes` or `continuous_minutes` later."""
        return to_aware(add(to_local(start), unit, max(1, round(minutes)), self._plain))


DUE_NAMES = ("sign_due", "arrive_due", "report_due", "finish_due", "eval_due")


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else to_aware(moment)
