"""Who may do what: predicates on the acting post, used by views and templates alike. Sight is `visible_to`, not here."""

from typing import Any

from enforcement.models import Appeal, Check, Dispatch, Escalation, Event, Extension, Handover, Suspension, Whistle
from townships.models import COMMAND_ROOM, DESKS, LEADERS, OVERSIGHT, Role, Unit


def _holds(user: Any, unit_id: int, *roles: str) -> bool:
    """Whether the post acted in is one of `roles` at this unit. Which roles a unit has, its kind says (`PLACES`)."""
    post = user.acting
    return post is not None and post.unit_id == unit_id and post.role in roles


def _acts_as(user: Any, *roles: str) -> bool:
    """Whether the post acted in is one of `roles`, wherever that is."""
    return user.acting is not None and user.acting.role in roles


def _is_department_desk(user: Any, dispatch: Dispatch) -> bool:
    return _holds(user, dispatch.department_id, *DESKS)


def _is_assigned(user: Any, dispatch: Dispatch) -> bool:
    post = user.acting
    if post is None or post.organ_id != dispatch.department_id:
        return False
    by_unit = post.unit.kind == Unit.Kind.SUBUNIT and dispatch.assigned_unit_id == post.unit_id
    return by_unit or (dispatch.assigned_officer_id == user.pk and post.role in (Role.OFFICER, *DESKS))


def _acts_for_department(user: Any, dispatch: Dispatch) -> bool:
    return _is_department_desk(user, dispatch) or _is_assigned(user, dispatch)


# --- events ---------------------------------------------------------------------------------------------------------
def can_report(user: Any) -> bool:
    post = user.acting
    if post is None:
        return False
    return post.role == Role.GRID or (post.unit.is_township and post.role in (*COMMAND_ROOM, Role.OFFICER))


def can_take_calls(user: Any) -> bool:
    """The command room registers events for callers and from other sources."""
    post = user.acting
    return post is not None and post.unit.is_township and post.role in COMMAND_ROOM


def can_verify(user: Any, event: Event) -> bool:
    return event.state == Event.State.REPORTED and _holds(user, event.township_id, *COMMAND_ROOM)


def can_settle(user: Any, event: Event) -> bool:
    if event.state == Event.State.SQUAD:
        return _holds(user, event.township_id, *COMMAND_ROOM, Role.OFFICER)
    return can_triage(user, event)


def can_triage(user: Any, event: Event) -> bool:
    """The desk says which way it goes."""
    return event.state in Event.TO_TRIAGE and _holds(user, event.township_id, *COMMAND_ROOM)


can_hand_to_squad = can_dismiss = can_triage


def can_whistle(user: Any, event: Event) -> bool:
    return event.state in (*Event.TO_TRIAGE, "squad") and _holds(user, event.township_id, *COMMAND_ROOM)


def can_view_caller(user: Any, event: Event) -> bool:
    return _holds(user, event.township_id, *COMMAND_ROOM)


def can_start_action(user: Any) -> bool:
    """The desks of townships and departments call others to a joint action; a sub-unit's liaison does not."""
    post = user.acting
    return post is not None and post.role in DESKS and (post.unit.is_township or post.unit.is_department)


def can_start_again(user: Any, whistle: Whistle) -> bool:
    """From one that was turned down, put right."""
    is_over = whistle.is_action and whistle.state == Whistle.State.REJECTED
    return is_over and can_start_action(user) and user.acting.unit_id == whistle.by_unit_id


# --- whistles -------------------------------------------------------------------------------------------------------
def can_approve(user: Any, whistle: Whistle) -> bool:
    return whistle.state == Whistle.State.SUBMITTED and _holds(user, whistle.by_unit_id, *LEADERS)


can_reject = can_approve


def can_confirm_emergency(user: Any, whistle: Whistle) -> bool:
    return whistle.awaits_confirmation and _holds(user, whistle.by_unit_id, *LEADERS)


