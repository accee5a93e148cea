"""A whistle taken as far as a test needs it, by the fixed cast: scjg leads, zrzy and zfj help."""

from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from enforcement.models import Category, Dispatch, Event, Report, Whistle
from enforcement.services import dispatch as dispatches
from enforcement.services import event as events
from enforcement.services import whistle as whistles
from notifications.models import Message
from tests.cast import Cast
from townships.models import Unit, User

FACTS = "西门口三个熟食摊没有许可证，劝导两次后仍在出摊。"


def at(text: str) -> datetime:
    """ "2026-11-24 10:36" in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def category() -> Category:
    return Category.objects.get_or_create(code="0301", defaults={"name": "无证经营"})[0]


def event(cast: Cast, *, township: Unit | None = None, by: User | None = None, is_urgent: bool = False) -> Event:
    """Reported by the grid member, verified by nobody yet."""
    return events.report(
        by=by or cast.grid,
        request_id=uuid4(),
        category=category(),
        title="老市场西门熟食摊无证经营",
        facts=FACTS,
        place=events.Place(township or cast.ganlin, "老市场西门", grid=None if township else cast.ganlin_grid),
        is_urgent=is_urgent,
        origin=events.Origin(),
    )


def submitted(
    cast: Cast, kind: str = "routine", *, helpers: Iterable[Unit] | None = None, of: Event | None = None
) -> Whistle:
    """Submitted by the duty officer; an emergency has gone already."""
    source = of or event(cast)
    return whistles.submit(
        source,
        by=cast.duty,
        request_id=uuid4(),
        seen_state=source.state,
        kind=kind,
        facts=FACTS,
        why=Whistle.Why.NO_POWER,
        why_text="",
        lead=cast.scjg,
        helpers=[cast.zrzy] if helpers is None else list(helpers),
    )


def approved(cast: Cast, kind: str = "routine", *, helpers: Iterable[Unit] | None = None) -> Whistle:
    whistle = submitted(cast, kind, helpers=helpers)
    if whistle.state == Whistle.State.SUBMITTED:
        whistles.approve(whistle, by=cast.leader, seen_state=whistle.state)
    return whistle


def part(whistle: Whistle, unit: Unit) -> Dispatch:
    """The dispatch of this department as it is stored now."""
    return Dispatch.objects.select_related("whistle", "department", "by_unit").get(whistle=whistle, department=unit)


def desk(cast: Cast, dispatch: Dispatch) -> User:
    """The liaison who acts for the department."""
    people = {cast.scjg.pk: cast.scjg_liaison, cast.zrzy.pk: cast.zrzy_liaison, cast.zfj.pk: cast.zfj_liaison}
    return people[dispatch.department_id]


def signed(cast: Cast, dispatch: Dispatch) -> Dispatch:
    dispatches.sign(dispatch, by=desk(cast, dispatch), seen_state="sent")
    return dispatch


def arrived(cast: Cast, dispatch: Dispatch) -> Dispatch:
    signed(cast, dispatch)
    officer = cast.zrzy_officer if dispatch.department_id == cast.zrzy.pk else cast.scjg_officer
    dispatches.arrive(dispatch, by=desk(cast, dispatch), seen_state="signed", officers=[officer], uses_power=True)
    return dispatch


def report(cast: Cast, dispatch: Dispatch, **over: Any) -> Report:
    fields: dict[str, Any] = {
        "request_id": uuid4(),
        "seen_state": dispatch.state,
        "result": Report.Result.SOLVED,
        "measures": "当场清退三个摊点，责令停止经营。",
    }
    return dispatches.report_back(dispatch, by=desk(cast, dispatch), **{**fields, **over})


def reported(cast: Cast, dispatch: Dispatch) -> Dispatch:
    arrived(cast, dispatch)
    report(cast, dispatch)
    return dispatch


def reworked(cast: Cast, dispatch: Dispatch, reason: str = "摊位又回来了，请再去一次。") -> Dispatch:
    whistles.rework(dispatch, by=cast.duty, seen_state="reported", reason=reason)
    return dispatch


def ready(cast: Cast, kind: str = "routine", *, helpers: Iterable[Unit] | None = None) -> Whistle:
    """The lead has reported: the township's turn."""
    whistle = approved(cast, kind, helpers=helpers)
    reported(cast, part(whistle, cast.scjg))
    whistle.refresh_from_db()
    return whistle


def told(kind: str) -> list[str]:
    """Who got messages of this kind, by user name."""
    return sorted(Message.objects.filter(kind=kind).values_list("recipient__username", flat=True))


def photo(name: str = "现场.jpg", size: tuple[int, int] = (64, 48)) -> SimpleUploadedFile:
    content = BytesIO()
    Image.new("RGB", size, "teal").save(content, "JPEG")
    return SimpleUploadedFile(name, content.getvalue(), content_type="image/jpeg")


def document(content: bytes = b"%PDF-1.7 empty", name: str = "责令改正通知书.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/pdf")
