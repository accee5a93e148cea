"""A department's part of a whistle: signed, assigned, arrived, reported back, remarked on. Late acts count, marked late."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from enforcement.models import Attendance, Dispatch, Remark, Report
from enforcement.services import check as checks
from enforcement.services.clocks import begun_at, follow, part_of, running
from enforcement.services.labels import late_mark
from enforcement.services.messages import department_people, dispatch_message
from notifications import kinds
from notifications.services.outbox import notify
from records.models import Attachment, Stage
from records.services import Refused, advance, lock, once, record
from records.services.attachment import Upload, attach
from townships import people
from townships.models import Certificate, Unit, User


@transaction.atomic
def sign(
    dispatch: Dispatch,
    *,
    by: Any,
    seen_state: str,
    assigned_unit: Unit | None = None,
    assigned_officer: User | None = None,
) -> None:
    """签收; may name at once the sub-unit or officer who goes."""
    now = timezone.now()
    late = late_mark(now, dispatch.sign_due)
    _walk(
        dispatch,
        Dispatch.State.SIGNED,
        by=by,
        verb="dispatch_signed",
        what=f"{dispatch.department}签收{late}",
        stage=Stage.DISPATCH,
        seen_state=seen_state,
        signed_at=now,
        signed_by=by,
    )
    if assigned_unit or assigned_officer:
        _assign(dispatch, by=by, assigned_unit=assigned_unit, assigned_officer=assigned_officer)


@transaction.atomic
def assign(dispatch: Dispatch, *, by: Any, assigned_unit: Unit | None, assigned_officer: User | None) -> None:
    """Name, or change, the sub-unit or officer who goes; they see it in their own list and are told."""
    lock(dispatch)
    if dispatch.state not in Dispatch.IN_HAND:
        raise Refused(dispatch, "派单已经反馈或办结，不能再改承办人。")
    _assign(dispatch, by=by, assigned_unit=assigned_unit, assigned_officer=assigned_officer)


@transaction.atomic
def arrive(dispatch: Dispatch, *, by: Any, seen_state: str, officers: Sequence[User], uses_power: bool) -> None:
    """报到: who came. Where enforcement power will be used, one at least holds a certificate valid today (条例 art 28)."""
    now = timezone.now()
    valid = _valid_certificates(officers, now)
    if uses_power and not valid:
        raise Refused(dispatch, "到场人员都没有当日有效的执法证件：请加派持证人员，或改为不行使执法权的到场。")
    late = late_mark(now, dispatch.arrive_due)
    _walk(
        dispatch,
        Dispatch.State.ARRIVED,
        by=by,
        verb="dispatch_arrived",
        what=f"{dispatch.department}到场{len(officers)}人，持有效证件{len(valid)}人{late}",
        stage=Stage.HANDLE,
        seen_state=seen_state,
        arrived_at=now,
        arrived_by=by,
    )
    Attendance.objects.bulk_create(
        Attendance(
            dispatch=dispatch,
            officer=officer,
            certificate_number=valid.get(officer.pk, ""),
            certificate_valid=officer.pk in valid,
        )
        for officer in officers
    )
    _tell_township(kinds.DispatchArrived, dispatch, key=f"dispatch_arrived:{dispatch.pk}")


def report_interim(
    dispatch: Dispatch, *, by: Any, request_id: UUID, measures: str, files: Iterable[Upload] = ()
) -> Report:
    """首报: how it stands. Twice is once. Raises BadFile, Refused, UsedForm."""

    def create() -> Report:
        _lock_both(dispatch)
        if dispatch.state not in ("arrived", "rework"):
            raise Refused(dispatch, "到场之后、反馈之前才能首报。")
        now = timezone.now()
        late = late_mark(now, None if dispatch.interim_at else dispatch.report_due)
        said = {"kind": "interim", "measures": measures, "is_late": bool(late), "at": now}
        report = _new_report(dispatch, by, request_id, files, **said)
        dispatch.interim_at = dispatch.interim_at or now
        clock = running(part_of(dispatch), begun_at(dispatch))
        dispatch.next_due, dispatch.alarm_at = clock["next_due"], clock["alarm_at"]
        dispatch.save(update_fields=["interim_at", "next_due", "alarm_at", "changed_at"])
        record(dispatch, "dispatch_interim", by=by, what=f"{dispatch.department}首报{late}", stage=Stage.HANDLE)
        follow(dispatch.whistle)
        return report

    return once(Report, request_id, create, by=by, dispatch_id=dispatch.pk, measures=measures)


def report_back(
    dispatch: Dispatch,
    *,
    by: Any,
    request_id: UUID,
    seen_state: str,
    result: str,
    measures: str,
    files: Iterable[Upload] = (),
) -> Report:
    """反馈: result, measures, photos and files. The township then confirms or sends back. Twice is once."""

    def create() -> Report:
        _lock_both(dispatch, seen_state=seen_state)
        now = timezone.now()
        late = late_mark(now, dispatch.current_finish_due)
        _walk(
            dispatch,
            Dispatch.State.REPORTED,
            by=by,
            verb="dispatch_reported",
            what=f"{dispatch.department}反馈：{Report.Result(result).label}{late}",
            stage=Stage.FEEDBACK,
            reported_at=now,
            first_reported_at=dispatch.first_reported_at or now,
        )
        said = {"kind": "final", "result": result, "measures": measures, "is_late": bool(late), "at": now}
        report = _new_report(dispatch, by, request_id, files, **said)
        _tell_township(kinds.DispatchReported, dispatch, key=f"dispatch_reported:{report.pk}")
        if dispatch.is_lead:
            checks.ask_after_report(dispatch.whistle, by=by)
        return report

    return once(Report, request_id, create, by=by, dispatch_id=dispatch.pk, result=result, measures=measures)


def remark(dispatch: Dispatch, *, by: Any, request_id: UUID, text: str) -> Remark:
    """留言 from either side; the other is told. Twice is once."""

    def create() -> Remark:
        from_township = by.acting.unit_id == dispatch.by_unit_id
        side = Remark.Side.TOWNSHIP if from_township else Remark.Side.DEPARTMENT
        made = Remark.objects.create(
            dispatch=dispatch, side=side, text=text, by=by, by_office=by.office, request_id=request_id
        )
        who = dispatch.by_unit if from_township else dispatch.department
        record(dispatch, "dispatch_remarked", by=by, what=f"{who}留言", stage=Stage.HANDLE)
        to = department_people(dispatch) if from_township else people.desk(dispatch.by_unit)
        notify(dispatch_message(kinds.RemarkWritten, dispatch), to=to, key=f"remark_written:{made.pk}")
        return made

    return once(Remark, request_id, create, by=by, dispatch_id=dispatch.pk, text=text)


# --- inside ---------------------------------------------------------------------------------------------------------
def _lock_both(dispatch: Dispatch, *, seen_state: str | None = None) -> None:
    """Parent first, so that two departments of one whistle cannot lock each other out."""
    lock(dispatch.whistle)
    lock(dispatch, seen_state=seen_state)


def _walk(dispatch: Dispatch, to: str, *, seen_state: str | None = None, **arrow: Any) -> None:
    """Walk an arrow of the dispatch with its next due time, then bring the whistle in line."""
    _lock_both(dispatch, seen_state=seen_state)
    since = dispatch.lead_at if dispatch.lead_at and to == Dispatch.State.ARRIVED else dispatch.sent_at
    clock = running(replace(part_of(dispatch), state=to), since)
    advance(dispatch, to, **clock, claimed_at=None, claimed_by=None, **arrow)
    follow(dispatch.whistle)


def _assign(dispatch: Dispatch, *, by: Any, assigned_unit: Unit | None, assigned_officer: User | None) -> None:
    dispatch.assigned_unit, dispatch.assigned_officer = assigned_unit, assigned_officer
    dispatch.save(update_fields=["assigned_unit", "assigned_officer", "changed_at"])
    who = str(assigned_unit) if assigned_unit else "承办人员"
    entry = record(dispatch, "dispatch_assigned", by=by, what=f"指定{who}前往", stage=Stage.DISPATCH)
    told = people.subunit_people(assigned_unit) if assigned_unit else []
    if assigned_officer:
        told = [*told, assigned_officer]
    notify(dispatch_message(kinds.DispatchAssigned, dispatch), to=told, key=f"dispatch_assigned:{entry.pk}")


def _valid_certificates(officers: Sequence[User], now: datetime) -> dict[int, str]:
    today = timezone.localdate(now)
    rows = Certificate.objects.valid_on(today).filter(holder__in=officers).values_list("holder_id", "number")
    return dict(rows)


def _new_report(dispatch: Dispatch, by: Any, request_id: UUID, files: Iterable[Upload], **fields: Any) -> Report:
    report = Report.objects.create(dispatch=dispatch, by=by, by_office=by.office, request_id=request_id, **fields)
    for file in files:
        attach(report, file, by=by, phase=Attachment.Phase.AFTER)
    return report


def _tell_township(kind: type[kinds.Kind], dispatch: Dispatch, *, key: str) -> None:
    notify(dispatch_message(kind, dispatch), to=people.desk(dispatch.by_unit), key=key)
