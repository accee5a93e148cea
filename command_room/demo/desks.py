"""What a desk has done besides its matters: a list taken away, some departments reminded at once."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef

from command_room.demo.book import Book
from command_room.demo.cast import GANLIN
from enforcement.exports import work
from enforcement.models import Dispatch, Escalation, Lot
from enforcement.rules.escalation import Level
from enforcement.services.labels import CLOCKS, minute_words
from enforcement.services.running import clocks_of, handlers
from notifications import kinds
from records.models import Entry, Job, Stage
from records.services import entry_for
from records.services.job import Progress
from townships.models import User

EXPORTED = (("ganlin-duty", "state=open", timedelta(minutes=3)), ("zdb-officer", "", timedelta(minutes=6)))
KEPT = timedelta(hours=24)
REMINDED, REMINDED_AGO = 4, timedelta(minutes=25)


# --- 导出 ---------------------------------------------------------------------------------------------------------------
def export(people: dict[str, User], now: datetime) -> None:
    """Jobs that are done, each with its file: written by what writes every export."""
    for place, (account, query, ago) in enumerate(EXPORTED, 1):
        _export(people[account], query, now - ago, UUID(int=place))


def _export(user: User, query: str, at: datetime, request_id: UUID) -> None:
    post, listing, done_at = user.acting, work.listing_of("event"), at + timedelta(seconds=8)
    assert post is not None  # every account of the demo has one  # noqa: S101
    arguments = {"list": listing.code, "query": query, "format": "xlsx"}
    job = Job.objects.create(
        kind="export", title=f"导出{listing.title}", by=user, post_id=post.pk, office=user.office, arguments=arguments,
        about=f"{work.asked_of(listing, user, query).words() or '全部'}（XLSX）", state=Job.State.RUNNING, attempts=1,
        asked_at=at, started_at=at, beat_at=at, request_id=request_id,
    )  # fmt: skip
    outcome = work.run(job, Progress(job))
    rows = sum(made.rows for made in outcome.files)
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.DONE, done=rows, total=rows, message=outcome.sentence, finished_at=done_at,
        files=[made._asdict() for made in outcome.files], expires_at=done_at + KEPT, changed_at=done_at,
    )  # fmt: skip
    said = (
        ("job_asked", user, f"提交后台任务：{job.title}", at, "waiting"),
        ("job_started", None, "开始", at + timedelta(seconds=1), "running"),
        ("job_done", None, f"完成：{job.title}", done_at, "done"),
    )
    Entry.objects.bulk_create(_entry(job, verb, what, by=by, at=when, to=to) for verb, by, what, when, to in said)


def _entry(target: Job | Lot | Dispatch, verb: str, what: str, *, by: User | None, at: datetime, to: str = "") -> Entry:
    entry = entry_for(target, verb, by=by, what=what, stage=Stage.HANDLE, to_state=to)
    entry.at = at
    return entry


# --- 批量催办 -----------------------------------------------------------------------------------------------------------
def remind(book: Book, people: dict[str, User], now: datetime) -> None:
    """The duty officer reminds whoever has something of the township's in hand; one had been reminded before."""
    desk, at = people["ganlin-duty"], now - REMINDED_AGO
    told = Escalation.objects.filter(dispatch=OuterRef("pk"), due=OuterRef("next_due"))
    running = Dispatch.objects.filter(
        by_unit__code=GANLIN, state__in=Dispatch.IN_HAND, next_due__gt=now, sent_at__lt=at, signed_at__lt=at
    ).select_related("whistle", "department", "by_unit", "assigned_officer", "assigned_unit")
    fresh = list(running.exclude(Exists(told)).order_by("next_due", "id")[:REMINDED])
    earlier = running.filter(Exists(told.filter(at__lt=at))).order_by("id").first()
    outcomes = [_reminded(book, row, desk, at) for row in fresh]
    if earlier:
        outcomes.append(_left_out(earlier))
    lot = Lot.objects.create(
        act=Lot.Act.REMIND, by=desk, by_office=desk.office, at=at, outcomes=outcomes, request_id=UUID(int=1),
        seen=[[row.pk, row.state] for row in (*fresh, *([earlier] if earlier else []))],
    )  # fmt: skip
    _entry(lot, "lot_done", f"批量催办 {len(fresh)} 件", by=desk, at=at).save()


def _reminded(book: Book, row: Dispatch, desk: User, at: datetime) -> dict[str, object]:
    clock = next(iter(clocks_of(row)))
    Escalation.objects.create(
        dispatch=row, clock=clock.name, since=clock.since, limit=clock.limit, due=clock.due, level=Level.REMINDER,
        unit=row.department, by_unit=row.by_unit, at=at,
    )  # fmt: skip
    _entry(row, "dispatch_reminded", f"催办{row.department}：{CLOCKS[clock.name]}", by=desk, at=at).save()
    key = f"{clock.name}:{clock.due:%y%m%d%H%M}"
    book.tell(kinds.Reminded, row, to=handlers(row, clock.name), at=at, due=clock.due, key=key)
    return {"id": row.pk, "number": row.number, "is_done": True, "words": f"提醒{row.department}"}


def _left_out(row: Dispatch) -> dict[str, object]:
    said = Escalation.objects.filter(dispatch=row, due=F("dispatch__next_due")).order_by("level")[0]  # found by it
    words = f"这个期限已于 {minute_words(said.at)} 提醒过，同一个期限只提醒一次"
    return {"id": row.pk, "number": row.number, "is_done": False, "words": words}
