"""Every address of the portal, and what each role gets there. An address that is not in the table fails.

For each address: who sees its object (everybody else gets 404), who of these may (the others get 403), and what an
anonymous visitor gets (the log-in page). Verbs are sent empty: whoever may is then told what is missing, nobody is
told more.
"""

import shutil
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from command_room.services import feedback
from command_room.services import saved_filter as saved_filters
from enforcement.models import Category, Check, Escalation, Event
from enforcement.rules.deadlines import Step
from enforcement.services import appeal as appeals
from enforcement.services import dispatch as dispatches
from enforcement.services import event as events
from enforcement.services import extension as extensions
from enforcement.services import handover as handovers
from enforcement.services import lot as lots
from enforcement.services import returns
from enforcement.services import suspension as suspensions
from enforcement.services import whistle as whistles
from enforcement.services.lot import Terms
from enforcement.services.rating import Rating
from notifications.models import Message
from records.models import Attachment, Job, PublicLink, RetentionList, RetentionRule
from records.services import job as jobs
from records.services import link as links
from records.services.attachment import attach
from tests.cast import BEGINNING, Cast, ShiftFactory, client_for
from tests.kept import Kept
from tests.pictures import jpeg
from townships.models import SquadMember
from townships.services import shift_note as shift_notes

TOWN = {"grid", "duty", "leader", "officer"}
DESK = {"duty", "leader"}
CHANGLE_DESK = {"changle_duty", "changle_leader"}
OTHER_TOWN = {"changle_duty", "changle_leader", "changle_grid_member"}
SCJG = {"scjg_liaison", "scjg_leader"}
ZRZY = {"zrzy_liaison", "zrzy_leader", "zrzy_officer"}  # the officer's sub-unit is the one assigned
ABOVE = {"zdb_officer", "auditor"}
NO_SIGHT = {"bureau_admin", "stranger", "zfj_liaison", "scjg_officer"}
EVERYBODY = TOWN | OTHER_TOWN | SCJG | ZRZY | ABOVE | NO_SIGHT
FILED = TOWN | SCJG | ZRZY | ABOVE  # an event with dispatches
OWN_EVENT = TOWN | ABOVE  # an event that is still the township's
WHISTLE = (TOWN - {"grid"}) | SCJG | ZRZY | ABOVE
SUBMITTED = (TOWN - {"grid"}) | ABOVE
TO_SCJG = (TOWN - {"grid"}) | SCJG | ABOVE
TO_ZRZY = (TOWN - {"grid"}) | ZRZY | ABOVE
DESKS = DESK | CHANGLE_DESK | SCJG | {"zrzy_liaison", "zrzy_leader", "zfj_liaison"}
HANDED = (TOWN - {"grid"}) | CHANGLE_DESK | ABOVE  # from one township to the other


@dataclass(frozen=True)
class Address:
    """`sees` the object, `may` do it; `on` names the object of the world that the address takes."""

    may: set[str]
    sees: set[str] = field(default_factory=lambda: EVERYBODY)
    on: str = ""
    post: bool = True


def page(may: set[str], on: str = "", sees: set[str] | None = None) -> Address:
    return Address(may, EVERYBODY if sees is None else sees, on, post=False)


def verb(may: set[str], on: str = "", sees: set[str] | None = None) -> Address:
    return Address(may, EVERYBODY if sees is None else sees, on)


