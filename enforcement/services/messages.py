"""What the messages about whistles and dispatches say, and who in a department hears them."""

from datetime import datetime
from typing import Any

from enforcement.models import Dispatch, Whistle
from notifications import kinds
from townships import people


def department_people(dispatch: Dispatch) -> list[Any]:
    """Whoever in the department has to know: the liaisons, and the officer or sub-unit that goes."""
    told = people.liaisons(dispatch.department)
    if dispatch.assigned_unit:
        told = [*told, *people.subunit_people(dispatch.assigned_unit)]
    if dispatch.assigned_officer:
        told = [*told, dispatch.assigned_officer]
    return list({user.pk: user for user in told}.values())


def dispatch_message(kind: type[kinds.Kind], dispatch: Dispatch) -> kinds.Kind:
    """The message of this kind about a dispatch: number, kind of whistle, township, due time, link."""
    clock = clock_of(kind, dispatch)
    return kind(
        number=dispatch.number,
        matter=dispatch.whistle.get_kind_display(),
        unit=dispatch.township.short_name,
        due=clock.isoformat() if clock else None,
        link=dispatch.get_absolute_url(),
    )


def clock_of(kind: type[kinds.Kind], dispatch: Dispatch) -> datetime | None:
    """The due time that the kind's `clock_label` names; where it names none of its own, the dispatch's next one."""
    if kind is kinds.DispatchAssigned:
        return None if dispatch.arrived_at else dispatch.arrive_due
    if kind is kinds.DispatchArrived:
        return dispatch.finish_due
    if kind is kinds.DispatchReported:
        return dispatch.whistle.eval_due if dispatch.is_lead else None
    return dispatch.next_due


def whistle_message(kind: type[kinds.Kind], whistle: Whistle, due_at: datetime | None) -> kinds.Kind:
    """The message of this kind about a whistle: number, kind, township, due time, link."""
    return kind(
        number=whistle.number,
        matter=whistle.get_kind_display(),
        unit=whistle.township.short_name,
        due=due_at.isoformat() if due_at else None,
        link=whistle.get_absolute_url(),
    )
