"""核查: after the lead has reported back, the grid member who reported goes and looks.

The whistling unit may decide without waiting: then what was asked is over (`services.pending`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from enforcement.models import Check, Event, Limit, Whistle
from enforcement.services.labels import late_mark
from enforcement.services.limit import steps_on
from enforcement.services.messages import event_message, whistle_message
from notifications import kinds
from notifications.services.outbox import notify
from records.models import Attachment, Stage
from records.services import Refused, lock, record
from records.services.attachment import Upload, attach, files_of_each
from townships import people
from townships.models import Post, Role, User
from townships.worktime import Due, due


def reporter_on_site(event: Event) -> User | None:
    """The reporter, where a grid member of this township has reported it."""
    posts = Post.objects.active(timezone.localdate()).filter(user=event.reported_by_id, role=Role.GRID)
    return event.reported_by if posts.filter(unit__parent_id=event.township_id).exists() else None


def whom_to_ask(event: Event) -> User | None:
    """The reporter; where somebody else has reported it, who looks after its grid."""
    if reporter := reporter_on_site(event):
        return reporter
    keepers = people.holders([event.grid_id], [Role.GRID]) if event.grid_id else {}
    return next(iter(keepers.get(event.grid_id or 0, [])), None)


def ask_after_report(whistle: Whistle, *, by: Any) -> None:
    """In the caller's transaction, with the whistle locked: the lead says that it is done."""
    if whistle.event is None or Check.objects.filter(whistle=whistle, state=Check.State.ASKED).exists():
        return
    if reporter := reporter_on_site(whistle.event):
        _ask(whistle, whistle.event, reporter, by=by)


@transaction.atomic
def ask(whistle: Whistle, *, by: Any, seen_state: str) -> None:
    """The desk asks for it. Twice is once. Raises Refused where nobody can be asked."""
    lock(whistle, seen_state=seen_state)
    if whistle.event is None or whistle.state != Whistle.State.REPORTED:
        raise Refused(whistle, "主办部门反馈之后、确认办结之前才能请网格员核查。")
    if Check.objects.filter(whistle=whistle, state=Check.State.ASKED).exists():
        return
    to = whom_to_ask(whistle.event)
    if to is None:
        raise Refused(whistle, "这件事不是网格员上报的，所在网格也没有网格员，请派人到现场看过再确认。")
    _ask(whistle, whistle.event, to, by=by)
    whistle.save(update_fields=["changed_at"])


@transaction.atomic
def answer(check: Check, *, by: Any, seen_state: str, answer: str, text: str, files: Iterable[Upload] = ()) -> None:
    """通过, 不通过 or 无法核查, with words and photos; the desk is told. Raises BadFile."""
    whistle, now = check.whistle, timezone.now()
    lock(whistle)
    lock(check, seen_state=seen_state)
    check.state, check.text = answer, text
    check.checked_at, check.checked_by = now, by
    check.save(update_fields=["state", "text", "checked_at", "checked_by"])
    for file in files:
        attach(check, file, by=by, phase=Attachment.Phase.AFTER)
    what = f"{check.get_state_display()}{late_mark(now, check.due)}"
    record(whistle, "check_answered", by=by, what=what, stage=Stage.CLOSE)
    whistle.save(update_fields=["changed_at"])
    message = whistle_message(kinds.CheckAnswered, whistle, whistle.eval_due)
    notify(message, to=people.desk(whistle.by_unit), key=f"check_answered:{check.pk}")


def end(whistle: Whistle) -> None:
    """In the caller's transaction, with the whistle locked: the lead has to go again, there is nothing to look at yet."""
    Check.objects.filter(whistle=whistle, state=Check.State.ASKED).update(state=Check.State.VOID)


@dataclass(frozen=True)
class Look:
    """A check with its photos."""

    check: Check
    photos: list[Attachment]


def looks(whistle: Whistle | None = None, *, event: Event | None = None) -> list[Look]:
    """The checks of a whistle, or of all of an event's, the newest first; not those that ended without an answer."""
    rows = Check.objects.filter(whistle=whistle) if whistle else Check.objects.filter(event=event)
    found = list(rows.exclude(state=Check.State.VOID).select_related("event").order_by("-id"))
    photos = files_of_each(found)
    return [Look(check, photos.get(check.pk, [])) for check in found]


def due_of(check: Check) -> Due:
    """By when, counted from the asking."""
    step = steps_on(timezone.localdate(check.asked_at))[(Limit.Kind.ALL, Limit.Step.CHECK)]
    return due(check.asked_at, step.unit, step.amount)


def _ask(whistle: Whistle, event: Event, to: User, *, by: Any) -> None:
    check = Check(whistle=whistle, event=event, asked_of=to)
    clock = due_of(check)
    check.due, check.is_provisional = clock.at, clock.provisional
    check.save(force_insert=True)
    record(whistle, "check_asked", by=by, what="请网格员到现场核查", stage=Stage.CLOSE)
    notify(event_message(kinds.CheckAsked, event, check.due), to=[to], key=f"check_asked:{check.pk}")
