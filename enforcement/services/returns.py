"""退哨: a department says in time that a dispatch is not its own; its leader agrees; the guidance office decides.

《浙江省综合行政执法条例》 art 17. What is asked for in time counts as answered in time, however long the answer takes.
Locks: whistle, dispatch, return.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from enforcement.models import Dispatch, Return, Whistle
from enforcement.permissions import can_arbitrate, can_return
from enforcement.services.clocks import Clocks, alarm, count, course_of, follow, put, recount
from enforcement.services.labels import bureau_note, late_mark, voice
from enforcement.services.limit import whistle_clocks
from enforcement.services.messages import department_people, desk_missing, dispatch_message
from notifications import kinds
from notifications.services.outbox import notify, notify_many
from records.models import Stage
from records.services import Refused, advance, lock, once, record
from townships import people
from townships.models import LEADERS, Role, Unit
from townships.worktime import Due

HELPING = ("sent", "signed", "arrived", "reported", "rework")  # a helper that can take the lead over
ONCE = "本部门已经就这张哨单申请过退哨，一张哨单只能退一次。请先签收，有不同意见请留言。"
TOO_LATE = "签收期限已过，不能再退哨。请先签收，有不同意见请留言；办不完的，签收后可以申请延期。"


# --- whether --------------------------------------------------------------------------------------------------------
def refusal(dispatch: Dispatch, now: datetime) -> str:
    """Why the department cannot return it (any more); empty where it can."""
    if now > dispatch.sign_due:
        return TOO_LATE
    earlier = Return.objects.filter(
        dispatch__whistle_id=dispatch.whistle_id, dispatch__department_id=dispatch.department_id
    )
    return ONCE if earlier.exists() else ""


def may_take_over(dispatch: Dispatch) -> QuerySet[Unit]:
    """Who may get a returned dispatch: units open today that are not asked yet; the lead's, an open helper too."""
    asked = Dispatch.objects.filter(whistle=dispatch.whistle_id).exclude(state=Dispatch.State.RETURNED)
    if dispatch.is_lead:
        asked = asked.exclude(is_lead=False, state__in=HELPING)
    whistling = [dispatch.by_unit_id, dispatch.department_id]
    found: QuerySet[Unit] = units_like(dispatch.department).open_on(timezone.localdate())
    return found.exclude(pk__in=whistling).exclude(pk__in=asked.values("department_id"))


def units_like(unit: Unit) -> Any:
    """Departments; in the place of a township, another township too."""
    kinds_of_unit = Unit.DEPARTMENT_KINDS + (Unit.TOWNSHIP_KINDS if unit.is_township else ())
    return Unit.objects.filter(kind__in=kinds_of_unit)


def own_bureaus(user: Any) -> frozenset[int]:
    """The arbitrator's own side: the bureau that its office is part of, and those in which this person has a post too."""
    organs = {post.organ_id for post in user.active_posts() if post.role != Role.GUIDANCE}
    return frozenset({*organs, user.acting.unit.parent_id} - {None})


@dataclass(frozen=True)
class Standing:
    """What a dispatch's page says of its return to this person."""

    row: Return | None
    can_ask: bool
    refusal: str  # of somebody who could ask in time
    own: frozenset[int]  # of an arbitrator: the bureaus whose party he would be


def standing(user: Any, dispatch: Dispatch, now: datetime) -> Standing:
    can_ask = can_return(user, dispatch)
    return Standing(
        row=return_of(dispatch),
        can_ask=can_ask,
        refusal=refusal(dispatch, now) if can_ask else "",
        own=own_bureaus(user) if can_arbitrate(user, dispatch) else frozenset(),
    )


def return_of(dispatch: Dispatch) -> Return | None:
    """The one there is, or nothing. No query where it was selected along."""
    found: Return | None = getattr(dispatch, "returning", None)
    return found


