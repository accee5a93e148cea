"""离岗: everything that is open in somebody's hands goes to colleagues or back to the desks, in one step.

An administrator does this without reading a file: what is shown and written is numbers and states.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from enforcement.models import Check, Dispatch, Event, Handover, Whistle
from notifications import kinds
from notifications.services.outbox import Notice, notify_many
from records.models import Stage
from records.services import lock, record
from townships import people
from townships.models import DESKS, Role, Shift, ShiftNote, Unit, User
from townships.services import leaving


class Changed(Exception):  # noqa: N818 - a sentence to a person
    """What is open is not what the page showed; nothing was moved."""


@dataclass(frozen=True)
class Item:
    """One matter as the page shows it: no title, no facts."""

    row: Any
    number: str
    state: str
    due: datetime | None


@dataclass(frozen=True)
class Lot:
    """Matters of one sort at one unit, which go to one person together. `heirs` may take them."""

    key: str
    sort: str
    unit: Unit
    back: str  # what becomes of them without an heir
    items: Sequence[Item]
    heirs: Sequence[User]

    @property
    def title(self) -> str:
        return f"{self.unit} · {SORTS[self.sort].title}"


@dataclass(frozen=True)
class Sort:
    title: str
    back: str
    find: Callable[[User, date], Iterable[tuple[Unit, Item]]]
    heirs: Callable[[Unit, date], Iterable[User]]
    give: Callable[[Any, User | None, User, Any], None]


@dataclass(frozen=True)
class Stays:
    """What ends or stays by itself, for the page."""

    posts: Sequence[Any]
    deputies: Sequence[Any]
    squad: Sequence[Any]
    notes: Sequence[ShiftNote]
    handovers: Sequence[Handover]


def lots_of(user: User, *, day: date) -> list[Lot]:
    """What is open in this person's hands, with who may take it. A few queries for each lot, none for each matter."""
    found: dict[tuple[str, Unit], list[Item]] = defaultdict(list)
    for name, sort in SORTS.items():
        for unit, item in sort.find(user, day):
            found[name, unit].append(item)
    return [_lot(name, unit, items, user, day) for (name, unit), items in found.items()]


def _lot(name: str, unit: Unit, items: list[Item], leaver: User, day: date) -> Lot:
    sort = SORTS[name]
    heirs = {heir.pk: heir for heir in sort.heirs(unit, day) if heir.pk != leaver.pk}
    lasting = [heir for heir in heirs.values() if not heir.is_disabled_on(day)]
    return Lot(f"{name}_{unit.pk}", name, unit, sort.back, items, lasting)


def stays_of(user: User, *, day: date) -> Stays:
    return Stays(
        posts=leaving.posts_of(user, day),
        deputies=leaving.deputies_of(user, day),
        squad=leaving.squad_places_of(user, day),
        notes=list(ShiftNote.objects.filter(written_by=user, taken_over_at=None)),
        handovers=list(Handover.objects.filter(asked_by=user, state=Handover.State.ASKED).select_related("event")),
    )


def seal(lots: Sequence[Lot]) -> str:
    """What the page showed: if it is another when the form comes back, the person looks again before anything moves."""
    shown = "|".join(sorted(f"{lot.key}:{item.number}:{item.state}" for lot in lots for item in lot.items))
    return hashlib.sha256(shown.encode()).hexdigest()[:24]


@transaction.atomic
def leave(user: User, *, by: Any, day: date, seen: str, heirs: Mapping[str, User | None]) -> int:
    """Give every lot to its heir or back, end posts, places, sessions and the account. How many matters went on.

    Raises Changed where what is open is not what the page showed. Each receiver is told once. Twice is once.
    """
    today = timezone.localdate()
    account = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    lots = lots_of(user, day=today)
    if seal(lots) != seen:
        raise Changed("这期间此人手上的事项有变化，还没有移交。请按现在的情况再看一遍。")
    if not lots and leaving.is_arranged(account, day):
        return 0
    told: dict[User, Counter[str]] = defaultdict(Counter)
    moved = 0
    for lot in lots:
        heir = heirs.get(lot.key)
        rows = [item.row for item in lot.items if not isinstance(item.row, Shift) or item.row.day >= day]
        for row in rows:
            SORTS[lot.sort].give(row, heir, user, by)
        for receiver in [heir] if heir else people.desk(_organ(lot.unit)):
            told[receiver][f"{SORTS[lot.sort].title} {{}} 件"] += len(rows)
        moved += len(rows)
    leaving.end(user, day=day, today=today, by=by)
    what = f"离岗，{day} 起停用账号，移交 {moved} 件"
    entry = record(user, "person_left", by=by, what=what, stage=Stage.FILE)
    notify_many(_notices(told, entry.pk))
    return moved


