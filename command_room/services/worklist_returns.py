"""退哨: what waits for the department's leader to agree, and for the guidance office to decide."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from command_room.services.worklist_act import Act, common, first, kind_tag, page
from enforcement.models import Dispatch, Return
from enforcement.services.labels import CLOCKS
from townships.models import Post

TO_AGREE = (
    "id", "number", "state", "next_due", "provisional", "claimed_by_id", "claimed_by__name", "whistle__title",
    "whistle__kind", "by_unit__short_name", "returning__ground",
)  # fmt: skip
TO_DECIDE = tuple(f"dispatch__{name}" for name in (*TO_AGREE[:-1], "department__short_name", "returning__ground"))
GROUNDS = dict(Return.Ground.choices)


def to_agree(post: Post, user: Any, _: datetime, limit: int) -> Iterable[Act]:
    rows = Dispatch.objects.filter(department_id=post.unit_id, state=Dispatch.State.RETURNING)
    for row in first(rows, limit, TO_AGREE):
        why = f"本单位申请退哨（{GROUNDS[row['returning__ground']]}），等您同意"
        yield _act(row, user, "答复退哨", why)


def to_decide(_: Post, user: Any, __: datetime, limit: int) -> Iterable[Act]:
    """By the index on what waits for the arbitrator; before all that is only to be known."""
    rows = Return.objects.filter(state=Return.State.ARBITRATION).order_by("arb_due", "id").values(*TO_DECIDE)
    for found in rows[:limit]:
        row = {name.removeprefix("dispatch__"): value for name, value in found.items()}
        why = f"{row['department__short_name']}退哨（{GROUNDS[row['returning__ground']]}），等指导办裁定"
        yield _act(row, user, "裁定退哨", why, is_first=True)


def _act(row: dict[str, Any], user: Any, verb: str, why: str, *, is_first: bool = False) -> Act:
    return Act(
        verb=verb,
        title=row["whistle__title"],
        number=row["number"],
        **kind_tag(row["whistle__kind"]),
        where=row["by_unit__short_name"],
        why=why,
        label=CLOCKS["return_due"],
        url=page("enforcement:dispatch-detail", row["id"]),
        is_first=is_first,
        **common(row, user, "return_due"),
    )
