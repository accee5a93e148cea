"""Due times that were computed on plain weekdays, counted anew once the year's holidays are known."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from enforcement.models import Check, Dispatch, Event, Handover, Return, Whistle
from enforcement.rules.clocks import next_due
from enforcement.services import check as checks
from enforcement.services import handover as handovers
from enforcement.services.clocks import Clocks, count, count_whistle, course_of, follow, part_of
from enforcement.services.limit import accept_due, whistle_clocks
from enforcement.services.messages import dispatch_message, event_message, whistle_message
from enforcement.services.returns import answer_clock
from notifications import kinds
from notifications.services.outbox import notify
from records.models import Stage
from records.services import lock, record
from townships import people
from townships.worktime import due

CHANGED = kinds.ProvisionalDueChanged


def recompute() -> int:
    """Count every provisional due time anew; each change is an entry and a message. Returns how many rows changed."""
    changed = 0
    for event in Event.objects.exclude(provisional=[]).order_by("id").iterator():
        changed += _event(event)
    # dispatches first: a whistle's evaluation may be counted from a rework
    for dispatch in Dispatch.objects.exclude(provisional=[]).select_related("whistle").order_by("id").iterator():
        changed += _dispatch(dispatch)
    for whistle in Whistle.objects.exclude(provisional=[]).order_by("id").iterator():
        changed += _whistle(whistle)
    asked = [
        *Check.objects.filter(state=Check.State.ASKED, is_provisional=True).order_by("id"),
        *Handover.objects.filter(state=Handover.State.ASKED, is_provisional=True).order_by("id"),
    ]
    return changed + sum(_asked(row) for row in asked)


@transaction.atomic
def _asked(row: Check | Handover) -> bool:
    """By when somebody answers: it shows on the page, and it ends nothing."""
    lock(row)
    clock = checks.due_of(row) if isinstance(row, Check) else handovers.due_of(row)
    if not row.is_open or clock.provisional:
        return False
    row.due, row.is_provisional = clock.at, False
    row.save(update_fields=["due", "is_provisional"])
    return True


@transaction.atomic
def _event(event: Event) -> bool:
    lock(event)
    clocks: Clocks = {}
    if "accept_due" in event.provisional:
        clocks["accept_due"] = accept_due(event)
    if "squad_due" in event.provisional and event.squad_at and event.squad_amount:
        clocks["squad_due"] = due(event.squad_at, event.squad_unit, event.squad_amount)
    if not (known := _apply(event, clocks)):
        return False
    if event.next_due is not None:
        event.next_due = event.squad_due if event.state == Event.State.SQUAD else event.accept_due
    _store(event, known, people.desk(event.township), event_message(CHANGED, event))
    return True


@transaction.atomic
def _whistle(whistle: Whistle) -> bool:
    lock(whistle)
    clocks: Clocks = {}
    rules = whistle_clocks(whistle.kind, whistle.sent_at or whistle.submitted_at)
    if "approve_due" in whistle.provisional:
        clocks["approve_due"] = rules.due(whistle.submitted_at, rules.approve)
    if "confirm_due" in whistle.provisional:
        clocks["confirm_due"] = rules.due(whistle.submitted_at, rules.confirm)
    if whistle.sent_at:
        clocks.update(count_whistle(whistle, list(whistle.dispatches.all()), course_of(whistle)))
    if not (known := _apply(whistle, clocks)):
        return False
    if whistle.state == Whistle.State.SUBMITTED:
        whistle.next_due = whistle.approve_due
    elif whistle.is_open:
        follow(whistle)
    _store(whistle, known, people.desk(whistle.by_unit), whistle_message(CHANGED, whistle, whistle.next_due))
    return True


@transaction.atomic
def _dispatch(dispatch: Dispatch) -> bool:
    lock(dispatch.whistle)
    whistle = dispatch.whistle
    lock(dispatch)
    clocks = count(dispatch, course_of(whistle))
    if not (known := _apply(dispatch, {**clocks, **answer_clock(dispatch, clocks)})):
        return False
    if "return_due" in known:
        Return.objects.filter(dispatch=dispatch).exclude(arb_due=None).update(
            arb_due=known["return_due"].at, provisional=[]
        )
    dispatch.next_due = next_due(part_of(dispatch))
    to = [*people.desk(dispatch.by_unit), *people.desk(dispatch.department)]
    _store(dispatch, known, to, dispatch_message(CHANGED, dispatch))
    if whistle.is_open:
        follow(whistle)
    return True


def _apply(obj: Any, clocks: Clocks) -> Clocks:
    """Put those on `obj` that are provisional there and no longer provisional now, and return them."""
    known = {name: clock for name, clock in clocks.items() if name in obj.provisional and not clock.provisional}
    for name, clock in known.items():
        setattr(obj, name, clock.at)
    obj.provisional = [name for name in obj.provisional if name not in known]
    return known


def _store(obj: Any, clocks: Clocks, to: list[Any], message: kinds.Kind) -> None:
    if obj.next_due is not None:
        obj.alarm_at = timezone.now()  # the next sweep finds out what the new due time means
    obj.save(update_fields=[*clocks, "next_due", "alarm_at", "provisional", "changed_at"])
    entry = record(
        obj,
        "due_recomputed",
        by=None,
        what="放假安排已导入，暂定期限重新计算",
        stage=Stage.HANDLE,
        data={name: clock.at.isoformat() for name, clock in clocks.items()},
    )
    if obj.is_open:
        notify(message, to=to, key=f"due_recomputed:{entry.pk}")