def can_close(user: Any, whistle: Whistle) -> bool:
    return whistle.state == Whistle.State.REPORTED and _holds(user, whistle.by_unit_id, *DESKS)


def can_rework(user: Any, dispatch: Dispatch) -> bool:
    return (
        dispatch.state == Dispatch.State.REPORTED
        and dispatch.rework_at is None
        and _holds(user, dispatch.by_unit_id, *DESKS)
    )


# --- dispatches -----------------------------------------------------------------------------------------------------
def can_sign(user: Any, dispatch: Dispatch) -> bool:
    return dispatch.state == Dispatch.State.SENT and _acts_for_department(user, dispatch)


def can_assign(user: Any, dispatch: Dispatch) -> bool:
    return dispatch.state in Dispatch.IN_HAND and _is_department_desk(user, dispatch)


def can_arrive(user: Any, dispatch: Dispatch) -> bool:
    return dispatch.state == Dispatch.State.SIGNED and _acts_for_department(user, dispatch)


def can_report_back(user: Any, dispatch: Dispatch) -> bool:
    """The interim report and the final one."""
    return dispatch.state in ("arrived", "rework") and _acts_for_department(user, dispatch)


def can_remark(user: Any, dispatch: Dispatch) -> bool:
    if not dispatch.is_open:
        return False
    return _holds(user, dispatch.by_unit_id, *DESKS) or _acts_for_department(user, dispatch)


# --- not ours -----------------------------------------------------------------------------------------------------------
def can_return(user: Any, dispatch: Dispatch) -> bool:
    """Whether there is still time for it, `services.returns.refusal` says."""
    return dispatch.state == Dispatch.State.SENT and _is_department_desk(user, dispatch)


def can_agree(user: Any, dispatch: Dispatch) -> bool:
    """That it is returned, or that it is not."""
    return dispatch.state == Dispatch.State.RETURNING and _holds(user, dispatch.department_id, *LEADERS)


can_decline = can_agree


def can_arbitrate(user: Any, dispatch: Dispatch) -> bool:
    return dispatch.state == Dispatch.State.ARBITRATION and _acts_as(user, Role.GUIDANCE)


# --- more time, no time, an end -----------------------------------------------------------------------------------------
def can_ask_extension(user: Any, dispatch: Dispatch) -> bool:
    """Whether it may still be asked for, `services.extension.refusal` says."""
    return dispatch.is_lead and dispatch.state in ("signed", "arrived") and _acts_for_department(user, dispatch)


def can_answer_extension(user: Any, extension: Extension) -> bool:
    """The first the whistling unit's desk, the second the guidance office."""
    if extension.state != Extension.State.ASKED:
        return False
    if extension.turn == Extension.FIRST:
        return _holds(user, extension.dispatch.by_unit_id, *DESKS)
    return _acts_as(user, Role.GUIDANCE)


def can_ask_suspension(user: Any, whistle: Whistle) -> bool:
    """The whistling unit's desk, or that of the lead."""
    if whistle.state not in Whistle.UNDERWAY or user.acting is None:
        return False
    if _holds(user, whistle.by_unit_id, *DESKS):
        return True
    leads = Dispatch.objects.filter(whistle=whistle, is_lead=True, state__in=Dispatch.OPEN)
    return any(_is_department_desk(user, lead) for lead in leads)


def can_decide_suspension(user: Any, suspension: Suspension) -> bool:
    return suspension.state == Suspension.State.ASKED and _holds(user, suspension.whistle.by_unit_id, *LEADERS)


def can_resume(user: Any, whistle: Whistle) -> bool:
    return whistle.state == Whistle.State.SUSPENDED and _holds(user, whistle.by_unit_id, *DESKS)


def can_withdraw(user: Any, whistle: Whistle) -> bool:
    return whistle.is_open and _holds(user, whistle.by_unit_id, *DESKS)


# --- a neighbour's matter, and the same matter ---------------------------------------------------------------------------
can_offer_handover = can_merge = can_triage