# --- the department -------------------------------------------------------------------------------------------------
def ask(
    dispatch: Dispatch, *, by: Any, request_id: UUID, seen_state: str, ground: str, article: str, text: str
) -> Return:
    """Return it: to the department's leader where the unit wants that, else to the guidance office. Twice is once."""
    said = {"ground": ground, "article": article, "text": text}

    def create() -> Return:
        lock(dispatch.whistle)
        lock(dispatch, seen_state=seen_state)
        now = timezone.now()
        if sentence := refusal(dispatch, now):
            raise Refused(dispatch, sentence)
        made = Return(dispatch=dispatch, asked_at=now, asked_by=by, request_id=request_id, **said)
        asked = f"{dispatch.department}申请退哨：{made.get_ground_display()}"
        if not dispatch.department.return_needs_leader:
            _to_arbitration(made, by=by, now=now, verb="return_asked", what=f"{asked}，送指导办仲裁")
        elif by.acting.role in LEADERS:  # who would have to agree has asked
            made.leader_at, made.leader_by = now, by
            _to_arbitration(made, by=by, now=now, verb="return_asked", what=f"{asked}，送指导办仲裁")
        else:
            _to_leaders(made, by=by, now=now, what=asked)
        return made

    return once(Return, request_id, create, asked_by=by, dispatch_id=dispatch.pk, **said)


@transaction.atomic
def agree(dispatch: Dispatch, *, by: Any, seen_state: str) -> None:
    """The department's leader agrees: it goes to the guidance office."""
    returning = _locked(dispatch, seen_state)
    returning.leader_at, returning.leader_by = timezone.now(), by
    what = f"{voice(dispatch.department).leaders}同意退哨，送指导办仲裁"
    _to_arbitration(returning, by=by, now=returning.leader_at, verb="return_agreed", what=what)


@transaction.atomic
def decline(dispatch: Dispatch, *, by: Any, seen_state: str, text: str) -> None:
    """The department's leader does not agree: the desk signs after all, by its first clock."""
    returning = _locked(dispatch, seen_state)
    returning.state, returning.leader_text = Return.State.DECLINED, text
    returning.leader_at, returning.leader_by = timezone.now(), by
    returning.save(update_fields=["state", "leader_text", "leader_at", "leader_by"])
    what = f"{voice(dispatch.department).leaders}不同意退哨，仍由{dispatch.department}签收"
    _leave(dispatch, Dispatch.State.SENT, by=by, verb="return_declined", what=what)
    recount(dispatch.whistle)
    dispatch.refresh_from_db()
    to = people.desk(dispatch.department)
    notify(dispatch_message(kinds.ReturnDeclined, dispatch), to=to, key=f"return_declined:{dispatch.pk}")


# --- the guidance office --------------------------------------------------------------------------------------------
@transaction.atomic
def uphold(dispatch: Dispatch, *, by: Any, seen_state: str, decision: str) -> None:
    """维持: it stays with the department, which has answered in time by asking. The arbitrator's own delay is given back."""
    returning = _decided(_locked(dispatch, seen_state), Return.State.UPHELD, by=by, decision=decision)
    _leave(
        dispatch,
        Dispatch.State.SIGNED,
        by=by,
        verb="return_upheld",
        what=f"裁定维持原派，{dispatch.department}申请时即视同签收{_marks(returning, by=by)}",
        signed_at=returning.asked_at,
        signed_by=returning.asked_by,
    )
    recount(dispatch.whistle)
    dispatch.refresh_from_db()
    _tell_both(kinds.ReturnUpheld, dispatch)


@transaction.atomic
def release(dispatch: Dispatch, *, by: Any, seen_state: str, decision: str) -> None:
    """准予退出: a helper is not needed, and nobody takes its place."""
    returning = _locked(dispatch, seen_state)
    if dispatch.is_lead:
        raise Refused(dispatch, "主办部门不能只准予退出：请改派给别的部门，或维持原派。")
    _decided(returning, Return.State.RELEASED, by=by, decision=decision)
    _end(dispatch, by=by, verb="return_released", what=f"裁定准予{dispatch.department}退出{_marks(returning, by=by)}")
    whistle = dispatch.whistle
    _ask_for(whistle, [pk for pk in whistle.departments if pk != dispatch.department_id])
    recount(whistle)
    _tell_both(kinds.ReturnGranted, dispatch)


