"""并案: two reports of one and the same matter. One of them goes on, the other is merged into it and hears how it ends.

Whatever is merged points at the event that goes on, never at another merged one.
"""

from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from enforcement.models import Event
from enforcement.rules import merge as rules
from enforcement.services import handover as handovers
from enforcement.services.messages import reporters_of_one_matter
from notifications import kinds
from notifications.services.outbox import notify_many
from records.models import Entry, Stage
from records.services import Refused, WrongState, advance, entry_for, lock, record

LOOKED_AT, PROPOSED = 30, 5
NOT_INTO = (Event.State.MERGED, Event.State.DISMISSED)


class Likely(NamedTuple):
    """A report that may be of the same matter, and why."""

    event: Event
    reason: str


def likely(event: Event) -> list[Likely]:
    """Of the same township and class, within two weeks, in the same grid or near; the newest first. One query, by an index."""
    if (where := _where(event)) is None:
        return []
    window = (event.reported_at - rules.WINDOW, event.reported_at + rules.WINDOW)
    rows = Event.objects.filter(where, township=event.township_id, category=event.category_id)
    rows = rows.filter(reported_at__range=window).exclude(pk=event.pk).exclude(state__in=NOT_INTO)
    found = rows.select_related("grid").order_by("-reported_at", "-id")[:LOOKED_AT]
    mine = _sight(event)
    reasons = [Likely(other, rules.reason(mine, _sight(other))) for other in found]
    return [one for one in reasons if one.reason][:PROPOSED]


def by_number(event: Event, text: str) -> Event | None:
    """The township's event of this number, written in full or without what all of its numbers begin with."""
    names = [text, f"事{text}", f"事{event.township.code}-{text}"]
    return Event.objects.filter(township=event.township_id, number__in=names).first()


@transaction.atomic
def merge(event: Event, *, by: Any, seen_state: str, into: Event) -> None:
    """`event` is closed as the same matter as `into`, or as what that one has been merged into. Its reporter is told."""
    head = _head(into)
    if head.pk == event.pk:
        raise Refused(event, "没有并案：那一件就是本件，或者已经并入本件。")
    _lock_in_order(event, head, seen_state=seen_state)
    if head.township_id != event.township_id or head.state in NOT_INTO:
        raise Refused(event, f"没有并案：{head.number} {head.get_state_display()}，不能并入。")
    handovers.void(event, by=by)
    advance(
        event,
        Event.State.MERGED,
        by=by,
        verb="event_merged",
        what=f"与 {head.number} 是同一件事，并案办理",
        stage=Stage.FILE,
        merged_into=head,
        closed_at=timezone.now(),
        closed_by=by,
        next_due=None,
        alarm_at=None,
        claimed_at=None,
        claimed_by=None,
    )
    moved = _bring_along(event, head, by=by)
    record(head, "event_taken_in", by=by, what=f"{event.number} 是同一件事，并入办理", stage=Stage.FILE)
    head.has_ties = True
    head.save(update_fields=["changed_at", "has_ties"])
    _tell(event, moved, head, by=by)


# --- inside ---------------------------------------------------------------------------------------------------------
def _where(event: Event) -> Q | None:
    """What an index may look for; the rule then measures."""
    near = Q()
    if event.grid_id:
        near |= Q(grid=event.grid_id)
    if position := _position(event):
        (west, south), (east, north) = rules.box(position)
        near |= Q(longitude__range=(west, east), latitude__range=(south, north))
    return near or None


def _position(event: Event) -> rules.Position | None:
    if event.longitude is None or event.latitude is None:
        return None
    return float(event.longitude), float(event.latitude)


def _sight(event: Event) -> rules.Sight:
    return rules.Sight(event.category_id, event.grid_id, _position(event), event.reported_at)


def _head(event: Event) -> Event:
    """What goes on: the event itself, or what it has been merged into."""
    return _head(event.merged_into) if event.merged_into else event


def _lock_in_order(event: Event, head: Event, *, seen_state: str) -> None:
    """By their ids, so that two people who merge each way wait for each other once, and the second is refused."""
    for one in sorted((event, head), key=lambda one: one.pk):
        if one is event:
            handovers.lock_held(event, seen_state=seen_state)
        else:
            lock(head)
    if event.state not in Event.TO_TRIAGE:
        raise WrongState(event)


def _bring_along(event: Event, head: Event, *, by: Any) -> list[Event]:
    """What had been merged into `event` goes with it."""
    moved = list(event.merged.select_related("reported_by", "category", "township").order_by("id"))
    event.merged.update(merged_into=head, changed_at=timezone.now())
    Entry.objects.bulk_create(
        entry_for(one, "event_brought_along", by=by, what=f"随 {event.number} 并入 {head.number}", stage=Stage.FILE)
        for one in moved
    )
    return moved


def _tell(event: Event, moved: list[Event], head: Event, *, by: Any) -> None:
    """The reporter hears of the merging; where the main event has ended already, all of them hear that."""
    if head.is_open:
        notify_many(reporters_of_one_matter(kinds.EventMerged, [event], by=by))
    else:
        notify_many(reporters_of_one_matter(kinds.EventClosed, [event, *moved], by=by))