def can_answer_handover(user: Any, handover: Handover) -> bool:
    """Accept or not."""
    return handover.is_open and _holds(user, handover.to_township_id, *COMMAND_ROOM)


def can_take_back(user: Any, handover: Handover) -> bool:
    return handover.is_open and _holds(user, handover.from_township_id, *COMMAND_ROOM)


# --- looked at again, and judged --------------------------------------------------------------------------------------
def can_ask_check(user: Any, whistle: Whistle) -> bool:
    return whistle.event_id is not None and can_close(user, whistle)


def can_answer_check(user: Any, check: Check) -> bool:
    """Who was asked, as a grid member of the township."""
    post = user.acting
    if post is None or post.role != Role.GRID or not check.is_open:
        return False
    is_here: bool = post.organ_id == check.event.township_id
    return is_here and check.asked_of_id == user.pk


def can_appeal(user: Any, dispatch: Dispatch) -> bool:
    """Once and in time, which the service holds."""
    is_low = dispatch.stars is not None and dispatch.stars <= Appeal.MOST_STARS
    return dispatch.state == Dispatch.State.CLOSED and is_low and _is_department_desk(user, dispatch)


def can_decide_appeal(user: Any, appeal: Appeal) -> bool:
    return appeal.state == Appeal.State.ASKED and _acts_as(user, Role.GUIDANCE)


def can_read_rating_text(user: Any) -> bool:
    """What is written beside the stars is for the guidance office, and for whoever audits it."""
    return _acts_as(user, *OVERSIGHT)


# --- taking away --------------------------------------------------------------------------------------------------------
def can_export(user: Any) -> bool:
    """Whoever has a post that sees files; the rows are those of `visible_to`."""
    return user.acting is not None and user.acting.role != Role.ADMIN


# --- many at once -------------------------------------------------------------------------------------------------------
def can_act_on_many(user: Any) -> bool:
    """Desks of townships and departments; what of it may be done to a row, the row's own predicate says."""
    return can_start_action(user)


# --- escalation -----------------------------------------------------------------------------------------------------
def can_oversee(user: Any) -> bool:
    """The guidance office and the auditors watch over the limits of the whole city."""
    return _acts_as(user, *OVERSIGHT)


def can_view_escalations(user: Any) -> bool:
    """Whom a yellow or red may concern: desks and leaders, each their own unit's, and those above."""
    return _acts_as(user, *OVERSIGHT, *DESKS)


def can_view_escalation(user: Any, row: Escalation) -> bool:
    """As `visible_to` says, without a query."""
    is_party = can_view_escalations(user) and user.acting.unit_id in (row.unit_id, row.by_unit_id)
    return can_oversee(user) or is_party


def can_remind(user: Any, dispatch: Dispatch) -> bool:
    """The desk that waits may remind once a clock, while it is the department's turn."""
    is_due = dispatch.state in Dispatch.IN_HAND and dispatch.next_due is not None
    return is_due and _holds(user, dispatch.by_unit_id, *DESKS)


# --- taking up what waits for an office -----------------------------------------------------------------------------
def can_claim(user: Any, obj: Event | Whistle | Dispatch) -> bool:
    """Whoever could do the next act may say so; a colleague may take it over."""
    if not obj.is_open or obj.claimed_by_id == user.pk:
        return False
    if isinstance(obj, Dispatch):
        is_at_work = obj.state in Dispatch.IN_HAND and _acts_for_department(user, obj)
        return is_at_work or can_agree(user, obj) or can_arbitrate(user, obj)
    if isinstance(obj, Whistle):
        return can_approve(user, obj) or can_confirm_emergency(user, obj) or can_close(user, obj)
    if obj.state == Event.State.SQUAD:  # the desk may still settle or whistle, but it is the squad that is on it
        return _holds(user, obj.township_id, Role.OFFICER)
    return can_settle(user, obj)
