"""`enforcement.services.returns` on unsaved rows. Whoever decides, decides in time."""

from datetime import datetime
from typing import Any

from command_room.demo.book import Book
from command_room.demo.verbs.dispatch import run_clock
from command_room.demo.verbs.whistle import follow, tell_department
from enforcement.models import Dispatch, Return
from enforcement.services.clocks import alarm
from enforcement.services.labels import bureau_note, voice
from notifications import kinds
from records.models import Stage
from townships.models import LEADERS, Unit, User
from townships.worktime import Due


def ask(book: Book, dispatch: Dispatch, *, by: User, at: datetime, ground: str, article: str, text: str) -> Return:
    made = Return(
        dispatch=dispatch,
        ground=ground,
        article=article,
        text=text,
        asked_at=at,
        asked_by=by,
        request_id=book.request_id(),
    )
    book.returns.append(made)
    asked = f"{dispatch.department}申请退哨：{made.get_ground_display()}"
    is_leader = by.acting is not None and by.acting.role in LEADERS
    if dispatch.department.return_needs_leader and not is_leader:
        _to_leaders(book, made, by=by, at=at, what=asked)
    else:
        if dispatch.department.return_needs_leader:
            made.leader_at, made.leader_by = at, by
        _to_arbitration(book, made, by=by, at=at, verb="return_asked", what=f"{asked}，送指导办仲裁")
    return made


def agree(book: Book, returning: Return, *, by: User, at: datetime) -> None:
    returning.leader_at, returning.leader_by = at, by
    what = f"{voice(returning.dispatch.department).leaders}同意退哨，送指导办仲裁"
    _to_arbitration(book, returning, by=by, at=at, verb="return_agreed", what=what)


def decline(book: Book, returning: Return, *, by: User, at: datetime, text: str) -> None:
    dispatch = returning.dispatch
    returning.state, returning.leader_text = Return.State.DECLINED, text
    returning.leader_at, returning.leader_by = at, by
    what = f"{voice(dispatch.department).leaders}不同意退哨，仍由{dispatch.department}签收"
    _leave(book, dispatch, Dispatch.State.SENT, by=by, at=at, verb="return_declined", what=what)
    to = book.cast.departments[dispatch.department.code].liaisons
    book.tell(kinds.ReturnDeclined, dispatch, to=to, at=at, due=dispatch.next_due)


def uphold(book: Book, returning: Return, *, by: User, at: datetime, decision: str) -> None:
    dispatch = returning.dispatch
    note = _decide(returning, Return.State.UPHELD, by=by, at=at, decision=decision)
    _leave(
        book,
        dispatch,
        Dispatch.State.SIGNED,
        by=by,
        at=at,
        verb="return_upheld",
        what=f"裁定维持原派，{dispatch.department}申请时即视同签收{note}",
        signed_at=returning.asked_at,
        signed_by=returning.asked_by,
    )
    _tell_both(book, kinds.ReturnUpheld, dispatch, at=at)


def release(book: Book, returning: Return, *, by: User, at: datetime, decision: str) -> None:
    dispatch = returning.dispatch
    note = _decide(returning, Return.State.RELEASED, by=by, at=at, decision=decision)
    what = f"裁定准予{dispatch.department}退出{note}"
    _leave(book, dispatch, Dispatch.State.RETURNED, by=by, at=at, verb="return_released", what=what)
    whistle = dispatch.whistle
    whistle.departments = [pk for pk in whistle.departments if pk != dispatch.department.pk]
    _tell_both(book, kinds.ReturnGranted, dispatch, at=at)


def reassign(book: Book, returning: Return, *, by: User, at: datetime, to_unit: Unit, decision: str) -> Dispatch:
    """To a department that is not asked yet."""
    dispatch = returning.dispatch
    note = _decide(returning, Return.State.REASSIGNED, by=by, at=at, decision=decision, to_unit=to_unit)
    what = f"裁定退哨成立，{dispatch.role_label}改派{to_unit}{note}"
    _leave(book, dispatch, Dispatch.State.RETURNED, by=by, at=at, verb="return_reassigned", what=what)
    heir = _send(book, dispatch, to_unit, by=by, at=at)
    whistle = dispatch.whistle
    whistle.departments = [to_unit.pk if pk == dispatch.department.pk else pk for pk in whistle.departments]
    _judge_later(book, heir)
    follow(book, whistle)
    _tell_both(book, kinds.ReturnGranted, dispatch, at=at)
    tell_department(book, kinds.DispatchSent, heir, at=at)
    return heir


# --- inside ---------------------------------------------------------------------------------------------------------
def _to_leaders(book: Book, returning: Return, *, by: User, at: datetime, what: str) -> None:
    dispatch = returning.dispatch
    returning.state = Return.State.LEADER
    clock = Due(dispatch.sign_due, "sign_due" in dispatch.provisional)
    what = f"{what}，待{voice(dispatch.department).leaders}同意"
    _wait(book, dispatch, Dispatch.State.RETURNING, clock, by=by, at=at, verb="return_asked", what=what)
    to = book.cast.departments[dispatch.department.code].leaders
    book.tell(kinds.ReturnAsked, dispatch, to=to, at=at, due=dispatch.next_due)