def _notices(told: Mapping[User, Counter[str]], entry: int) -> list[Notice]:
    """One message for each receiver, with how many of what; who has left is not named outside."""
    notices: list[Notice] = []
    for receiver, counts in told.items():
        parts = [what.format(n) for what, n in counts.items() if n]
        if parts:
            unit = str(receiver.acting.unit) if receiver.acting else "本平台"
            message = kinds.MattersTakenOver(
                f"转交 {entry}", "、".join(parts), unit, None, reverse("command_room:worklist")
            )
            notices.append((message, [receiver], f"matters_taken_over:{entry}"))
    return notices


def _organ(unit: Unit) -> Unit:
    return unit.parent if unit.kind in (Unit.Kind.GRID, Unit.Kind.SUBUNIT) and unit.parent else unit


# --- what somebody may have in hand ---------------------------------------------------------------------------------
def _events(user: User, _day: date) -> Iterable[tuple[Unit, Item]]:
    rows = Event.objects.filter(claimed_by=user, state__in=Event.TO_TRIAGE).select_related("township").order_by("id")
    return ((row.township, Item(row, row.number, row.get_state_display(), row.next_due)) for row in rows)


def _squad_events(user: User, _day: date) -> Iterable[tuple[Unit, Item]]:
    rows = Event.objects.filter(claimed_by=user, state=Event.State.SQUAD).select_related("township").order_by("id")
    return ((row.township, Item(row, row.number, row.get_state_display(), row.next_due)) for row in rows)


def _whistles(user: User, _day: date) -> Iterable[tuple[Unit, Item]]:
    rows = Whistle.objects.filter(claimed_by=user, state__in=Whistle.OPEN).select_related("by_unit").order_by("id")
    return ((row.by_unit, Item(row, row.number, row.get_state_display(), row.next_due)) for row in rows)


def _claimed_dispatches(user: User, _day: date) -> Iterable[tuple[Unit, Item]]:
    rows = Dispatch.objects.filter(claimed_by=user, state__in=Dispatch.OPEN).select_related("department", "whistle")
    return (
        (row.department, Item(row, row.number, row.get_state_display(), row.next_due)) for row in rows.order_by("id")
    )


def _named_dispatches(user: User, _day: date) -> Iterable[tuple[Unit, Item]]:
    rows = Dispatch.objects.filter(assigned_officer=user, state__in=Dispatch.OPEN).order_by("id")
    rows = rows.select_related("department", "assigned_unit__parent", "whistle")
    return (
        (row.assigned_unit or row.department, Item(row, row.number, row.get_state_display(), row.next_due))
        for row in rows
    )


def _checks(user: User, _day: date) -> Iterable[tuple[Unit, Item]]:
    rows = Check.objects.filter(asked_of=user, state=Check.State.ASKED).order_by("id")
    for row in rows.select_related("event__grid__parent", "event__township", "whistle"):
        place = row.event.grid or row.event.township
        yield place, Item(row, row.event.number, row.get_state_display(), row.due)


def _shifts(user: User, day: date) -> Iterable[tuple[Unit, Item]]:
    for row in leaving.shifts_ahead(user, day):
        yield row.township, Item(row, f"{row.day:%Y-%m-%d}", row.get_band_display(), None)


