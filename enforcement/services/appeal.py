"""评价申诉: a department does not accept a low rating; the guidance office upholds it or strikes it out of the figures."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from enforcement.models import Appeal, Dispatch, Limit
from enforcement.services.labels import bureau_note, minute_words
from enforcement.services.limit import steps_on
from enforcement.services.messages import dispatch_message
from notifications import kinds
from notifications.services.outbox import notify, notify_many
from records.models import Stage
from records.services import Refused, lock, once, record
from townships import people
from townships.worktime import Due, due


def due_of(dispatch: Dispatch) -> Due | None:
    """Until when a rating may be appealed, counted from the closing; None while it has not ended."""
    if dispatch.closed_at is None:
        return None
    step = steps_on(timezone.localdate(dispatch.closed_at))[(Limit.Kind.ALL, Limit.Step.APPEAL)]
    return due(dispatch.closed_at, step.unit, step.amount)


def ask(dispatch: Dispatch, *, by: Any, request_id: UUID, text: str) -> Appeal:
    """Once a dispatch, in time, with words; the guidance office is told. Twice is once."""

    def create() -> Appeal:
        lock(dispatch.whistle)
        lock(dispatch)
        _refuse(dispatch)
        appeal = Appeal.objects.create(dispatch=dispatch, text=text, asked_by=by, request_id=request_id)
        _note(dispatch, "appeal_asked", by=by, what=f"{dispatch.department}对评价提出申诉")
        message = dispatch_message(kinds.AppealAsked, dispatch)
        notify(message, to=people.guidance_office(), key=f"appeal_asked:{appeal.pk}")
        return appeal

    return once(Appeal, request_id, create, asked_by=by, dispatch_id=dispatch.pk, text=text)


@transaction.atomic
def decide(appeal: Appeal, *, by: Any, seen_state: str, outcome: str, decision: str) -> None:
    """维持评价 or 评价不计, with words; both sides are told, and whether the arbitrator's own bureau is one of them."""
    dispatch = appeal.dispatch
    lock(dispatch.whistle)
    lock(dispatch)
    lock(appeal, seen_state=seen_state)
    appeal.state, appeal.decision = outcome, decision
    appeal.decided_at, appeal.decided_by = timezone.now(), by
    appeal.save(update_fields=["state", "decision", "decided_at", "decided_by"])
    what = f"指导办裁定：{appeal.get_state_display()}{bureau_note(by, dispatch.department, dispatch.by_unit)}"
    _note(dispatch, "appeal_decided", by=by, what=what)
    message, key = dispatch_message(kinds.AppealDecided, dispatch), f"appeal_decided:{appeal.pk}"
    notify_many((message, people.desk(unit), key) for unit in (dispatch.department, dispatch.by_unit))


def _note(dispatch: Dispatch, verb: str, *, by: Any, what: str) -> None:
    record(dispatch, verb, by=by, what=what, stage=Stage.EVALUATE)
    for obj in (dispatch, dispatch.whistle):
        obj.save(update_fields=["changed_at"])


def _refuse(dispatch: Dispatch) -> None:
    clock = due_of(dispatch)
    if clock is None or dispatch.stars is None or dispatch.stars > Appeal.MOST_STARS:
        raise Refused(dispatch, f"办结后评为 {Appeal.MOST_STARS} 星及以下的，才能申诉。")
    if timezone.now() > clock.at:
        raise Refused(dispatch, f"申诉期限是 {minute_words(clock.at)}，已经过了。")
    if Appeal.objects.filter(dispatch=dispatch).exists():
        raise Refused(dispatch, "这次评价已经申诉过，只能申诉一次。")