@transaction.atomic
def reassign(dispatch: Dispatch, *, by: Any, seen_state: str, to_unit: Unit, decision: str) -> Dispatch:
    """改派: new clocks for the department that takes it over, while the whole whistle's goes on. Returns its dispatch."""
    returning = _locked(dispatch, seen_state)
    if not may_take_over(dispatch).filter(pk=to_unit.pk).exists():
        raise Refused(dispatch, f"{to_unit}已停用，或者已经在这张哨单里，不能改派给它。请另选一个部门。")
    _decided(returning, Return.State.REASSIGNED, by=by, decision=decision, to_unit=to_unit)
    what = f"裁定退哨成立，{dispatch.role_label}改派{to_unit}{_marks(returning, by=by)}"
    _end(dispatch, by=by, verb="return_reassigned", what=what)
    helper = dispatch.whistle.dispatches.filter(department=to_unit, state__in=HELPING).first()
    heir = _lead(helper, dispatch, by=by) if helper else _send(dispatch, to_unit, by=by, now=returning.decided_at)
    _replace(dispatch, to_unit)
    recount(dispatch.whistle)
    heir.refresh_from_db()
    _tell_both(kinds.ReturnGranted, dispatch)
    kind: type[kinds.Kind] = kinds.LeadTakenOver if helper else kinds.DispatchSent
    sent = (dispatch_message(kind, heir), department_people(heir), f"{kind.code()}:{heir.pk}")
    notify_many([sent, *desk_missing([heir] if people.lacks_desk(to_unit) else [])])
    return heir


def answer_clock(dispatch: Dispatch, clocks: Clocks) -> Clocks:
    """By when a return is answered, counted anew from its beginning; `clocks` are the dispatch's other ones."""
    if dispatch.state == Dispatch.State.RETURNING:
        return {"return_due": clocks["sign_due"]}
    if dispatch.state == Dispatch.State.ARBITRATION and (returning := return_of(dispatch)) and returning.arb_at:
        rules = whistle_clocks(dispatch.whistle.kind, returning.arb_at)
        return {"return_due": rules.due(returning.arb_at, rules.arbitrate)}
    return {}


# --- inside: where a return goes ------------------------------------------------------------------------------------
def _locked(dispatch: Dispatch, seen_state: str) -> Return:
    lock(dispatch.whistle)
    lock(dispatch, seen_state=seen_state)
    returning = Return.objects.select_for_update(of=("self",), no_key=True).get(dispatch=dispatch)
    returning.dispatch = dispatch
    return returning


def _to_leaders(returning: Return, *, by: Any, now: datetime, what: str) -> None:
    """The department's own time runs on meanwhile."""
    dispatch = returning.dispatch
    returning.state = Return.State.LEADER
    returning.save(force_insert=True)
    clock = Due(dispatch.sign_due, "sign_due" in dispatch.provisional)
    what = f"{what}，待{voice(dispatch.department).leaders}同意"
    _wait(dispatch, Dispatch.State.RETURNING, clock, now=now, by=by, verb="return_asked", what=what)
    to = people.leaders(dispatch.department)
    notify(dispatch_message(kinds.ReturnAsked, dispatch), to=to, key=f"return_asked:{dispatch.pk}")


def _to_arbitration(returning: Return, *, by: Any, now: datetime, verb: str, what: str) -> None:
    dispatch = returning.dispatch
    rules = whistle_clocks(dispatch.whistle.kind, now)
    clock = rules.due(now, rules.arbitrate)
    returning.state, returning.arb_at, returning.arb_due = Return.State.ARBITRATION, now, clock.at
    returning.provisional = ["arb_due"] if clock.provisional else []
    returning.save()
    what = f"{what}，时限 {rules.arbitrate}"
    _wait(dispatch, Dispatch.State.ARBITRATION, clock, now=now, by=by, verb=verb, what=what)
    to_decide = dispatch_message(kinds.ReturnSubmitted, dispatch)
    to_know = dispatch_message(kinds.ReturnForwarded, dispatch)
    others = [*people.desk(dispatch.by_unit), *department_people(dispatch)]
    notify_many(
        [
            (to_decide, people.guidance_office(), f"return_submitted:{dispatch.pk}"),
            (to_know, [user for user in others if user.pk != by.pk], f"return_forwarded:{dispatch.pk}"),
        ]
    )


