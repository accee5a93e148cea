"""核查: where a grid member is asked to go and look whether it has been done."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from command_room.services.worklist_act import Act, event_tag, page
from enforcement.models import Check
from townships.models import Post

FIELDS = (
    "event_id", "event__number", "event__title", "event__place", "event__is_urgent", "event__category__name", "state",
    "due", "is_provisional",
)  # fmt: skip


def checks(post: Post, user: Any, _: datetime, limit: int) -> Iterable[Act]:
    """The earliest due first, in one query."""
    rows = Check.objects.filter(asked_of=user, state=Check.State.ASKED, event__township_id=post.organ_id)
    return [_act(row) for row in rows.order_by("due", "id").values(*FIELDS)[:limit]]


def _act(row: dict[str, Any]) -> Act:
    return Act(
        verb="去核查",
        title=row["event__title"],
        number=row["event__number"],
        **event_tag(row["event__category__name"], is_urgent=row["event__is_urgent"]),
        where=row["event__place"],
        why="部门说处置好了，请到现场看一看，告诉镇里行不行",
        label="核查",
        due=row["due"],
        is_provisional=row["is_provisional"],
        url=page("enforcement:event-detail", row["event_id"]),
        state=row["state"],
    )
