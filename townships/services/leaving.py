"""离岗, the part that this room knows: posts, squad places, the rota and the account of somebody who leaves."""

from datetime import date, timedelta
from typing import Any

from django.db.models import Q

from records.models import Stage
from records.services import record
from townships.models import Post, Shift, SquadMember, User
from townships.services import shift as shifts
from townships.services.post import end_sessions

A_DAY = timedelta(days=1)


def posts_of(user: User, day: date) -> list[Post]:
    """Those that hold on this day or begin later."""
    rows = Post.objects.filter(user=user).filter(Q(valid_to=None) | Q(valid_to__gte=day))
    return list(rows.select_related("unit", "deputy_for").order_by("rank", "id"))


def deputies_of(user: User, day: date) -> list[Post]:
    """Posts of others who stand in for this person; they go on until their own last day."""
    rows = Post.objects.filter(deputy_for=user).filter(valid_to__gte=day)
    return list(rows.select_related("unit", "user").order_by("id"))


def squad_places_of(user: User, day: date) -> list[SquadMember]:
    return list(SquadMember.objects.active(day).filter(user=user).select_related("township"))


def shifts_ahead(user: User, day: date) -> list[Shift]:
    return list(Shift.objects.filter(user=user, day__gte=day).select_related("township").order_by("day", "band"))


def is_arranged(user: User, day: date) -> bool:
    """Whether the account and every post end with this day already."""
    return user.disabled_from == day and not Post.objects.filter(user=user).exclude(valid_to__lte=day).exists()


def end(user: User, *, day: date, today: date, by: Any) -> None:
    """In the caller's transaction, with the user locked: everything ends the day before, the account from `day` on."""
    for post in posts_of(user, day):
        _end(post, day, by=by, verb="post_ended")
    for place in squad_places_of(user, day):
        if day <= today:
            place.status = SquadMember.Status.LEFT
        _end(place, day, by=by, verb="squad_left")
    user.disabled_from = day
    user.is_active = user.is_active and day > today
    user.save(update_fields=["disabled_from", "is_active"])
    end_sessions([user.pk])


def pass_shift(shift: Shift, *, to: User | None, by: Any) -> None:
    """To a colleague, or off the rota."""
    shifts.remove(shift, by=by)
    if to:
        shifts.add(
            shift.township,
            user=to,
            day=shift.day,
            band=shift.band,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            is_on_call=shift.is_on_call,
            by=by,
        )


def _end(row: Post | SquadMember, day: date, *, by: Any, verb: str) -> None:
    last = max(day - A_DAY, row.valid_from)
    old, row.valid_to = row.valid_to, last
    row.save()
    change = {"field": "止", "old": str(old or ""), "new": str(last)}
    record(row, verb, by=by, what=f"离岗，{last} 止", stage=Stage.FILE, data={"changes": [change]})
