"""Long jobs: asked for on a page, done by a worker, looked at on a page.

The table is the truth: a job that the broker lost, or whose worker was killed, is found by the sweep and taken up again.
A worker shows with each step that it lives, and that the job is still its own; so a job never hangs, and is never done
by two to the end.
"""

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from records.models import Job, Stage
from records.services.once import once
from records.services.timeline import Refused, advance, lock, record

log = logging.getLogger(__name__)

FOLDER = "jobs"
STUCK = timedelta(minutes=3)  # without a sign of life: its worker has died
FRESH = timedelta(seconds=10)  # younger ones are in the hands of the poke that follows their commit
TRIES = 3
MOST_OPEN = 3  # jobs of one person at a time
PLACES_LOCK = 20_261_124  # any number that no other advisory lock of the portal has
NO_POST = "您已不再担任“{office}”，这个任务没有进行。"
BROKEN = "出了故障，没有完成。请重新提交一次；仍不行的，请把“{number}”告诉系统管理员。"
DIED = "多次中断，没有完成。请缩小范围再试；仍不行的，请把“{number}”告诉系统管理员。"


class Impossible(Exception):  # noqa: N818 - a sentence to a person
    """Whoever does a job raises it when it cannot be done; the text says what to do instead."""


class Stopped(Exception):  # noqa: N818 - nobody's fault
    """The job is no longer this worker's: cancelled, or taken up by another one."""


class Made(NamedTuple):
    """A result file: `path` under MEDIA_ROOT."""

    name: str
    path: str
    size: int
    rows: int


@dataclass(frozen=True)
class Outcome:
    """What a job ends with: a sentence, and files that are kept for a day."""

    sentence: str
    files: Sequence[Made] = ()


class Progress:
    """In the hands of whoever does a job: says how far it is, and stops it when it is no longer wanted."""

    def __init__(self, job: Job) -> None:
        self._mine = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts)
        self._folder = _folders(job) / str(job.attempts)

    def __call__(self, done: int, total: int | None = None) -> None:
        """Raises Stopped. Outside any transaction, or nobody sees it."""
        known = {} if total is None else {"total": total}
        if not self._mine.update(done=done, beat_at=timezone.now(), **known):
            raise Stopped

    def folder(self) -> Path:
        """Where the result files go; nobody else writes there."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._folder

    def made(self, path: Path, rows: int) -> Made:
        """A finished file of the folder."""
        return Made(path.name, str(path.relative_to(settings.MEDIA_ROOT)), path.stat().st_size, rows)


Work = Callable[[Job, Progress], Outcome]


# --- by a person ------------------------------------------------------------------------------------------------------
def ask(kind: str, *, by: Any, request_id: UUID, title: str, arguments: dict[str, Any], about: str = "") -> Job:
    """Put a job into the queue. Twice is once. Raises Refused, UsedForm."""

    def create() -> Job:
        get_user_model().objects.select_for_update(no_key=True).get(pk=by.pk)  # what is asked for at once counts too
        waiting = list(Job.objects.filter(by=by, state__in=Job.OPEN).order_by("id")[:MOST_OPEN])
        if len(waiting) == MOST_OPEN:
            raise Refused(waiting[0], f"您已有 {MOST_OPEN} 个任务在办，等一个完成或取消一个，再提交新的。")
        job = Job.objects.create(
            kind=kind,
            title=title,
            about=about,
            by=by,
            post_id=by.acting.pk,
            office=by.office,
            arguments=arguments,
            request_id=request_id,
        )
        record(job, "job_asked", by=by, what=f"提交后台任务：{title}", stage=Stage.HANDLE, data=arguments)
        transaction.on_commit(poke, robust=True)
        return job

    return once(Job, request_id, create, by=by, kind=kind, arguments=arguments)


@transaction.atomic
def cancel(job: Job, *, by: Any, seen_state: str) -> None:
    """It ends where it stands; its worker notices at the next step. Raises WrongState where it has ended already.

    One that has begun since the page was drawn is cancelled all the same.
    """
    lock(job)
    begun = (seen_state, job.state) == (Job.State.WAITING, Job.State.RUNNING)
    advance(
        job,
        Job.State.CANCELLED,
        by=by,
        verb="job_cancelled",
        what="取消后台任务",
        stage=Stage.HANDLE,
        seen_state=None if begun else seen_state,
        finished_at=timezone.now(),
        message="您取消了这个任务。",
    )
    transaction.on_commit(partial(_drop_files, job), robust=True)


# --- by the workers -----------------------------------------------------------------------------------------------------
def poke() -> None:
    """Tell the workers that something waits. Only a hint: the sweep finds what was not told. Never raises."""
    try:
        current_app.send_task("records.run_job")
    except Exception as error:  # whatever the transport throws: the row is safe, and the caller is a person
        log.warning("poke failed, the sweep will start it: %s", error)


def run_next() -> None:
    """Do the oldest job that waits, if there is a place for it; then whatever waits behind it is started."""
    job = _take()
    if job is None:
        return
    mine = job.attempts
    try:
        _try(job)
    except Stopped:
        log.info("job %s is no longer this worker's", job.pk)
        _drop_files(job, mine)
    if Job.objects.filter(state=Job.State.WAITING).exists():
        poke()


def sweep() -> None:
    """Take up again what a dead worker has left, start what the broker lost, delete what has been kept long enough."""
    now = timezone.now()
    for job in Job.objects.filter(state=Job.State.RUNNING, beat_at__lte=now - STUCK):
        _revive(job, now)
    for job in Job.objects.filter(state=Job.State.DONE, expires_at__lte=now):
        _expire(job)
    if Job.objects.filter(state=Job.State.WAITING, asked_at__lte=now - FRESH).exists():
        poke()


# --- inside -------------------------------------------------------------------------------------------------------------
@transaction.atomic
def _take() -> Job | None:
    """The oldest that waits, now running. No more than JOBS_AT_ONCE run, so that the workers have a hand free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLACES_LOCK])
    if Job.objects.filter(state=Job.State.RUNNING).count() >= settings.JOBS_AT_ONCE:
        return None
    job = Job.objects.filter(state=Job.State.WAITING).select_related("by").order_by("id").first()
    if job is None:
        return None
    now = timezone.now()
    facts: dict[str, Any] = {"started_at": now, "beat_at": now, "attempts": job.attempts + 1, "done": 0, "total": None}
    advance(job, Job.State.RUNNING, by=None, verb="job_started", what="开始", stage=Stage.HANDLE, **facts)
    return job


