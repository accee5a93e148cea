"""Two weeks of the access log, so that the auditor's search has something to find."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from command_room.demo.accounts import ACCOUNTS
from enforcement.models import Caller
from records.models import Access
from townships.models import User

DAYS = 14
FAILED_SHARE, CALLERS, OFFICE = 0.08, 12, "10.33.{}.{}"


def write(people: Mapping[str, User], now: datetime, rng: Random) -> None:
    """Log-ins in the morning, some of them at the second try; looks at who called; exports; an account's data opened."""
    users = [people[name] for name in ACCOUNTS]
    rows = [row for day in range(DAYS) for user in users for row in _day(user, now - timedelta(days=day), rng)]
    rows += _callers(people["ganlin-duty"], now, rng)
    admin = people["bureau-admin"]
    rows.append(
        _row(admin, "person_viewed", now - timedelta(hours=3), rng, object_type="townships.user", object_id=users[0].pk)
    )
    rows.append(
        _row(admin, "exported", now - timedelta(days=1, hours=2), rng, count=len(people), detail={"list": "人员"})
    )
    Access.objects.bulk_create(sorted((row for row in rows if row.at < now), key=lambda row: row.at))


def _day(user: User, day: datetime, rng: Random) -> list[Access]:
    at = day.replace(hour=8, minute=0) + timedelta(seconds=rng.randrange(5400))
    found = [_row(user, "logged_in", at, rng), _row(user, "logged_out", at + timedelta(hours=8, minutes=40), rng)]
    if rng.random() < FAILED_SHARE:
        failed = _row(
            user, "login_failed", at - timedelta(seconds=20), rng, object_type="townships.user", object_id=user.pk
        )
        failed.by, failed.office = None, "未登录"
        found.append(failed)
    return found


def _callers(desk: User, now: datetime, rng: Random) -> list[Access]:
    """The township's own: nobody else can look."""
    township = desk.acting.unit_id if desk.acting else None
    events = Caller.objects.filter(event__township_id=township).order_by("-event_id").values_list("event_id", flat=True)
    times = [now - timedelta(hours=rng.randrange(1, 24 * DAYS)) for _ in range(CALLERS)]
    return [
        _row(desk, "caller_viewed", at, rng, object_type="enforcement.event", object_id=pk)
        for at, pk in zip(times, events[:CALLERS], strict=False)
    ]


def _row(user: User, what: str, at: datetime, rng: Random, **more: object) -> Access:
    address = OFFICE.format(rng.randrange(1, 40), rng.randrange(2, 250))
    return Access(by=user, office=user.office, what=what, at=at, address=address, **more)