def _wait(dispatch: Dispatch, to: str, clock: Due, *, now: datetime, **arrow: Any) -> None:
    """It waits for an answer; the hands that held it let go."""
    advance(
        dispatch,
        to,
        stage=Stage.DISPATCH,
        return_due=clock.at,
        next_due=clock.at,
        alarm_at=alarm(now, clock.at),
        provisional=sorted([*_known(dispatch), "return_due"]) if clock.provisional else _known(dispatch),
        claimed_at=None,
        claimed_by=None,
        **arrow,
    )
    follow(dispatch.whistle)


def _leave(dispatch: Dispatch, to: str, **arrow: Any) -> None:
    """It waits for no answer any more. What runs then, `recount` says."""
    advance(
        dispatch,
        to,
        stage=Stage.DISPATCH,
        return_due=None,
        provisional=_known(dispatch),
        claimed_at=None,
        claimed_by=None,
        **arrow,
    )


def _end(dispatch: Dispatch, **arrow: Any) -> None:
    _leave(dispatch, Dispatch.State.RETURNED, next_due=None, alarm_at=None, **arrow)


def _known(dispatch: Dispatch) -> list[str]:
    return [name for name in dispatch.provisional if name != "return_due"]


# --- inside: the decision -------------------------------------------------------------------------------------------
def _decided(returning: Return, state: str, *, by: Any, decision: str, to_unit: Unit | None = None) -> Return:
    returning.state, returning.decision, returning.to_unit = state, decision, to_unit
    returning.decided_at, returning.decided_by = timezone.now(), by
    returning.save(update_fields=["state", "decision", "to_unit", "decided_at", "decided_by"])
    return returning


def _marks(returning: Return, *, by: Any) -> str:
    """What the timeline adds: that it came late, that the arbitrator's own bureau is a party."""
    late = late_mark(returning.decided_at, returning.arb_due) if returning.decided_at else ""
    parties = [unit for unit in (returning.dispatch.department, returning.to_unit) if unit]
    return late + bureau_note(by, *parties)


def _send(old: Dispatch, unit: Unit, *, by: Any, now: Any) -> Dispatch:
    """The same task with new clocks, by the limits of today."""
    whistle = old.whistle
    heir = Dispatch(
        number=f"{whistle.number}/{whistle.dispatches.count() + 1}",
        whistle=whistle,
        event_id=old.event_id,
        by_unit=old.by_unit,
        department=unit,
        is_lead=old.is_lead,
        task=old.task,
        sent_at=now,
    )
    put(heir, count(heir, course_of(whistle)))
    heir.save(force_insert=True)
    what = f"改派给{unit}（{heir.role_label}）"
    record(heir, "dispatch_sent", by=by, what=what, stage=Stage.DISPATCH, to_state=heir.state)
    return heir


def _lead(helper: Dispatch, old: Dispatch, *, by: Any) -> Dispatch:
    """A helper becomes the lead: it has signed by its own clock, and finishes by a new one."""
    helper.whistle, helper.is_lead, helper.lead_at = old.whistle, True, timezone.now()
    helper.task = "；".join(filter(None, [helper.task, old.task]))[: Dispatch._meta.get_field("task").max_length]
    names = put(helper, count(helper, course_of(old.whistle)))
    helper.save(update_fields=[*names, "is_lead", "lead_at", "task", "changed_at"])
    record(helper, "dispatch_lead", by=by, what=f"{helper.department}由协办改为主办", stage=Stage.DISPATCH)
    return helper


def _replace(old: Dispatch, unit: Unit) -> None:
    """Who is asked for, the lead first: `unit` stands where the old one stood."""
    whistle = old.whistle
    others = [pk for pk in whistle.departments if pk != unit.pk]
    _ask_for(whistle, [unit.pk if pk == old.department_id else pk for pk in others])


def _ask_for(whistle: Whistle, departments: list[int]) -> None:
    whistle.departments = departments
    whistle.save(update_fields=["departments", "changed_at"])


def _tell_both(kind: type[kinds.Kind], dispatch: Dispatch) -> None:
    to = [*department_people(dispatch), *people.desk(dispatch.by_unit)]
    notify(dispatch_message(kind, dispatch), to=to, key=f"{kind.code()}:{dispatch.pk}")
