"""延期 that waits for an answer: the first of the whistling unit's desk, the second of the guidance office."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from command_room.services.worklist_act import Act, kind_tag, page
from enforcement.models import Extension
from enforcement.rules.deadlines import Step
from enforcement.services.labels import CLOCKS
from townships.models import Post

FIELDS = (
    "state", "turn", "unit", "amount", "dispatch_id", "dispatch__number", "dispatch__finish_due",
    "dispatch__provisional", "dispatch__whistle__title", "dispatch__whistle__kind",
    "dispatch__department__short_name", "dispatch__by_unit__short_name",
)  # fmt: skip


def extensions(post: Post, _: Any, __: datetime, limit: int) -> Iterable[Act]:
    rows = Extension.objects.filter(dispatch__by_unit_id=post.unit_id, turn=Extension.FIRST)
    return _acts(rows, limit, is_first=False)


def second_extensions(_: Post, __: Any, ___: datetime, limit: int) -> Iterable[Act]:
    """Before all that is only to be known."""
    return _acts(Extension.objects.filter(turn=Extension.SECOND), limit, is_first=True)


def _acts(rows: QuerySet[Extension], limit: int, *, is_first: bool) -> Iterable[Act]:
    """By the index on what waits for its answer; the finish that runs on comes first where it is nearest."""
    asked = rows.filter(state=Extension.State.ASKED).order_by("dispatch__finish_due", "id")
    return [_act(row, is_first=is_first) for row in asked.values(*FIELDS)[:limit]]


def _act(row: dict[str, Any], *, is_first: bool) -> Act:
    return Act(
        verb="答复延期",
        title=row["dispatch__whistle__title"],
        number=row["dispatch__number"],
        **kind_tag(row["dispatch__whistle__kind"]),
        where=row["dispatch__by_unit__short_name"],
        why=f"{row['dispatch__department__short_name']}申请延期 {Step(row['unit'], row['amount'])}，期限还在走，等答复",
        label=CLOCKS["finish_due"],
        due=row["dispatch__finish_due"],
        is_provisional="finish_due" in row["dispatch__provisional"],
        url=page("enforcement:dispatch-detail", row["dispatch_id"]) + "#extension",
        state=row["state"],
        is_first=is_first,
    )