TABLE = {
    "command_room:home": page(EVERYBODY),
    "command_room:worklist": page(EVERYBODY),
    "command_room:worklist-rows": page(EVERYBODY),
    "command_room:board": page((TOWN - {"grid"}) | CHANGLE_DESK | ABOVE),
    "command_room:board-columns": page((TOWN - {"grid"}) | CHANGLE_DESK, sees=EVERYBODY - ABOVE),  # of which township?
    "command_room:shift-note-list": page((TOWN - {"grid"}) | CHANGLE_DESK | ABOVE),
    "command_room:shift-note-write": page(DESK | CHANGLE_DESK),
    "command_room:shift-note-detail": page((TOWN - {"grid"}) | ABOVE, "note", (TOWN - {"grid"}) | ABOVE),
    "command_room:shift-note-take": verb({"duty", "officer"}, "note", (TOWN - {"grid"}) | ABOVE),
    "command_room:help": page(EVERYBODY),
    "command_room:help-topic": page(EVERYBODY, "topic"),
    "command_room:feedback": page(EVERYBODY),
    "command_room:feedback-mine": page(EVERYBODY),
    "command_room:feedback-list": page({"bureau_admin", "auditor"}),
    "command_room:feedback-detail": page(
        {"duty", "bureau_admin", "auditor"}, "said", {"duty", "bureau_admin", "auditor"}
    ),
    "command_room:feedback-answer": verb({"bureau_admin"}, "said", {"duty", "bureau_admin", "auditor"}),
    "command_room:audit": page({"auditor"}),
    "command_room:retention": page({"bureau_admin", "auditor"}),
    "command_room:retention-rule": verb({"bureau_admin"}),
    "command_room:retention-confirm": verb({"bureau_admin"}, "expired"),
    "command_room:retention-decline": verb({"bureau_admin"}, "expired"),
    "command_room:wall-links": page({"leader", "changle_leader", "zdb_officer", "bureau_admin"}),
    "command_room:wall-link-revoke": verb(
        {"leader", "bureau_admin"}, "wall_link", EVERYBODY - {"changle_leader", "zdb_officer"}
    ),
    "command_room:search": page(EVERYBODY),
    "command_room:person-list": page(EVERYBODY),
    "command_room:unit-list": page(EVERYBODY),
    "command_room:saved-filter-list": page(EVERYBODY),
    "command_room:saved-filter-save": verb(EVERYBODY - {"stranger"}),
    "command_room:saved-filter-rename": verb(DESK, "saved", DESK | {"officer"}),
    "command_room:saved-filter-delete": verb(DESK, "saved", DESK | {"officer"}),
    "command_room:saved-filter-default": verb(DESK | {"officer"}, "saved", DESK | {"officer"}),
    "command_room:components": page({"bureau_admin"}),
    "enforcement:event-list": page(EVERYBODY),
    "enforcement:event-report": page(TOWN | OTHER_TOWN),
    "enforcement:category-search": page(EVERYBODY),
    "enforcement:event-detail": page(FILED, "whistled_event", FILED),
    "enforcement:event-verify": verb(DESK, "event", OWN_EVENT),
    "enforcement:event-settle": verb(DESK | {"officer"}, "squad_event", OWN_EVENT),
    "enforcement:event-squad": verb(DESK, "event", OWN_EVENT),
    "enforcement:event-dismiss": verb(DESK, "event", OWN_EVENT),
    "enforcement:event-caller": verb(DESK, "whistled_event", FILED),
    "enforcement:event-claim": verb(DESK, "event", OWN_EVENT),
    "enforcement:whistle-submit": verb(DESK, "event", OWN_EVENT),
    "enforcement:action-submit": verb(DESK | CHANGLE_DESK | SCJG | {"zrzy_liaison", "zrzy_leader", "zfj_liaison"}),
    "enforcement:event-merge": verb(DESK, "event", OWN_EVENT),
    "enforcement:event-handover": verb(DESK, "event", OWN_EVENT),
    "enforcement:handover-detail": page(HANDED, "handover", HANDED),
    "enforcement:handover-accept": verb(CHANGLE_DESK, "handover", HANDED),
    "enforcement:handover-refuse": verb(CHANGLE_DESK, "handover", HANDED),
    "enforcement:handover-take-back": verb(DESK, "handover", HANDED),
    "enforcement:whistle-check": verb(DESK, "reported", SUBMITTED | SCJG),
    "enforcement:check-answer": verb({"grid"}, "check", TOWN | SCJG | ABOVE),
    "enforcement:dispatch-appeal": verb(SCJG, "rated", TO_SCJG),
    "enforcement:appeal-decide": verb({"zdb_officer"}, "appeal", TO_SCJG),
    "enforcement:whistle-list": page(EVERYBODY),
    "enforcement:whistle-detail": page(WHISTLE, "whistle", WHISTLE),
    "enforcement:whistle-approve": verb({"leader"}, "submitted", SUBMITTED),
    "enforcement:whistle-reject": verb({"leader"}, "submitted", SUBMITTED),
    "enforcement:whistle-confirm": verb({"leader"}, "whistle", WHISTLE),
    "enforcement:whistle-close": verb(DESK, "reported", SUBMITTED | SCJG),
    "enforcement:suspension-ask": verb(DESK | SCJG, "whistle", WHISTLE),
    "enforcement:suspension-approve": verb({"leader"}, "suspension", TO_SCJG),
    "enforcement:suspension-refuse": verb({"leader"}, "suspension", TO_SCJG),
    "enforcement:whistle-resume": verb(DESK, "suspended", TO_SCJG),
    "enforcement:whistle-withdraw": verb(DESK, "whistle", WHISTLE),
    "enforcement:whistle-claim": verb({"leader"}, "submitted", SUBMITTED),
    "enforcement:dispatch-list": page(EVERYBODY),
    "enforcement:dispatch-detail": page(TO_SCJG, "lead", TO_SCJG),
    "enforcement:dispatch-sign": verb(SCJG, "lead", TO_SCJG),
    "enforcement:dispatch-assign": verb(SCJG, "lead", TO_SCJG),
    "enforcement:dispatch-arrive": verb(ZRZY, "helper", TO_ZRZY),
    "enforcement:dispatch-interim": verb(SCJG, "arrived", TO_SCJG),
    "enforcement:dispatch-report": verb(SCJG, "arrived", TO_SCJG),
    "enforcement:dispatch-remark": verb(DESK | SCJG, "lead", TO_SCJG),
    "enforcement:dispatch-rework": verb(DESK, "reported_dispatch", TO_SCJG),
    "enforcement:dispatch-return": verb(SCJG, "lead", TO_SCJG),
    "enforcement:return-agree": verb({"scjg_leader"}, "returning", TO_SCJG),
    "enforcement:return-decline": verb({"scjg_leader"}, "returning", TO_SCJG),
    "enforcement:return-arbitrate": verb({"zdb_officer"}, "arbitrated", TO_SCJG),
    "enforcement:extension-ask": verb(SCJG, "arrived", TO_SCJG),
    "enforcement:extension-grant": verb(DESK, "extension", TO_SCJG),
    "enforcement:extension-refuse": verb(DESK, "extension", TO_SCJG),
    "enforcement:dispatch-claim": verb(SCJG, "lead", TO_SCJG),
    "enforcement:dispatch-remind": verb(DESK, "lead", TO_SCJG),
    "enforcement:dispatch-sheet": page(TO_SCJG, "lead", TO_SCJG),
    "enforcement:escalation-sheet": page(DESK | SCJG | ABOVE, "red", DESK | SCJG | ABOVE),
    "enforcement:export": verb(EVERYBODY - {"bureau_admin", "stranger"}, "listing"),
    "enforcement:lot-preview": page(DESKS),
    "enforcement:lot-run": verb(DESKS),
    "enforcement:lot-detail": page({"duty"}, "lot", {"duty"}),
    "records:job-list": page(EVERYBODY),
    "records:job-detail": page({"duty"}, "job", {"duty"}),
    "records:job-cancel": verb({"duty"}, "job", {"duty"}),
    "records:job-file": page({"duty"}, "job_file", {"duty"}),
    "townships:shifts-sheet": page((TOWN - {"grid"}) | CHANGLE_DESK | ABOVE),
    "enforcement:escalation-list": page(
        DESK | CHANGLE_DESK | SCJG | ABOVE | {"zrzy_liaison", "zrzy_leader", "zfj_liaison"}
    ),
    "enforcement:escalation-detail": page(DESK | SCJG | ABOVE, "red", DESK | SCJG | ABOVE),
    "enforcement:leaving": page({"bureau_admin"}, "leaver"),
    "townships:administrators": page({"bureau_admin", "auditor"}),
    "townships:password-change": page(EVERYBODY),
    "townships:logout": verb(EVERYBODY),
    "townships:code": page(EVERYBODY),  # who has no second factor is led on
    "townships:second-factor": page(EVERYBODY),
    "townships:second-factor-setup": page(EVERYBODY),
    "townships:second-factor-off": verb(EVERYBODY),
    "townships:session": page(EVERYBODY),
    "townships:switch-post": verb(set(), sees=set()),  # the empty form names no post of one's own
    "townships:squad": page((TOWN - {"grid"}) | CHANGLE_DESK | ABOVE),
    "townships:member-status": verb(DESK, "member", DESK | {"officer"}),
    "townships:who-can-come": page((TOWN - {"grid"}) | CHANGLE_DESK | ABOVE),
    "townships:shifts": page((TOWN - {"grid"}) | CHANGLE_DESK | ABOVE),
    "townships:shift-add": verb(DESK | CHANGLE_DESK),
    "townships:shift-remove": verb(DESK, "shift", DESK | {"officer"}),
    "notifications:inbox": page(EVERYBODY),
    "notifications:read-all": verb(EVERYBODY),
    "notifications:bell": page(EVERYBODY),
    "notifications:preference": page(EVERYBODY),
    "notifications:preview": page({"bureau_admin"}),
    "notifications:open": verb({"duty"}, "message", {"duty"}),
    "records:attachment": page(FILED, "photo", FILED),
    "records:attachment-preview": page(FILED, "photo", FILED),
}
OPEN_TO_ALL = {"livez", "healthz", "townships:login"}
BY_TOKEN = {"command_room:wall", "command_room:wall-rows"}  # tests/command_room/test_wall.py
MACHINES = {"metrics"}  # nobody's page, whoever is signed in: tests/portal/test_metrics.py


