"""撤哨: the unit that has whistled takes the whole of it back; the event is its desk's again."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from enforcement.models import Dispatch, Whistle
from enforcement.services.messages import department_people, dispatch_message, whistle_message
from enforcement.services.pending import end_pending
from enforcement.services.whistle import give_back_event, lock_event, locked_dispatches
from notifications import kinds
from notifications.services.outbox import Notice, notify_many
from records.models import Stage
from records.services import advance, lock
from townships import people


@transaction.atomic
def withdraw(whistle: Whistle, *, by: Any, seen_state: str, reason: str) -> None:
    """Everything of it ends, in whatever state it is; what is withdrawn counts neither for nor against a department."""
    lock_event(whistle)
    lock(whistle, seen_state=seen_state)
    dispatches = locked_dispatches(whistle)
    is_unapproved = whistle.approved_at is None
    for dispatch in dispatches:
        _withdraw_dispatch(dispatch, by=by)
    advance(
        whistle,
        Whistle.State.WITHDRAWN,
        by=by,
        verb="whistle_withdrawn",
        what="撤哨，各部门不用再办" if dispatches else "撤哨，没有发出",
        stage=Stage.CLOSE,
        withdrawn_at=timezone.now(),
        withdrawn_by=by,
        withdrawal=reason,
        resume_due=None,
        next_due=None,
        alarm_at=None,
    )
    end_pending(whistle)
    give_back_event(whistle, by=by, what="已撤哨，回到已核实")
    _tell(whistle, dispatches, leaders=people.leaders(whistle.by_unit) if is_unapproved else [])


# --- inside ---------------------------------------------------------------------------------------------------------
def _withdraw_dispatch(dispatch: Dispatch, *, by: Any) -> None:
    advance(
        dispatch,
        Dispatch.State.WITHDRAWN,
        by=by,
        verb="dispatch_withdrawn",
        what=f"撤哨，{dispatch.department}不用再办",
        stage=Stage.CLOSE,
        suspended_from="",
        next_due=None,
        return_due=None,
        alarm_at=None,
    )


def _tell(whistle: Whistle, dispatches: Sequence[Dispatch], *, leaders: Sequence[Any]) -> None:
    """The departments that had it, and the leaders, where they had still to say yes."""
    key = f"whistle_withdrawn:{whistle.pk}"
    notices: list[Notice] = [(whistle_message(kinds.WhistleWithdrawn, whistle, None), leaders, key)]
    for dispatch in dispatches:
        dispatch.whistle, dispatch.by_unit = whistle, whistle.by_unit
        message = dispatch_message(kinds.WhistleWithdrawn, dispatch)
        notices.append((message, department_people(dispatch), f"{key}:{dispatch.pk}"))
    notify_many(notices)
