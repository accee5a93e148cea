"""评价申诉 that the guidance office has to decide. It has no clock; whoever asked first comes first."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from command_room.services.worklist_act import Act, kind_tag, page
from enforcement.models import Appeal
from enforcement.services.labels import day_words
from townships.models import Post

FIELDS = (
    "dispatch_id", "dispatch__number", "dispatch__whistle__title", "dispatch__whistle__kind", "dispatch__stars",
    "dispatch__department__short_name", "dispatch__by_unit__short_name", "state", "asked_at",
)  # fmt: skip


def appeals(_: Post, __: Any, ___: datetime, limit: int) -> Iterable[Act]:
    rows = Appeal.objects.filter(state=Appeal.State.ASKED).order_by("asked_at", "id")
    return [_act(row) for row in rows.values(*FIELDS)[:limit]]


def _act(row: dict[str, Any]) -> Act:
    return Act(
        verb="裁定申诉",
        title=row["dispatch__whistle__title"],
        number=row["dispatch__number"],
        **kind_tag(row["dispatch__whistle__kind"]),
        where=row["dispatch__by_unit__short_name"],
        why=(
            f"{row['dispatch__department__short_name']}不接受 {row['dispatch__stars']} 星评价，"
            f"{day_words(row['asked_at'])}提出，等指导办裁定"
        ),
        label="",
        due=None,
        is_provisional=False,
        url=page("enforcement:dispatch-detail", row["dispatch_id"]),
        state=row["state"],
        is_first=True,
    )
