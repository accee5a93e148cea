"""What a few people have said about the portal: two answered, three that wait for the administrator."""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from command_room.demo.cast import Cast
from command_room.models import Feedback
from records.models import Entry, Stage
from records.services import entry_for
from records.services.number import next_number

SAID = (  # (account, days ago, kind, what, may be called, from which page, the answer)
    ("ganlin-grid", 20, "clumsy", "类别太多，常报的占道、垃圾请放在最前面。", False, "/events/report/",
     "已按最近三个月上报的次数把常用的放在最前面，请再试试。"),
    ("scjg-liaison", 12, "burden", "派单反馈过的，月底又要另外填一张表报数，能不能直接从平台导。", True, "/dispatches/",
     "已和指导办说定，月报从平台导出，不再另填表。"),
    ("ganlin-duty", 3, "idea", "交接单希望能只看超期的几件。", False, "/shift-notes/", ""),
    ("zrzy-officer", 1, "broken", "手机上点“已到场”，有一次转了很久才出来。", True, "/worklist/", ""),
    ("ganlin-grid", 1, "burden", "村里还要求另外拍照发群里，和上报重复。", False, "/worklist/", ""),
)  # fmt: skip


def write(cast: Cast, now: datetime) -> None:
    rows = [_row(cast, now, place) for place in range(len(SAID))]
    Feedback.objects.bulk_create(rows)
    Entry.objects.bulk_create(entry for row in rows for entry in _entries(row))


def _row(cast: Cast, now: datetime, place: int) -> Feedback:
    account, days, kind, text, may_call, path, answer = SAID[place]
    user, at = cast.people[account], now - timedelta(days=days, hours=2 + place)
    post = user.acting
    assert post is not None  # every account of the demo has one  # noqa: S101
    return Feedback(
        number=next_number("意", post.unit.code, timezone.localdate(at)),
        kind=kind,
        text=text,
        may_call=may_call,
        from_path=path,
        sent_by=user,
        sent_office=user.office,
        sent_role=post.role,
        sent_at=at,
        answer=answer,
        answered_by=cast.people["bureau-admin"] if answer else None,
        answered_at=at + timedelta(days=1) if answer else None,
        request_id=UUID(int=place + 1),
    )


def _entries(row: Feedback) -> list[Entry]:
    said = entry_for(
        row,
        "feedback_sent",
        by=row.sent_by,
        what=f"提出意见反馈：{row.short_kind}",
        stage=Stage.COLLECT,
        to_state="sent",
    )
    said.at = row.sent_at
    if row.answered_at is None:
        return [said]
    answered = entry_for(
        row, "feedback_answered", by=row.answered_by, what="答复意见反馈", stage=Stage.FEEDBACK,
        from_state="sent", to_state="answered",
    )  # fmt: skip
    answered.at = row.answered_at
    return [said, answered]
