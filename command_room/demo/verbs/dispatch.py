"""`enforcement.services.dispatch` on unsaved rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from command_room.demo.book import Book
from command_room.demo.verbs import check as checks
from command_room.demo.verbs.whistle import follow, tell_department
from enforcement.models import Attendance, Dispatch, Event, Remark, Report, Whistle
from enforcement.services.clocks import begun_at, part_of, running
from enforcement.services.labels import late_mark
from enforcement.services.messages import clock_of
from notifications import kinds
from records.models import Stage
from townships.models import Unit, User


def sign(
    book: Book,
    dispatch: Dispatch,
    *,
    by: User,
    at: datetime,
    unit: Unit | None = None,
    officer: User | None = None,
) -> None:
    """May name the sub-unit or officer who goes."""
    _walk(
        book,
        dispatch,
        Dispatch.State.SIGNED,
        by=by,
        at=at,
        verb="dispatch_signed",
        what=f"{dispatch.department}签收{late_mark(at, dispatch.sign_due)}",
        stage=Stage.DISPATCH,
        signed_at=at,
        signed_by=by,
    )
    if unit or officer:
        dispatch.assigned_unit, dispatch.assigned_officer = unit, officer
        who = str(unit) if unit else "承办人员"
        book.line(dispatch, "dispatch_assigned", by=by, at=at, what=f"指定{who}前往", stage=Stage.DISPATCH)
        told = book.cast.departments[dispatch.department.code].stations[dispatch.by_unit.pk][1] if unit else []
        told = [*told, officer] if officer else told
        book.tell(kinds.DispatchAssigned, dispatch, to=told, at=at, due=clock_of(kinds.DispatchAssigned, dispatch))


def arrive(book: Book, dispatch: Dispatch, *, by: User, at: datetime, officers: Sequence[User]) -> None:
    day = timezone.localdate(at)
    known = {user.username: book.cast.certificates.get(user.username) for user in officers}
    valid = {name: row.number for name, row in known.items() if row and row.valid_from <= day <= row.valid_to}
    _walk(
        book,
        dispatch,
        Dispatch.State.ARRIVED,
        by=by,
        at=at,
        verb="dispatch_arrived",
        what=f"{dispatch.department}到场{len(officers)}人，持有效证件{len(valid)}人{late_mark(at, dispatch.arrive_due)}",
        stage=Stage.HANDLE,
        arrived_at=at,
        arrived_by=by,
    )
    book.attendances += [
        Attendance(
            dispatch=dispatch,
            officer=user,
            certificate_number=valid.get(user.username, ""),
            certificate_valid=user.username in valid,
        )
        for user in officers
    ]
    _tell_township(book, kinds.DispatchArrived, dispatch, at=at)


def report_interim(book: Book, dispatch: Dispatch, *, by: User, at: datetime, measures: str) -> None:
    late = late_mark(at, None if dispatch.interim_at else dispatch.report_due)
    _new_report(book, dispatch, by, at, kind="interim", measures=measures, is_late=bool(late))
    dispatch.interim_at = dispatch.interim_at or at
    run_clock(dispatch)
    what = f"{dispatch.department}首报{late}"
    book.line(dispatch, "dispatch_interim", by=by, at=at, what=what, stage=Stage.HANDLE)
    follow(book, dispatch.whistle)


def report_back(book: Book, dispatch: Dispatch, *, by: User, at: datetime, result: str, measures: str) -> Report:
    late = late_mark(at, dispatch.current_finish_due)
    _walk(
        book,
        dispatch,
        Dispatch.State.REPORTED,
        by=by,
        at=at,
        verb="dispatch_reported",
        what=f"{dispatch.department}反馈：{Report.Result(result).label}{late}",
        stage=Stage.FEEDBACK,
        reported_at=at,
        first_reported_at=dispatch.first_reported_at or at,
    )
    report = _new_report(book, dispatch, by, at, kind="final", result=result, measures=measures, is_late=bool(late))
    _tell_township(book, kinds.DispatchReported, dispatch, at=at)
    if dispatch.is_lead:
        checks.ask_after_report(book, dispatch.whistle, by=by, at=at)
    return report


def remark(book: Book, dispatch: Dispatch, *, by: User, at: datetime, text: str) -> None:
    from_township = by.acting is not None and by.acting.unit == dispatch.by_unit
    side = Remark.Side.TOWNSHIP if from_township else Remark.Side.DEPARTMENT
    made = Remark(
        dispatch=dispatch, side=side, text=text, by=by, by_office=by.office, request_id=book.request_id(), at=at
    )
    book.remarks.append(made)
    who = dispatch.by_unit if from_township else dispatch.department
    book.line(dispatch, "dispatch_remarked", by=by, at=at, what=f"{who}留言", stage=Stage.HANDLE)
    if from_township:
        tell_department(book, kinds.RemarkWritten, dispatch, at=at, key=str(made.request_id))
    else:
        _tell_township(book, kinds.RemarkWritten, dispatch, at=at)


def take(book: Book, obj: Event | Whistle | Dispatch, *, by: User, at: datetime) -> None:
    """认领."""
    what = "接手办理" if obj.claimed_by else "认领办理"
    obj.claimed_by, obj.claimed_at = by, at
    book.line(obj, "claimed", by=by, at=at, what=what, stage=Stage.HANDLE)


# --- inside ---------------------------------------------------------------------------------------------------------
def _walk(book: Book, dispatch: Dispatch, to: str, **arrow: Any) -> None:
    book.advance(dispatch, to, claimed_at=None, claimed_by=None, **arrow)
    run_clock(dispatch)
    follow(book, dispatch.whistle)


def run_clock(dispatch: Dispatch) -> None:
    clock = running(part_of(dispatch), begun_at(dispatch))
    dispatch.next_due, dispatch.alarm_at = clock["next_due"], clock["alarm_at"]


def _new_report(book: Book, dispatch: Dispatch, by: User, at: datetime, **fields: Any) -> Report:
    report = Report(dispatch=dispatch, by=by, by_office=by.office, at=at, request_id=book.request_id(), **fields)
    book.reports.append(report)
    return report


def _tell_township(book: Book, kind: type[kinds.Kind], dispatch: Dispatch, *, at: datetime) -> None:
    town = book.cast.side(dispatch.by_unit)
    book.tell(kind, dispatch, to=town.duty, at=at, due=clock_of(kind, dispatch), key=str(len(book.notices)))
