"""Who may do what: predicates on the acting post, used by views and templates alike. Sight is `visible_to`, not here."""

from typing import Any

from enforcement.models import Dispatch, Event, Whistle
from townships.models import Role, Unit

DESK = (Role.DUTY, Role.LEADER)
DEPARTMENT_DESK = (Role.LIAISON, Role.DEPT_LEADER)


def _in_township(user: Any, township_id: int, *roles: str) -> bool:
    post = user.acting
    return post is not None and post.unit_id == township_id and post.role in roles


def _is_department_desk(user: Any, dispatch: Dispatch) -> bool:
    post = user.acting
    return post is not None and post.unit_id == dispatch.department_id and post.role in DEPARTMENT_DESK


def _is_assigned(user: Any, dispatch: Dispatch) -> bool:
    post = user.acting
    if post is None or post.organ_id != dispatch.department_id:
        return False
    by_unit = post.unit.kind == Unit.Kind.SUBUNIT and dispatch.assigned_unit_id == post.unit_id
    return by_unit or (dispatch.assigned_officer_id == user.pk and post.role in (Role.OFFICER, *DEPARTMENT_DESK))


def _acts_for_department(user: Any, dispatch: Dispatch) -> bool:
    return _is_department_desk(user, dispatch) or _is_assigned(user, dispatch)


# --- events ---------------------------------------------------------------------------------------------------------
def can_report(user: Any) -> bool:
    post = user.acting
    if post is None:
        return False
    return post.role == Role.GRID or (post.unit.is_township and post.role in (*DESK, Role.OFFICER))


def can_take_calls(user: Any) -> bool:
    """The command room registers events for callers and from other sources."""
    post = user.acting
    return post is not None and post.unit.is_township and post.role in DESK


def can_verify(user: Any, event: Event) -> bool:
    return event.state == Event.State.REPORTED and _in_township(user, event.township_id, *DESK)


def can_settle(user: Any, event: Event) -> bool:
    if event.state == Event.State.SQUAD:
        return _in_township(user, event.township_id, *DESK, Role.OFFICER)
    return event.state in ("reported", "verified") and _in_township(user, event.township_id, *DESK)


def can_hand_to_squad(user: Any, event: Event) -> bool:
    return event.state in ("reported", "verified") and _in_township(user, event.township_id, *DESK)


def can_dismiss(user: Any, event: Event) -> bool:
    return event.state in ("reported", "verified") and _in_township(user, event.township_id, *DESK)


def can_whistle(user: Any, event: Event) -> bool:
    return event.state in ("reported", "verified", "squad") and _in_township(user, event.township_id, *DESK)


def can_view_caller(user: Any, event: Event) -> bool:
    return _in_township(user, event.township_id, *DESK)


# --- whistles -------------------------------------------------------------------------------------------------------
def can_approve(user: Any, whistle: Whistle) -> bool:
    return whistle.state == Whistle.State.SUBMITTED and _in_township(user, whistle.township_id, Role.LEADER)


can_reject = can_approve


def can_confirm_emergency(user: Any, whistle: Whistle) -> bool:
    return whistle.awaits_confirmation and _in_township(user, whistle.township_id, Role.LEADER)


def can_close(user: Any, whistle: Whistle) -> bool:
    return whistle.state == Whistle.State.REPORTED and _in_township(user, whistle.township_id, *DESK)


def can_rework(user: Any, dispatch: Dispatch) -> bool:
    return (
        dispatch.state == Dispatch.State.REPORTED
        and dispatch.rework_at is None
        and _in_township(user, dispatch.township_id, *DESK)
    )


# --- dispatches -----------------------------------------------------------------------------------------------------
def can_sign(user: Any, dispatch: Dispatch) -> bool:
    return dispatch.state == Dispatch.State.SENT and _acts_for_department(user, dispatch)


def can_assign(user: Any, dispatch: Dispatch) -> bool:
    return dispatch.state in ("sent", "signed", "arrived", "rework") and _is_department_desk(user, dispatch)


def can_arrive(user: Any, dispatch: Dispatch) -> bool:
    return dispatch.state == Dispatch.State.SIGNED and _acts_for_department(user, dispatch)


def can_report_back(user: Any, dispatch: Dispatch) -> bool:
    """The interim report and the final one."""
    return dispatch.state in ("arrived", "rework") and _acts_for_department(user, dispatch)


def can_remark(user: Any, dispatch: Dispatch) -> bool:
    if not dispatch.is_open:
        return False
    return _in_township(user, dispatch.township_id, *DESK) or _acts_for_department(user, dispatch)


# --- taking up what waits for an office -----------------------------------------------------------------------------
def can_claim(user: Any, obj: Event | Whistle | Dispatch) -> bool:
    """Whoever could do the next act may say so; a colleague may take it over."""
    if not obj.is_open or obj.claimed_by_id == user.pk:
        return False
    if isinstance(obj, Dispatch):
        return obj.state != Dispatch.State.REPORTED and _acts_for_department(user, obj)
    if isinstance(obj, Whistle):
        return can_approve(user, obj) or can_confirm_emergency(user, obj) or can_close(user, obj)
    if obj.state == Event.State.SQUAD:  # the desk may still settle or whistle, but it is the squad that is on it
        return _in_township(user, obj.township_id, Role.OFFICER)
    return can_settle(user, obj)
