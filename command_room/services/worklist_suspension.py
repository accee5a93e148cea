"""挂账 that waits for the leader's yes: until then the clocks run on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from command_room.services.worklist_act import Act, kind_tag, page
from enforcement.models import Suspension
from enforcement.services.labels import CLOCKS
from townships.models import Post

FIELDS = (
    "state", "reason", "asked_office", "whistle_id", "whistle__number", "whistle__title", "whistle__kind",
    "whistle__finish_due", "whistle__provisional", "whistle__event__grid__short_name", "whistle__by_unit__short_name",
)  # fmt: skip
REASONS = dict(Suspension.Reason.choices)


def suspensions(post: Post, _: Any, __: datetime, limit: int) -> Iterable[Act]:
    """By the index on what is open: a whistle has one at most."""
    rows = Suspension.objects.filter(whistle__by_unit_id=post.unit_id, state=Suspension.State.ASKED)
    return [_act(row) for row in rows.order_by("whistle__finish_due", "id").values(*FIELDS)[:limit]]


def _act(row: dict[str, Any]) -> Act:
    return Act(
        verb="答复挂账",
        title=row["whistle__title"],
        number=row["whistle__number"],
        **kind_tag(row["whistle__kind"]),
        where=row["whistle__event__grid__short_name"] or row["whistle__by_unit__short_name"],
        why=f"{row['asked_office']}申请挂账（{REASONS[row['reason']]}），等您批准，批准之前照常计时",
        label=CLOCKS["finish_due"],
        due=row["whistle__finish_due"],
        is_provisional="finish_due" in row["whistle__provisional"],
        url=page("enforcement:whistle-detail", row["whistle_id"]) + "#suspension",
        state=row["state"],
    )
