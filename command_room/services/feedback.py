"""意见反馈: said once, answered once, and whoever said it hears of the answer."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from command_room.models import Feedback
from notifications import kinds
from notifications.services.outbox import notify
from records.models import Stage
from records.services import lock, once, record
from records.services.number import next_number
from townships.models import User

DAY = timedelta(days=1)
NO_UNIT = "000"  # in the number of somebody without a post


class TooMany(Exception):  # noqa: N818 - it is a sentence to a person, not a fault
    """This person has said as much today as the house takes in a day."""


def send(*, by: Any, request_id: UUID, kind: str, text: str, may_call: bool, from_path: str) -> Feedback:
    """Keep what was said. Twice is once. Raises TooMany."""

    def create() -> Feedback:
        now = timezone.now()
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=by.pk)  # two at once are counted one by one
        if _said_since(by, now - DAY) >= settings.FEEDBACK_PER_DAY:
            raise TooMany
        post = by.acting
        row = Feedback.objects.create(
            number=next_number("意", post.unit.code if post else NO_UNIT, timezone.localdate(now)),
            kind=kind,
            text=text,
            may_call=may_call,
            from_path=from_path,
            sent_by=by,
            sent_office=by.office,
            sent_role=post.role if post else "",
            sent_at=now,
            request_id=request_id,
        )
        what = f"提出意见反馈：{row.short_kind}"
        record(row, "feedback_sent", by=by, what=what, stage=Stage.COLLECT, to_state=row.state)
        return row

    if sent := Feedback.objects.filter(request_id=request_id, sent_by=by, kind=kind, text=text).first():
        return sent  # before anything is counted: the last one that a day takes may be sent twice too
    return once(Feedback, request_id, create, sent_by=by, kind=kind, text=text)


def _said_since(by: Any, since: datetime) -> int:
    """How many, as far as it matters. By the index of a person's own, newest first."""
    newest = Feedback.objects.filter(sent_by=by).order_by("-id").values_list("sent_at", flat=True)
    return sum(at >= since for at in newest[: settings.FEEDBACK_PER_DAY])


@transaction.atomic
def answer(row: Feedback, *, by: Any, seen_state: str, text: str) -> None:
    """The one answer; the sender is told. Raises WrongState where somebody has answered already."""
    lock(row, seen_state=seen_state)
    row.answer, row.answered_by, row.answered_at = text, by, timezone.now()
    row.save(update_fields=["answer", "answered_by", "answered_at"])
    record(
        row,
        "feedback_answered",
        by=by,
        what="答复意见反馈",
        stage=Stage.FEEDBACK,
        from_state="sent",
        to_state=row.state,
    )
    told = kinds.FeedbackAnswered(
        number=row.number, matter="意见反馈", unit=by.acting.unit.short_name, due=None, link=row.get_absolute_url()
    )
    notify(told, to=[row.sent_by], key=f"feedback_answered:{row.pk}")


def unanswered() -> int:
    """How many wait for an answer: for whoever administers."""
    return Feedback.objects.unanswered().count()