def _to_arbitration(book: Book, returning: Return, *, by: User, at: datetime, verb: str, what: str) -> None:
    dispatch = returning.dispatch
    step = book.clocks.rules[dispatch.whistle.kind].arbitrate
    clock = book.clocks.due(at, step)
    returning.state, returning.arb_at, returning.arb_due = Return.State.ARBITRATION, at, clock.at
    returning.provisional = ["arb_due"] if clock.provisional else []
    what = f"{what}，时限 {step}"
    _wait(book, dispatch, Dispatch.State.ARBITRATION, clock, by=by, at=at, verb=verb, what=what)
    book.tell(kinds.ReturnSubmitted, dispatch, to=book.cast.guidance, at=at, due=dispatch.next_due)
    others = [*book.cast.towns[dispatch.by_unit.code].duty, *_people(book, dispatch)]
    to = [user for user in others if user is not by]
    book.tell(kinds.ReturnForwarded, dispatch, to=to, at=at, due=dispatch.next_due)


def _wait(book: Book, dispatch: Dispatch, to: str, clock: Due, *, at: datetime, **arrow: Any) -> None:
    book.advance(
        dispatch,
        to,
        at=at,
        stage=Stage.DISPATCH,
        return_due=clock.at,
        next_due=clock.at,
        alarm_at=alarm(at, clock.at),
        provisional=sorted([*_known(dispatch), "return_due"]) if clock.provisional else _known(dispatch),
        claimed_at=None,
        claimed_by=None,
        **arrow,
    )
    follow(book, dispatch.whistle)


def _leave(book: Book, dispatch: Dispatch, to: str, **arrow: Any) -> None:
    """It waits for no answer any more; what runs then, its state says."""
    free: dict[str, Any] = {"return_due": None, "provisional": _known(dispatch), "claimed_at": None, "claimed_by": None}
    book.advance(dispatch, to, stage=Stage.DISPATCH, **free, **arrow)
    run_clock(dispatch)
    if to != Dispatch.State.RETURNED or not dispatch.is_lead:  # a lead's place is filled first
        follow(book, dispatch.whistle)


def _known(dispatch: Dispatch) -> list[str]:
    return [name for name in dispatch.provisional if name != "return_due"]


def _decide(
    returning: Return, state: str, *, by: User, at: datetime, decision: str, to_unit: Unit | None = None
) -> str:
    """Returns what the timeline adds."""
    if returning.arb_due is None or at > returning.arb_due:
        raise ValueError("the demo has no arbitrator who is late")
    returning.state, returning.decision, returning.to_unit = state, decision, to_unit
    returning.decided_at, returning.decided_by = at, by
    return bureau_note(by, *(unit for unit in (returning.dispatch.department, to_unit) if unit))


def _send(book: Book, old: Dispatch, unit: Unit, *, by: User, at: datetime) -> Dispatch:
    whistle, parts = old.whistle, book.parts[old.whistle.request_id]
    dues, provisional = book.clocks.whistle(whistle.kind, at)
    names = ("sign_due", "arrive_due", *(("report_due", "finish_due") if old.is_lead else ()))
    heir = Dispatch(
        number=str(len(parts) + 1),
        whistle=whistle,
        event=old.event,
        by_unit=old.by_unit,
        department=unit,
        is_lead=old.is_lead,
        task=old.task,
        sent_at=at,
        provisional=sorted(provisional.intersection(names)),
        **{name: dues[name] for name in names},
    )
    run_clock(heir)
    parts.append(heir)
    what = f"改派给{unit}（{heir.role_label}）"
    book.line(heir, "dispatch_sent", by=by, at=at, what=what, stage=Stage.DISPATCH, to_state=heir.state)
    return heir


def _judge_later(book: Book, heir: Dispatch) -> None:
    """The evaluation comes after the last finish."""
    whistle = heir.whistle
    if heir.finish_due is None or whistle.finish_due is None or heir.finish_due <= whistle.finish_due:
        return
    judged = book.clocks.due(heir.finish_due, book.clocks.rules[whistle.kind].eval_step)
    whistle.eval_due = judged.at
    if judged.provisional or "finish_due" in heir.provisional:
        whistle.provisional = sorted({*whistle.provisional, "eval_due"})


def _people(book: Book, dispatch: Dispatch) -> list[User]:
    """As `department_people`."""
    department = book.cast.departments[dispatch.department.code]
    station = department.stations[dispatch.by_unit.pk][1] if dispatch.assigned_unit else []
    officer = [dispatch.assigned_officer] if dispatch.assigned_officer else []
    return [*department.liaisons, *station, *officer]


def _tell_both(book: Book, kind: type[kinds.Kind], dispatch: Dispatch, *, at: datetime) -> None:
    to = [*_people(book, dispatch), *book.cast.towns[dispatch.by_unit.code].duty]
    book.tell(kind, dispatch, to=to, at=at, due=dispatch.next_due)
