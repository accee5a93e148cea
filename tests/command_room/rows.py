"""Many rows at once, for tests that count queries and columns: stored directly, true enough for lists."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from enforcement.models import Category, Dispatch, Event, Whistle
from tests.cast import Cast


def make_events(cast: Cast, n: int, now: datetime, **fields: Any) -> list[Event]:
    category, _ = Category.objects.get_or_create(code="0601", defaults={"name": "无照经营"})
    values = {"state": "reported", "reported_by": cast.grid, "grid": cast.ganlin_grid, **fields}
    return Event.objects.bulk_create(
        Event(
            number=f"事{uuid4().hex}",
            township=cast.ganlin,
            category=category,
            title=f"第 {i} 件",
            place="老市场",
            facts="…",
            accept_due=now + timedelta(minutes=i),
            next_due=now + timedelta(minutes=i),
            request_id=uuid4(),
            **values,
        )
        for i in range(n)
    )


def make_whistles(cast: Cast, n: int, now: datetime, state: str = "signing") -> list[Whistle]:
    """Each with two dispatches, sent and due one minute after the other."""
    events = make_events(cast, n, now, state="whistled")
    waits = state == "submitted"
    sent = {} if waits else {"sent_at": now, "finish_due": now, "eval_due": now, "approved_at": now}
    whistles = Whistle.objects.bulk_create(
        Whistle(
            number=f"哨330683100-20261124-{uuid4().hex[:16]}",
            event=event,
            by_unit=cast.ganlin,
            kind="routine",
            title=event.title,
            facts="…",
            why="joint",
            departments=[cast.scjg.pk, cast.zrzy.pk],
            state=state,
            submitted_by=cast.duty,
            approve_due=event.next_due,
            next_due=event.next_due,
            approved_by=None if waits else cast.leader,
            request_id=uuid4(),
            **sent,
        )
        for event in events
    )
    if not waits:
        Dispatch.objects.bulk_create(part for whistle in whistles for part in _parts(cast, whistle, now))
    return whistles


def _parts(cast: Cast, whistle: Whistle, now: datetime) -> list[Dispatch]:
    return [
        Dispatch(
            number=f"{whistle.number}/{unit.code}",
            whistle=whistle,
            event=whistle.event,
            by_unit=cast.ganlin,
            department=unit,
            is_lead=unit == cast.scjg,
            sent_at=now,
            sign_due=whistle.next_due,
            arrive_due=whistle.next_due,
            finish_due=whistle.next_due if unit == cast.scjg else None,
            next_due=whistle.next_due,
        )
        for unit in (cast.scjg, cast.zrzy)
    ]
