"""One act on many rows: what it would do to each, then each by the service that does it to one.

A row that may not be done, or has changed since it was looked at, is left out with a sentence; the others are done.
Whoever is told of several hears it once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse

from enforcement.models import Dispatch, Escalation, Event, Lot
from enforcement.permissions import can_assign, can_hand_to_squad, can_remind
from enforcement.rules.deadlines import Step
from enforcement.services import dispatch as dispatches
from enforcement.services import escalation as escalations
from enforcement.services import event as events
from enforcement.services.labels import minute_words
from notifications import kinds
from notifications.services import outbox
from notifications.services.outbox import Notice
from records.models import Stage
from records.services import Refused, lock, once, record
from townships.models import Unit, User

MOST = 200  # rows a lot
NAMES_SAID = 3  # units or matters that one message names
Row: TypeAlias = Dispatch | Event
GONE = "不在您能看到的范围里了"
CHANGED = "您看过以后情况已变：现在是“{state}”，没有办"
OF: dict[str, type[Dispatch] | type[Event]] = {"remind": Dispatch, "assign": Dispatch, "squad": Event}


@dataclass(frozen=True)
class Terms:
    """What is said once for the whole lot: who goes, or within which time."""

    goes: Unit | User | None = None
    limit: Step | None = None


@dataclass(frozen=True)
class Line:
    """A row of the preview: what will happen to it, or why nothing will."""

    row: Row
    will: str = ""
    why_not: str = ""

    @property
    def title(self) -> str:
        return title_of(self.row)


def title_of(row: Row) -> str:
    return row.title if isinstance(row, Event) else row.whistle.title


# --- before -------------------------------------------------------------------------------------------------------------
def rows_of(act: str, pks: Collection[int], *, by: Any) -> list[Row]:
    """Those of these rows that the person sees, in the order in which they are locked: parent by parent."""
    found: QuerySet[Any] = OF[act]._default_manager.visible_to(by).filter(pk__in=pks)
    if OF[act] is Dispatch:
        related = ("whistle", "by_unit", "department", "assigned_unit", "assigned_officer", "claimed_by", "event")
        return list(found.select_related(*related).order_by("whistle_id", "pk"))
    return list(found.select_related("township", "category", "reported_by").order_by("pk"))


def preview(act: str, rows: Sequence[Row], terms: Terms, *, by: Any) -> list[Line]:
    """What the act would do to each. One query at most, however many rows."""
    told = reminders_of(rows) if act == Lot.Act.REMIND else {}
    return [_line(act, row, terms, told, by=by) for row in rows]


def reminders_of(rows: Sequence[Row]) -> dict[int, Escalation]:
    """Dispatch id → what has been said already about the clock that runs now, the reminder before the cards."""
    told = Escalation.objects.filter(dispatch__in=[row.pk for row in rows], due=F("dispatch__next_due"))
    return {row.dispatch_id: row for row in told.order_by("-level") if row.dispatch_id}


def _line(act: str, row: Row, terms: Terms, told: Mapping[int, Escalation], *, by: Any) -> Line:
    if isinstance(row, Event):
        if not can_hand_to_squad(by, row):
            return Line(row, why_not=f"现在是“{row.get_state_display()}”，不能再交执法队")
        return Line(row, will=f"交执法队，时限 {terms.limit}" if terms.limit else "交执法队")
    if act == Lot.Act.REMIND:
        return _remind_line(row, told, by=by)
    return _assign_line(row, terms, by=by)


def _remind_line(row: Dispatch, told: Mapping[int, Escalation], *, by: Any) -> Line:
    if not can_remind(by, row):
        own = by.acting is not None and by.acting.unit_id == row.by_unit_id
        state = f"现在是“{row.get_state_display()}”，没有要对方赶的期限"
        return Line(row, why_not=state if own else "不是我们吹的哨，由吹哨单位催办")
    if earlier := told.get(row.pk):
        return Line(row, why_not=f"这个期限已于 {minute_words(earlier.at)} 提醒过，同一个期限只提醒一次")
    return Line(row, will=f"提醒{row.department}")


def _assign_line(row: Dispatch, terms: Terms, *, by: Any) -> Line:
    if not can_assign(by, row):
        own = by.acting is not None and by.acting.unit_id == row.department_id
        state = f"现在是“{row.get_state_display()}”，不能再改承办"
        return Line(row, why_not=state if own else "不是派给我们的")
    now, goes = row.assigned_unit or row.assigned_officer, terms.goes
    if goes is None:
        return Line(row, will=f"现在由{now}承办" if now else "还没有承办")
    if isinstance(goes, Unit) and goes.township_id not in (None, row.by_unit_id) and row.by_unit.is_township:
        return Line(row, why_not=f"{goes}不管{row.by_unit}")
    if now == goes:
        return Line(row, why_not=f"已经由{goes}承办")
    return Line(row, will=f"由{now}改为{goes}" if now else f"由{goes}承办")


# --- doing --------------------------------------------------------------------------------------------------------------
def run(act: str, seen: Sequence[tuple[int, str]], terms: Terms, *, by: Any, request_id: UUID) -> Lot:
    """Do it to each row that is still as it was seen. Twice is once. Raises UsedForm."""
    sent = [[pk, state] for pk, state in seen[:MOST]]

    def create() -> Lot:
        lot = Lot.objects.create(act=act, by=by, by_office=by.office, seen=sent, request_id=request_id)
        rows = rows_of(act, [pk for pk, _ in seen[:MOST]], by=by)
        notices: list[Notice] = []
        lot.outcomes = [_outcome(act, row, dict(seen), terms, notices, by=by) for row in rows]
        gone = {pk for pk, _ in seen[:MOST]} - {row.pk for row in rows}
        lot.outcomes += [{"id": None, "number": "", "is_done": False, "words": GONE} for _ in gone]
        lot.save(update_fields=["outcomes"])
        outbox.notify_many(together(notices, lot))
        done = sum(one["is_done"] for one in lot.outcomes)
        record(lot, "lot_done", by=by, what=f"批量{lot.get_act_display()} {done} 件", stage=Stage.HANDLE)
        return lot

    return once(Lot, request_id, create, by=by, act=act, seen=sent)


def _outcome(
    act: str, row: Row, seen: Mapping[int, str], terms: Terms, notices: list[Notice], *, by: Any
) -> dict[str, Any]:
    """One row, whole or not at all."""
    try:
        with transaction.atomic(), outbox.kept_back() as told:
            words = _do(act, row, seen[row.pk], terms, by=by)
    except Refused as refusal:
        return {"id": row.pk, "number": row.number, "is_done": False, "words": str(refusal)}
    notices += told
    return {"id": row.pk, "number": row.number, "is_done": True, "words": words}


def _do(act: str, row: Row, seen_state: str, terms: Terms, *, by: Any) -> str:
    """Ask again whether it may be done, and do it. Raises Refused."""
    if act == Lot.Act.REMIND:
        lock(row)  # or the reminder that a colleague sends in this moment would be told as this lot's
    if row.state != seen_state:
        raise Refused(row, CHANGED.format(state=row.get_state_display()))
    (line,) = preview(act, [row], terms, by=by)
    if line.why_not:
        raise Refused(row, line.why_not)
    if isinstance(row, Event):
        if terms.limit is None:
            raise Refused(row, "没有写时限")
        events.hand_to_squad(row, by=by, seen_state=seen_state, limit=terms.limit)
    elif act == Lot.Act.REMIND:
        escalations.remind(row, by=by, seen_state=seen_state)
    else:
        unit, officer = (terms.goes, None) if isinstance(terms.goes, Unit) else (None, terms.goes)
        dispatches.assign(row, by=by, assigned_unit=unit, assigned_officer=officer)
    return line.will


# --- telling ------------------------------------------------------------------------------------------------------------
MANY: dict[type[kinds.Kind], tuple[type[kinds.Kind], str, str]] = {
    kinds.Reminded: (kinds.ManyReminded, "enforcement:dispatch-list", "state=open&order=due"),
    kinds.DispatchAssigned: (kinds.ManyAssigned, "enforcement:dispatch-list", "state=open&order=due"),
    kinds.EventHandedToSquad: (kinds.ManyHandedToSquad, "enforcement:event-list", "state=squad&order=due"),
}


def together(notices: Iterable[Notice], lot: Lot) -> list[Notice]:
    """One notice a receiver: of one row its own, of several one that counts them and leads to the list."""
    people: dict[int, Any] = {}
    told: defaultdict[tuple[int, type[kinds.Kind]], list[tuple[kinds.Kind, str]]] = defaultdict(list)
    for kind, recipients, key in notices:
        for user in recipients:
            people[user.pk] = user
            told[user.pk, type(kind)].append((kind, key))
    found: list[Notice] = []
    for (pk, kind_class), said in told.items():
        if len(said) == 1 or kind_class not in MANY:
            found += [(kind, [people[pk]], key) for kind, key in said]
        else:
            found.append((_of_many(kind_class, [kind for kind, _ in said]), [people[pk]], f"lot:{lot.pk}"))
    return found


def _of_many(kind_class: type[kinds.Kind], said: Sequence[kinds.Kind]) -> kinds.Kind:
    many, address, query = MANY[kind_class]
    dues = [kind.due_at for kind in said if kind.due_at]
    return many(
        number=f"共 {len(said)} 件",
        matter=_few(kind.matter for kind in said),
        unit=_few(kind.unit for kind in said),
        due=min(dues).isoformat() if dues else None,
        link=f"{reverse(address)}?{query}",
    )


def _few(words: Iterable[str]) -> str:
    """The first of them, each once."""
    different = list(dict.fromkeys(words))
    return "、".join(different[:NAMES_SAID]) + ("等" if len(different) > NAMES_SAID else "")