def addresses(resolver: URLResolver | None = None, prefix: str = "") -> set[str]:
    """The names of all URL patterns, the admin's excepted (tests/townships/test_admin.py)."""
    found: set[str] = set()
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                found |= addresses(pattern, f"{pattern.namespace}:" if pattern.namespace else prefix)
        elif isinstance(pattern, URLPattern):
            found.add(f"{prefix}{pattern.name}")
    return found


def test_every_address_is_in_the_table() -> None:
    assert addresses() == set(TABLE) | OPEN_TO_ALL | BY_TOKEN | MACHINES


def new_event(cast: Cast, category: Category) -> Event:
    return events.report(
        by=cast.grid,
        request_id=uuid4(),
        category=category,
        title="东街占道堆放",
        facts="人行道上堆放建材",
        place=events.Place(township=cast.ganlin, grid=cast.ganlin_grid, text="东街 12 号"),
        is_urgent=False,
        origin=events.Origin(),
    )


def blow(cast: Cast, event: Event, kind: str) -> Any:
    return whistles.submit(
        event,
        by=cast.duty,
        request_id=uuid4(),
        seen_state=event.state,
        kind=kind,
        facts="请到场处置",
        why="no_power",
        why_text="",
        lead=cast.scjg,
        helpers=[cast.zrzy] if kind == "emergency" else [],
    )


