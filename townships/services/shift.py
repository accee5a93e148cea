from datetime import date, time
from typing import Any

from django.db import transaction

from records.models import Stage
from records.services import record
from townships.models import Shift, Unit, User


@transaction.atomic
def add(
    township: Unit,
    *,
    user: User,
    day: date,
    band: str,
    starts_at: time | None = None,
    ends_at: time | None = None,
    is_on_call: bool = False,
    by: Any,
) -> Shift:
    """Put one person on the rota; without times, the band's usual hours. The same person, day and band is there once."""
    usual_start, usual_end = Shift.HOURS[band]
    shift, created = Shift.objects.get_or_create(
        township=township,
        user=user,
        day=day,
        band=band,
        defaults={
            "starts_at": starts_at or usual_start,
            "ends_at": ends_at or usual_end,
            "is_on_call": is_on_call,
        },
    )
    if created:
        record(shift, "shift_add", by=by, what=f"排 {day} {shift.get_band_display()}", stage=Stage.DISPATCH)
    return shift


@transaction.atomic
def remove(shift: Shift, *, by: Any) -> None:
    """Take one person off the rota; the timeline keeps that there was a shift, and whose."""
    what = f"取消 {shift.day} {shift.get_band_display()}"
    record(shift, "shift_remove", by=by, what=what, stage=Stage.DISPATCH, data={"user": shift.user_id})
    shift.delete()
