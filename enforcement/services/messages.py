"""What the messages about events, whistles and dispatches say, and who in a department hears them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from enforcement.models import Dispatch, Event, Whistle
from notifications import kinds
from notifications.services.outbox import Notice
from townships import people


def department_people(dispatch: Dispatch) -> list[Any]:
    """Whoever in the department has to know: the liaisons, and the officer or sub-unit that goes."""
    told = people.desk(dispatch.department)
    if dispatch.assigned_unit:
        told = [*told, *people.subunit_people(dispatch.assigned_unit)]
    if dispatch.assigned_officer:
        told = [*told, dispatch.assigned_officer]
    return list({user.pk: user for user in told}.values())


def desk_missing(dispatches: Sequence[Dispatch]) -> list[Notice]:
    """To the desk that whistles, of dispatches that no liaison hears of. One query, none where there are none."""
    if not dispatches:
        return []
    desk = people.desk(dispatches[0].by_unit)
    return [(dispatch_message(kinds.DeskMissing, one), desk, f"desk_missing:{one.pk}") for one in dispatches]


def event_message(kind: type[kinds.Kind], event: Event, due_at: datetime | None = None) -> kinds.Kind:
    """`due_at`: where it is not the event's own next one."""
    return _message(kind, event, event.category.name, due_at or event.next_due)


def reporters_of_one_matter(kind: type[kinds.Kind], events: Sequence[Event], *, by: Any) -> list[Notice]:
    """Each event's reporter, with the event's own number and link; `by`, who has done it, need not be told."""
    return [
        (event_message(kind, event), [event.reported_by], f"{kind.code()}:{event.pk}")
        for event in events
        if event.reported_by != by
    ]


def whistle_message(kind: type[kinds.Kind], whistle: Whistle, due_at: datetime | None) -> kinds.Kind:
    return _message(kind, whistle, whistle.get_kind_display(), due_at)


def dispatch_message(kind: type[kinds.Kind], dispatch: Dispatch) -> kinds.Kind:
    return _message(kind, dispatch, dispatch.whistle.get_kind_display(), clock_of(kind, dispatch))


def clock_of(kind: type[kinds.Kind], dispatch: Dispatch) -> datetime | None:
    """The due time that the kind's `clock_label` names; where it names none of its own, the dispatch's next one."""
    if kind is kinds.DispatchAssigned:
        return None if dispatch.arrived_at else dispatch.arrive_due
    if kind in (kinds.DispatchArrived, kinds.LeadTakenOver):
        return dispatch.finish_due
    if kind is kinds.DispatchReported:
        return dispatch.whistle.eval_due if dispatch.is_lead else None
    if kind in (kinds.ExtensionAsked, kinds.ExtensionGranted, kinds.ExtensionRefused):
        return dispatch.finish_due
    if kind is kinds.WhistleSuspended:
        return dispatch.whistle.resume_due
    return dispatch.next_due


def _message(
    kind: type[kinds.Kind], about: Event | Whistle | Dispatch, matter: str, due_at: datetime | None
) -> kinds.Kind:
    """All that may be said: number, matter, township, due time, link."""
    return kind(
        number=about.number,
        matter=matter,
        unit=about.by_unit.short_name,
        due=due_at.isoformat() if due_at else None,
        link=about.get_absolute_url(),
    )
