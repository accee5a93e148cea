"""What departments have reported, with its files and who was there: for the pages that show it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from enforcement.models import Attendance, Dispatch, Report
from records.models import Attachment
from records.services.attachment import files_of_each


@dataclass(frozen=True)
class Filed:
    """One report and what came with it."""

    report: Report
    photos: list[Attachment]
    documents: list[Attachment]


@dataclass
class Work:
    """All that a department did on site."""

    attendances: list[Attendance] = field(default_factory=list)
    filed: list[Filed] = field(default_factory=list)


def work_of(dispatches: Sequence[Dispatch]) -> dict[int, Work]:
    """Dispatch id → its work, an empty one where there is none yet. Three queries, however many dispatches."""
    found: dict[int, Work] = defaultdict(Work)
    reports = list(Report.objects.filter(dispatch__in=dispatches).order_by("id"))
    files = files_of_each(reports)
    for report in reports:
        mine = files.get(report.pk, [])
        photos = [one for one in mine if one.kind == Attachment.Kind.PHOTO]
        documents = [one for one in mine if one.kind == Attachment.Kind.DOCUMENT]
        found[report.dispatch_id].filed.append(Filed(report, photos, documents))
    for attendance in Attendance.objects.filter(dispatch__in=dispatches).select_related("officer").order_by("id"):
        found[attendance.dispatch_id].attendances.append(attendance)
    return found
