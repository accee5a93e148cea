"""督办: what is nearly late is said to whoever has it in hand, what is late upwards, each level once a clock.

The rows are the truth: a level that is there has been reached and told. So a second sweep does nothing, two sweeps at once
do it once, and what one that was killed has left is done by the next.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from django.db import models, transaction
from django.utils import timezone

from enforcement.models import Dispatch, Escalation, Event, Whistle
from enforcement.rules.escalation import Level, next_moment, reached
from enforcement.services.labels import CLOCKS
from enforcement.services.messages import dispatch_message, event_message, whistle_message
from enforcement.services.running import Running, Target, clocks_of, handlers, unit_of
from notifications import kinds
from notifications.services.outbox import notify
from records.models import Stage
from records.services import Refused, lock, record
from records.services.number import next_number
from townships import people

log = logging.getLogger(__name__)
SWEPT = 2000  # rows of each table a sweep; a longer backlog is the next one's
RELATED: dict[type[models.Model], tuple[str, ...]] = {
    Dispatch: (
        "whistle",
        "returning",
        "by_unit",
        "department",
        "assigned_unit",
        "assigned_officer",
        "claimed_by",
    ),
    Whistle: ("by_unit", "claimed_by"),
    Event: ("township", "category", "claimed_by"),
}
KINDS: dict[Level, type[kinds.Kind]] = {
    Level.REMINDER: kinds.Reminded,
    Level.YELLOW: kinds.TurnedYellow,
    Level.RED: kinds.TurnedRed,
}


def sweep() -> int:
    """Look at whatever has reached a moment; how many rows it were. Each in a short transaction of its own."""
    now = timezone.now()
    return sum(_looked_at(model, pk, now) for model in RELATED for pk in _waiting(model, now))


def look(model: type[models.Model], pk: int, now: datetime, *, is_told: bool = True) -> bool:
    """Write the levels that this row has reached, and when to look next. False if it is somebody else's turn.

    `is_told`: say what is new to whom it concerns.
    """
    with transaction.atomic():
        target = _locked(model, pk, now)
        if target is None:
            return False
        clocks = [(clock, clock.moments()) for clock in clocks_of(target)]
        for clock, levels in clocks:
            new = _write(target, clock, reached(levels, now), now)
            if new and is_told:
                _tell(target, clock, new)
        nexts = [at for _, levels in clocks if (at := next_moment(levels, now))]
        # not through save(): nobody who has the page open is to be told that the row has changed
        model._default_manager.filter(pk=pk).update(alarm_at=min(nexts, default=None))
    return True


@transaction.atomic
def remind(dispatch: Dispatch, *, by: Any, seen_state: str) -> Escalation:
    """催办 by the desk that waits: one message to whoever has it in hand, and the only reminder of this clock."""
    lock(dispatch, seen_state=seen_state)
    clock = next(iter(clocks_of(dispatch)), None)
    if clock is None or dispatch.state not in Dispatch.IN_HAND:
        raise Refused(dispatch, "现在没有在计时的期限，不用催办。")
    if earlier := _rows(dispatch, clock).filter(level=Level.REMINDER).first():
        return earlier
    (made,) = _write(dispatch, clock, [Level.REMINDER], timezone.now())
    what = f"催办{dispatch.department}：{CLOCKS[clock.name]}"
    record(dispatch, "dispatch_reminded", by=by, what=what, stage=Stage.HANDLE)
    notify(_message(kinds.Reminded, dispatch, clock), to=handlers(dispatch, clock.name), key=_key(made))
    return made


# --- inside ---------------------------------------------------------------------------------------------------------
def _waiting(model: type[models.Model], now: datetime) -> list[int]:
    rows = model._default_manager.filter(alarm_at__lte=now).order_by("alarm_at")
    return list(rows.values_list("pk", flat=True)[:SWEPT])


def _looked_at(model: type[models.Model], pk: int, now: datetime) -> bool:
    """One row that cannot be counted does not keep the others waiting; it stays to be looked at, and in the log."""
    try:
        return look(model, pk, now)
    except Exception:
        log.exception("escalation of %s %s failed", model._meta.label, pk)
        return False


def _locked(model: type[models.Model], pk: int, now: datetime) -> Target | None:
    """None where another sweep or a person has it in hand just now: then it is looked at a minute later, if at all."""
    rows = model._default_manager.select_for_update(of=("self",), no_key=True, skip_locked=True)
    found = rows.select_related(*RELATED[model]).filter(pk=pk, alarm_at__lte=now).first()
    return cast("Target | None", found)


def _rows(target: Target, clock: Running) -> models.QuerySet[Escalation]:
    """What there is already about this clock with this due time."""
    return Escalation.objects.filter(**_about(target), clock=clock.name, due=clock.due)


def _about(target: Target) -> dict[str, Any]:
    return {str(target._meta.model_name): target}


def _write(target: Target, clock: Running, levels: Sequence[Level], now: datetime) -> list[Escalation]:
    """The rows of the levels that are not there yet; the unique indexes let none in twice."""
    there = set(_rows(target, clock).values_list("level", flat=True)) if levels else set()
    unit = unit_of(target)
    new = [
        Escalation(
            **_about(target),
            clock=clock.name,
            since=clock.since,
            limit=clock.limit,
            due=clock.due,
            level=level,
            unit=unit,
            by_unit=target.by_unit,
            number=next_number("督", unit.code, timezone.localdate(now)) if level == Level.RED else "",
            at=now,
        )
        for level in levels
        if level not in there
    ]
    return Escalation.objects.bulk_create(new)


def _tell(target: Target, clock: Running, new: Sequence[Escalation]) -> None:
    """The highest of the new levels alone: after a day without sweeps nobody is told three times."""
    row = max(new, key=lambda one: one.level)
    record(target, VERBS[Level(row.level)], by=None, what=words(row), stage=Stage.HANDLE)
    to = {user.pk: user for user in _told(target, clock, row)}
    message = _message(KINDS[Level(row.level)], target, clock, link=row.get_absolute_url())
    notify(message, to=to.values(), key=_key(row))


VERBS = {Level.REMINDER: "reminded", Level.YELLOW: "turned_yellow", Level.RED: "turned_red"}


def words(row: Escalation) -> str:
    name = CLOCKS[row.clock]
    if row.level == Level.REMINDER:
        return f"提醒{row.unit}：{name}期限将到"
    return f"{row.unit}{name}超期，{row.get_level_display()}" + (f"督办（{row.number}）" if row.number else "")


def _told(target: Target, clock: Running, row: Escalation) -> Iterator[Any]:
    if row.level == Level.RED:
        yield from people.leaders(row.unit)
        yield from people.desk(row.by_unit)
        yield from people.guidance_office()
        return
    yield from handlers(target, clock.name)
    if row.level == Level.YELLOW:
        yield from people.leaders(row.unit)


def _message(kind: type[kinds.Kind], target: Target, clock: Running, *, link: str = "") -> kinds.Kind:
    """About the matter; a red one leads to its slip."""
    if isinstance(target, Dispatch):
        made = dispatch_message(kind, target)
    elif isinstance(target, Whistle):
        made = whistle_message(kind, target, clock.due)
    else:
        made = event_message(kind, target)
    data = {**made.as_data(), "due": clock.due.isoformat()}
    return kind(**{**data, "link": link} if kind is kinds.TurnedRed else data)


def _key(row: Escalation) -> str:
    return f"escalation:{row.pk}"
