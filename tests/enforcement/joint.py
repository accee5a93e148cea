"""Joint actions that the tests start from, by the fixed cast."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from enforcement.models import Whistle
from enforcement.services import action
from enforcement.services import whistle as whistles
from tests.cast import Cast
from tests.enforcement.walk import at
from townships.models import Unit, User

NOW = at("2026-11-24 10:36")
ASSEMBLY = at("2026-11-26 09:00")  # before a campaign's limit to arrive, 11-27 24:00
TASKS = ("查经营资格和食品安全。", "核用地和违建。", "清理占道。", "维持交通。")


def soon() -> datetime:
    """An assembly that every kind allows."""
    return timezone.now() + timedelta(hours=3)


def submitted(cast: Cast, *, by: User | None = None, units: list[Unit] | None = None, **over: Any) -> Whistle:
    """甘霖镇 calls 市场监管局 (lead), 自然资源局 and 综合执法局, unless told otherwise."""
    who, asked = by or cast.duty, units or [cast.scjg, cast.zrzy, cast.zfj]
    said: dict[str, Any] = {
        "request_id": uuid4(),
        "kind": "campaign",
        "title": "沿街餐饮油烟联合整治",
        "facts": "群众反映集中，请几家一起上门。",
        "area": "振兴路至文昌路",
        "assemble_at": ASSEMBLY,
        "assemble_place": "镇政府东门",
        "lead": asked[0],
        "helpers": asked[1:],
        "tasks": dict(zip([unit.pk for unit in asked], TASKS, strict=False)),
    }
    assert who.acting is not None
    return action.submit(who.acting.unit, by=who, **{**said, **over})


def approved(cast: Cast, **over: Any) -> Whistle:
    whistle = submitted(cast, **over)
    if whistle.state == Whistle.State.SUBMITTED:
        leader = cast.leader if whistle.by_unit == cast.ganlin else cast.scjg_leader
        whistles.approve(whistle, by=leader, seen_state="submitted")
    return whistle


def of_scjg(cast: Cast, **over: Any) -> Whistle:
    """市场监管局 calls 甘霖镇 (lead), 长乐镇 and 自然资源局."""
    return approved(cast, by=cast.scjg_liaison, units=[cast.ganlin, cast.changle, cast.zrzy], **over)


def typed(cast: Cast, moment: datetime | str = "2026-11-26T09:00", **over: Any) -> dict[str, Any]:
    """What the form of `submitted` sends."""
    asked = [cast.scjg, cast.zrzy, cast.zfj]
    fields = {
        "request_id": str(uuid4()),
        "kind": "campaign",
        "title": "沿街餐饮油烟联合整治",
        "facts": "群众反映集中，请几家一起上门。",
        "area": "振兴路至文昌路",
        "assemble_at": str(moment),
        "assemble_place": "镇政府东门",
        "lead": cast.scjg.pk,
        "helpers": [cast.zrzy.pk, cast.zfj.pk],
        **{f"task_{unit.pk}": task for unit, task in zip(asked, TASKS, strict=False)},
    }
    return {**fields, **over}