def holders_of_open() -> Q:
    """Of a query over people: those in whose hands any of it is."""
    held = (
        Event.objects.filter(claimed_by=OuterRef("pk"), state__in=(*Event.TO_TRIAGE, Event.State.SQUAD)),
        Whistle.objects.filter(claimed_by=OuterRef("pk"), state__in=Whistle.OPEN),
        Dispatch.objects.filter(claimed_by=OuterRef("pk"), state__in=Dispatch.OPEN),
        Dispatch.objects.filter(assigned_officer=OuterRef("pk"), state__in=Dispatch.OPEN),
        Check.objects.filter(asked_of=OuterRef("pk"), state=Check.State.ASKED),
    )
    return reduce(or_, (Q(Exists(rows)) for rows in held))


# --- who may take it ------------------------------------------------------------------------------------------------
def _holders(*roles: str) -> Callable[[Unit, date], Iterable[User]]:
    return lambda unit, _day: people.holders([unit.pk], roles).get(unit.pk, [])


def _desk_and_officers(unit: Unit, day: date) -> Iterable[User]:
    return [*_holders(*DESKS)(unit, day), *people.officers_of(unit)]


# --- how it goes on -------------------------------------------------------------------------------------------------
def _give_claim(row: Event | Whistle | Dispatch, to: User | None, _from: User, by: Any) -> None:
    """A claim is a colleague's, or nobody's again."""
    if isinstance(row, Dispatch):
        lock(row.whistle)
    lock(row)
    if row.claimed_by_id != _from.pk:
        return
    row.claimed_by, row.claimed_at = to, timezone.now() if to else None
    row.save(update_fields=["claimed_by", "claimed_at", "changed_at"])
    what = f"认领人离岗，由{to.office}接手" if to else "认领人离岗，等同单位的人认领"
    record(row, "claim_passed_on", by=by, what=what, stage=Stage.HANDLE)


def _give_dispatch(row: Dispatch, to: User | None, _from: User, by: Any) -> None:
    """Somebody else is named to go; without one, the sub-unit or the department's desk names anew."""
    lock(row.whistle)
    lock(row)
    if row.assigned_officer_id != _from.pk:
        return
    row.assigned_officer = to
    row.save(update_fields=["assigned_officer", "changed_at"])
    place = row.assigned_unit or row.department
    what = f"承办人离岗，改由{to.office}承办" if to else f"承办人离岗，交回{place}另行指定"
    record(row, "dispatch_assigned", by=by, what=what, stage=Stage.DISPATCH)


def _give_check(row: Check, to: User | None, _from: User, by: Any) -> None:
    """Another grid member goes and looks; without one, the desk decides without waiting or asks anew."""
    lock(row.whistle)
    fresh = Check.objects.select_for_update(of=("self",), no_key=True).get(pk=row.pk)
    if not fresh.is_open or fresh.asked_of_id != _from.pk:
        return
    fresh.asked_of, fresh.state = (to, fresh.state) if to else (fresh.asked_of, Check.State.VOID)
    fresh.save(update_fields=["asked_of", "state"])
    row.whistle.save(update_fields=["changed_at"])
    what = f"网格员离岗，改请{to.office}核查" if to else "网格员离岗，核查终止，由值班席另行安排"
    record(row.whistle, "check_passed_on", by=by, what=what, stage=Stage.CLOSE)


def _give_shift(row: Shift, to: User | None, _from: User, by: Any) -> None:
    leaving.pass_shift(row, to=to, by=by)


SORTS: dict[str, Sort] = {
    "event": Sort("认领的事件", "交回值班席", _events, _holders(Role.DUTY, Role.LEADER), _give_claim),
    "squad": Sort("认领的队伍处置", "交回执法队", _squad_events, _holders(Role.OFFICER), _give_claim),
    "whistle": Sort("认领的哨单", "交回本单位", _whistles, _holders(*DESKS), _give_claim),
    "dispatch": Sort("认领的派单", "交回联络员", _claimed_dispatches, _desk_and_officers, _give_claim),
    "named": Sort("承办的派单", "交回另行指定", _named_dispatches, _desk_and_officers, _give_dispatch),
    "check": Sort("待核查", "终止，由值班席另行安排", _checks, _holders(Role.GRID), _give_check),
    "shift": Sort("已排的班次", "撤下，空出来", _shifts, people.schedulable, _give_shift),
}
