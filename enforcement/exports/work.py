"""An export: at once where it is short, else a long job. Either way with the sight of whoever asks, at the moment it runs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import IO, Any, cast
from uuid import UUID

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from django.utils.module_loading import import_string

from enforcement.exports.table import Listing, Names, Row, names
from enforcement.filters.asked import Asked
from records.models import Job
from records.services import access, job
from records.services.job import Impossible, Outcome, Progress
from records.services.spreadsheet import About, Line, write

CHUNK = 2000  # rows that are in memory at a time, and after which progress is said
TOO_MANY = "筛选出 {total:,} 条，超过一次最多导出的 {most:,} 条。请用筛选缩小范围（例如按季度）分几次导出。"
NO_SIGHT = "您现在的岗位看不到这个列表，没有导出。"
UNCLEAR = "筛选条件现在不能用了，没有导出。请回到列表重新筛选再导出。"


def listing_of(code: str) -> Listing:
    """The list of this code, also of a room above (settings.LISTINGS). Raises KeyError."""
    return cast(Listing, import_string(settings.LISTINGS[code]))


def asked_of(listing: Listing, user: Any, query: str) -> Asked:
    """Its rows for this person under an address that was kept as text."""
    return listing.asked(user, QueryDict(query))


def is_short(asked: Asked) -> bool:
    """Whether it is a download of this moment; counts no farther than it has to."""
    return bool(asked.rows.order_by()[: settings.EXPORT_AT_ONCE + 1].count() <= settings.EXPORT_AT_ONCE)


def download(listing: Listing, asked: Asked, *, by: Any, query: str, kind: str) -> IO[bytes]:
    """A temporary file with all rows; that it was taken is on record."""
    now = timezone.now()
    out = TemporaryFile()  # noqa: SIM115 - the response closes it
    table = (listing.title, listing.columns, lines(listing, asked, names(now)))
    rows = write(kind, out, table, partial(about, by, now, asked))
    detail = {"list": listing.code, "query": query, "format": kind, "words": asked.words()[:400]}
    access.note(by, "exported", count=rows, detail=detail)
    out.seek(0)
    return out


def start(listing: Listing, asked: Asked, *, by: Any, query: str, kind: str, request_id: UUID) -> Job:
    """A job for what takes longer. Twice is once. Raises Refused, UsedForm."""
    arguments = {"list": listing.code, "query": query, "format": kind}
    title, said = f"导出{listing.title}", f"{asked.words() or '全部'}（{kind.upper()}）"
    return job.ask("export", by=by, request_id=request_id, title=title, about=said[:400], arguments=arguments)


def run(asked_job: Job, progress: Progress) -> Outcome:
    """What the worker does. The acting post has been looked up anew."""
    listing, user = listing_of(asked_job.arguments["list"]), asked_job.by
    if not listing.may(user):
        raise Impossible(NO_SIGHT)
    asked = asked_of(listing, user, asked_job.arguments["query"])
    if not asked.is_valid:
        raise Impossible(UNCLEAR)
    total = asked.rows.order_by().count()
    if total > settings.EXPORT_MOST:
        raise Impossible(TOO_MANY.format(total=total, most=settings.EXPORT_MOST))
    progress(0, total)
    made = _files(asked_job, listing, asked, progress)
    rows = sum(one.rows for one in made)
    parts = f"，分成 {len(made)} 个文件" if len(made) > 1 else ""
    return Outcome(f"共 {rows:,} 条{parts}。", made)


def _files(asked_job: Job, listing: Listing, asked: Asked, progress: Progress) -> Sequence[job.Made]:
    """One reading of all rows, cut into files: no row is twice in them, and none is missing."""
    now, kind = timezone.now(), asked_job.arguments["format"]
    rows = counted(lines(listing, asked, names(now)), progress)
    made: list[job.Made] = []
    first = list(islice(rows, 1))
    while first or not made:
        part = islice(chain(first, rows), settings.EXPORT_FILE_ROWS)
        path = progress.folder() / filename(listing, asked_job.office, now, kind, len(made) + 1)
        with path.open("wb") as out:
            said = partial(about, asked_job.by, now, asked, note=f"{asked_job.number}，第 {len(made) + 1} 个文件")
            count = write(kind, out, (listing.title, listing.columns, part), said)
        made.append(progress.made(path, count))
        first = list(islice(rows, 1))
    return made


def counted(rows: Iterator[Line], progress: Progress) -> Iterator[Line]:
    for number, row in enumerate(rows, start=1):
        if number % CHUNK == 0:
            progress(number)
        yield row


def lines(listing: Listing, asked: Asked, known: Names) -> Iterator[Line]:
    """By a cursor of the server's: what is read is written, and forgotten."""
    rows: Iterator[Row] = asked.rows.values(*listing.fields).iterator(chunk_size=CHUNK)
    return (listing.line(row, known) for row in rows)


def filename(listing: Listing, office: str, now: datetime, kind: str, part: int = 1) -> str:
    unit = office.partition("·")[0]
    number = f"-{part}" if part > 1 else ""
    return f"{listing.title}-{unit}-{timezone.localtime(now):%Y%m%d-%H%M}{number}.{kind}"


def about(by: Any, now: datetime, asked: Asked, rows: int, *, note: str = "") -> Sequence[About]:
    """Who took it, in which office, when, by which filters, and how many rows: it stands in the file itself."""
    return [
        About("导出人", str(by)),
        About("岗位", by.office),
        About("导出时间", f"{timezone.localtime(now):%Y-%m-%d %H:%M}"),
        About("筛选条件", asked.words() or "无（岗位能看到的全部）"),
        About("本文件条数", f"{rows:,}"),
        *([About("任务", note)] if note else []),
        About("提醒", "内部工作资料，只限本岗位工作使用；导出和下载都有记录。"),
    ]