@pytest.fixture(scope="session")
def files_of_the_world(kept_rows: Kept, django_db_blocker: Any, tmp_path_factory: Any) -> Path:
    """The world is made once; its files are in this directory."""
    files: Path = tmp_path_factory.mktemp("world")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=files):
        kept_rows.make("world", lambda: make_world(kept_rows.answer("cast")), on=BEGINNING)
    return files


@pytest.fixture
def _files(files_of_the_world: Path, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    shutil.copytree(files_of_the_world, settings.MEDIA_ROOT)


@pytest.fixture
def world(cast: Cast, rules: None, kept_rows: Kept, _files: None) -> dict[str, Any]:
    today = timezone.localdate()
    ShiftFactory(  # round the clock, so that the officer may take the note over at any hour
        township=cast.ganlin, user=cast.officer, day=today, band="4_duty", starts_at=time(), ends_at=time()
    )
    shift = ShiftFactory(township=cast.ganlin, user=cast.officer, day=today)
    return {**kept_rows.put("world"), "shift": shift}


def make_world(cast: Cast) -> dict[str, Any]:
    """One object in each state that a verb of the table needs, all of them 甘霖镇's."""
    category = Category.objects.exclude(parent=None).first()
    assert category is not None
    made = {name: new_event(cast, category) for name in ("event", "squad_event", "whistled_event", "waiting", "done")}
    events.hand_to_squad(made["squad_event"], by=cast.duty, seen_state="reported", limit=Step("work_days", 1))
    photo = attach(made["whistled_event"], jpeg(), by=cast.grid, phase=Attachment.Phase.BEFORE)
    whistle = blow(cast, made["whistled_event"], "emergency")
    lead, helper = whistle.dispatches.order_by("id")
    dispatches.sign(helper, by=cast.zrzy_liaison, seen_state="sent", assigned_unit=cast.zrzy_station)
    extra = {f"{name}_event": new_event(cast, category) for name in ("arrived", "reported")}
    arrived = _arrived(cast, extra["arrived_event"])
    reported = _arrived(cast, extra["reported_event"])
    dispatches.report_back(
        reported, by=cast.scjg_liaison, request_id=uuid4(), seen_state="arrived", result="solved", measures="已清理"
    )
    returned = [_returned(cast, new_event(cast, category), needs_leader=needs_leader) for needs_leader in (True, False)]
    asked, suspended = (_suspended(cast, new_event(cast, category), is_approved=yes) for yes in (False, True))
    return {
        **made,
        "extension": _extended(_arrived(cast, new_event(cast, category)), by=cast.scjg_liaison),
        "suspension": asked,
        "suspended": suspended.whistle,
        "returning": returned[0],
        "arbitrated": returned[1],
        "handover": _handed(cast, new_event(cast, category)),
        "check": Check.objects.get(whistle=reported.whistle),
        "rated": _rated(cast, new_event(cast, category)),
        "appeal": appeals.ask(
            _rated(cast, new_event(cast, category)), by=cast.scjg_liaison, request_id=uuid4(), text="当天就到了"
        ),
        "photo": photo,
        "whistle": whistle,
        "submitted": blow(cast, made["waiting"], "routine"),
        "lead": lead,
        "helper": helper,
        "arrived": arrived,
        "reported": reported.whistle,
        "reported_dispatch": reported,
        "member": SquadMember.objects.get(township=cast.ganlin),
        "red": _red(lead),
        "note": shift_notes.leave(cast.ganlin, by=cast.leader, request_id=uuid4(), text="", items=[], counts={}),
        "message": _message_of(cast),
        "topic": SimpleNamespace(pk="report"),
        "said": feedback.send(
            by=cast.duty, request_id=uuid4(), kind="idea", text="常用的放前面", may_call=True, from_path=""
        ),
        "wall_link": _wall_link(cast),
        "expired": _expired(),
        "saved": saved_filters.save(
            code="events", name="夜查", query="q=夜查", is_shared=True, by=cast.duty, request_id=uuid4()
        ),
        "listing": ("event",),
        "lot": lots.run("remind", [(helper.pk, "signed")], Terms(), by=cast.duty, request_id=uuid4()),
        "job": _job(cast),
        "job_file": (_job(cast, file="rows.csv").pk, 1),
        "leaver": cast.scjg_officer,
    }


def _arrived(cast: Cast, event: Event) -> Any:
    whistle = blow(cast, event, "routine")
    whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    dispatch = whistle.dispatches.get()
    dispatches.sign(dispatch, by=cast.scjg_liaison, seen_state="sent")
    dispatches.arrive(
        dispatch, by=cast.scjg_liaison, seen_state="signed", officers=[cast.scjg_officer], uses_power=False
    )
    return dispatch


def _handed(cast: Cast, event: Event) -> Any:
    reason = "地点在长乐"
    return handovers.offer(
        event, by=cast.duty, request_id=uuid4(), seen_state="reported", to=cast.changle, reason=reason
    )


def _rated(cast: Cast, event: Event) -> Any:
    dispatch = _arrived(cast, event)
    said = {"result": "solved", "measures": "已清理"}
    dispatches.report_back(dispatch, by=cast.scjg_liaison, request_id=uuid4(), seen_state="arrived", **said)
    whistles.close(dispatch.whistle, by=cast.duty, seen_state="reported", ratings={dispatch.pk: Rating(2)})
    dispatch.refresh_from_db()
    return dispatch


def _extended(dispatch: Any, *, by: Any) -> Any:
    return extensions.ask(dispatch, by=by, request_id=uuid4(), reason="等检测")


def _suspended(cast: Cast, event: Event, *, is_approved: bool) -> Any:
    whistle = _arrived(cast, event).whistle
    words = {"reason": "works", "text": "等施工", "until": timezone.localdate() + timedelta(days=9)}
    suspension = suspensions.ask(whistle, by=cast.duty, request_id=uuid4(), **words)
    if is_approved:
        suspensions.approve(suspension, by=cast.leader)
    return suspension


def _red(dispatch: Any) -> Escalation:
    return Escalation.objects.create(
        dispatch=dispatch, clock="sign_due", since=dispatch.sent_at, limit="15 分钟", due=dispatch.sign_due, level=3,
        unit=dispatch.department, by_unit=dispatch.by_unit, number="督scjg-20261124-0001",
    )  # fmt: skip


def _returned(cast: Cast, event: Event, *, needs_leader: bool) -> Any:
    whistle = blow(cast, event, "routine")
    whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    dispatch = whistle.dispatches.get()
    dispatch.department.return_needs_leader = needs_leader
    said = {"ground": "unclear", "article": "", "text": "没有写是哪一家"}
    returns.ask(dispatch, by=cast.scjg_liaison, request_id=uuid4(), seen_state="sent", **said)
    return dispatch


def _job(cast: Cast, *, file: str = "") -> Job:
    """One that waits, or one that has made a file."""
    job = jobs.ask("export", by=cast.duty, request_id=uuid4(), title="导出事件", arguments={})
    if file:
        (Path(settings.MEDIA_ROOT) / file).write_text("编号")
        now, made = timezone.now(), {"name": file, "path": file, "size": 6, "rows": 1}
        kept = {"finished_at": now, "expires_at": now + timedelta(hours=1)}
        Job.objects.filter(pk=job.pk).update(state="done", files=[made], **kept)
    return job


def _wall_link(cast: Cast) -> PublicLink:
    said = {"purpose": "wall", "label": "大厅", "days": 30, "request_id": uuid4()}
    return links.make(cast.ganlin, by=cast.leader, **said)[0]


def _expired() -> RetentionList:
    rule = RetentionRule.objects.create(kind="session", days=30, basis="演示")
    return RetentionList.objects.create(rule=rule, before=timezone.now(), count=1)


def _message_of(cast: Cast) -> Any:
    return Message.objects.filter(recipient=cast.duty).latest("id")


def args_of(address: Address, world: dict[str, Any]) -> tuple[Any, ...]:
    """An object by its id; a tuple is what the address takes."""
    if not address.on:
        return ()
    found = world[address.on]
    return found if isinstance(found, tuple) else (found.pk,)


def ask(client: Client, name: str, address: Address, world: dict[str, Any]) -> HttpResponse:
    url = reverse(name, args=args_of(address, world))
    response = client.post(url) if address.post else client.get(url)
    if response.streaming:
        assert b"".join(response)
    return response


def expected(role: str, address: Address) -> str:
    if role not in address.sees:
        return "404"
    return "yes" if role in address.may else "403"


def got(response: HttpResponse) -> str:
    return str(response.status_code) if response.status_code in (403, 404, 405, 500) else "yes"


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_role_gets_what_the_table_says(role: str, cast: Cast, world: dict[str, Any]) -> None:
    """Read-only addresses first, so that what a verb changes does not change what the next one gets."""
    wrong, client = [], client_for(getattr(cast, role))
    for name, address in sorted(TABLE.items(), key=lambda item: item[1].post):
        if name == "townships:logout":
            continue
        response = ask(client, name, address, world)
        if got(response) != expected(role, address):
            wrong.append(f"{name}: {got(response)} instead of {expected(role, address)}")
    assert not wrong, "\n".join(wrong)


def test_anonymous_is_sent_to_the_log_in_page(client: Client, world: dict[str, Any]) -> None:
    for name, address in TABLE.items():
        response = ask(client, name, address, world)
        assert response.status_code == 302, name
        assert response["Location"].startswith("/login/"), name


def test_get_changes_nothing(cast: Cast, world: dict[str, Any]) -> None:
    """A verb refuses GET, but for the one whose GET shows its form."""
    client = client_for(cast.leader)
    for name, address in TABLE.items():
        if address.post:
            url = reverse(name, args=args_of(address, world))
            wanted = (200,) if name in ("enforcement:whistle-submit", "enforcement:action-submit") else (405,)
            assert client.get(url).status_code in wanted, name
