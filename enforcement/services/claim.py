"""认领: an act waits for an office; who took it up is shown, and a colleague may take it over."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from enforcement.models import Dispatch, Event, Whistle
from enforcement.permissions import can_claim
from enforcement.services.handover import lock_held
from records.models import Stage
from records.services import WrongState, lock, record


@transaction.atomic
def take(obj: Event | Whistle | Dispatch, *, by: Any) -> None:
    """Say that you are on it. Twice is once; from a colleague it is a take-over."""
    if isinstance(obj, Event):
        lock_held(obj)
    else:
        lock(obj)
    if obj.claimed_by_id == by.pk:
        return
    if not can_claim(by, obj):  # it has gone on between the press and the lock
        raise WrongState(obj)
    what = "接手办理" if obj.claimed_by_id else "认领办理"
    obj.claimed_by, obj.claimed_at = by, timezone.now()
    obj.save(update_fields=["claimed_by", "claimed_at", "changed_at"])
    record(obj, "claimed", by=by, what=what, stage=Stage.HANDLE)
