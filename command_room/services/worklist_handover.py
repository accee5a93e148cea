"""Events that neighbouring townships hand over: what waits for an answer here, and what was not answered in time there."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from command_room.services.worklist_act import Act, event_tag, page
from enforcement.models import Handover
from townships.models import Post

FIELDS = (
    "id", "event_id", "event__number", "event__title", "event__is_urgent", "event__category__name", "state", "due",
    "is_provisional", "from_township_id", "from_township__short_name", "to_township__short_name",
)  # fmt: skip


def handovers(post: Post, _: Any, now: datetime, limit: int) -> Iterable[Act]:
    """One query: to answer, by due time; and first of all the own ones that have not been answered in time."""
    mine = Q(to_township_id=post.unit_id) | Q(from_township_id=post.unit_id, due__lt=now)
    rows = Handover.objects.filter(mine, state=Handover.State.ASKED).order_by("due", "id")
    for row in rows.values(*FIELDS)[:limit]:
        is_given = row["from_township_id"] == post.unit_id
        yield _given(row) if is_given else _offered(row)


def unanswered(now: datetime) -> Exists:
    """Of an event: it is offered to a neighbour, who has not answered in time."""
    return Exists(Handover.objects.filter(event_id=OuterRef("pk"), state=Handover.State.ASKED, due__lt=now))


def _offered(row: dict[str, Any]) -> Act:
    return _act(
        row,
        verb="答复移交",
        where=row["from_township__short_name"],
        why="邻镇移交过来，请看过再答复接收或不接收",
        url=page("enforcement:handover-detail", row["id"]),
    )


def _given(row: dict[str, Any]) -> Act:
    return _act(
        row,
        verb="收回或自办",
        where=row["to_township__short_name"],
        why="移交后对方没有按时答复，事件还在您这里",
        url=page("enforcement:event-detail", row["event_id"]),
        is_first=True,
    )


def _act(row: dict[str, Any], **more: Any) -> Act:
    return Act(
        title=row["event__title"],
        number=row["event__number"],
        **event_tag(row["event__category__name"], is_urgent=row["event__is_urgent"]),
        label="答复",
        due=row["due"],
        is_provisional=row["is_provisional"],
        state=row["state"],
        **more,
    )