def _try(job: Job) -> None:
    """Raises Stopped."""
    try:
        _do(job)
    except Stopped:
        raise
    except Impossible as error:
        _fail(job, str(error))
    except Exception:
        log.exception("job %s failed", job.pk)
        _fail(job, BROKEN.format(number=job.number))


def _do(job: Job) -> None:
    user: Any = job.by
    user.acting = user.active_posts().filter(pk=job.post_id).first()
    if user.acting is None:
        raise Impossible(NO_POST.format(office=job.office))
    work: Work = import_string(settings.JOB_KINDS[job.kind])
    outcome = work(job, Progress(job))
    now = timezone.now()
    kept = now + timedelta(hours=settings.JOB_FILE_HOURS) if outcome.files else None
    files = [made._asdict() for made in outcome.files]
    rows = sum(made.rows for made in outcome.files)
    _end(
        job,
        Job.State.DONE,
        what=f"完成：{job.title}",
        data={"files": len(files), "rows": rows},
        message=outcome.sentence,
        files=files,
        finished_at=now,
        expires_at=kept,
    )


def _fail(job: Job, sentence: str) -> None:
    _end(job, Job.State.FAILED, what="没有完成", message=sentence, finished_at=timezone.now())
    _drop_files(job)


@transaction.atomic
def _end(job: Job, to: str, *, what: str, data: dict[str, Any] | None = None, **fields: Any) -> None:
    """Its last step, and the message about it. Raises Stopped where it is no longer this worker's."""
    mine = job.attempts
    lock(job)
    if job.state != Job.State.RUNNING or job.attempts != mine:
        raise Stopped
    advance(job, to, by=None, verb=f"job_{to}", what=what, stage=Stage.HANDLE, data=data, **fields)
    import_string(settings.JOB_NEWS)(job)


@transaction.atomic
def _revive(job: Job, now: datetime) -> None:
    """Into the queue again; after TRIES it has failed, with a sentence."""
    lock(job)
    if job.state != Job.State.RUNNING or job.beat_at is None or job.beat_at > now - STUCK:
        return
    if job.attempts >= TRIES:
        _end(job, Job.State.FAILED, what="多次中断", message=DIED.format(number=job.number), finished_at=now)
        transaction.on_commit(partial(_drop_files, job), robust=True)
        return
    advance(job, Job.State.WAITING, by=None, verb="job_interrupted", what="中断，重新排队", stage=Stage.HANDLE)


@transaction.atomic
def _expire(job: Job) -> None:
    lock(job)
    if job.state == Job.State.DONE:
        advance(job, Job.State.EXPIRED, by=None, verb="job_expired", what="文件到期删除", stage=Stage.HANDLE)
        transaction.on_commit(partial(_drop_files, job), robust=True)


def _folders(job: Job) -> Path:
    """One folder a job, in it one for each try."""
    return Path(settings.MEDIA_ROOT) / FOLDER / str(job.pk)


def _drop_files(job: Job, attempt: int | None = None) -> None:
    """Of one try, or of all."""
    shutil.rmtree(_folders(job) / str(attempt or ""), ignore_errors=True)
