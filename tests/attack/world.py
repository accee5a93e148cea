"""What is to be protected: 甘霖镇's files in every state, a secret word in each text of them, and who must not read it.

Every text holds STEM, which stands nowhere else; every telephone number and official number of 甘霖镇 has a shape of its
own. `leaks` finds them in whatever was answered.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from command_room.services import feedback
from command_room.services import saved_filter as saved_filters
from enforcement.models import Category, Check, Dispatch, Escalation, Event, Whistle
from enforcement.rules.deadlines import Step
from enforcement.services import action as actions
from enforcement.services import appeal as appeals
from enforcement.services import check as checks
from enforcement.services import dispatch as dispatches
from enforcement.services import event as events
from enforcement.services import extension as extensions
from enforcement.services import handover as handovers
from enforcement.services import lot as lots
from enforcement.services import merge as merges
from enforcement.services import returns
from enforcement.services import suspension as suspensions
from enforcement.services import whistle as whistles
from enforcement.services.lot import Terms
from enforcement.services.rating import Rating
from notifications.models import Message
from records.models import Job, PublicLink, RetentionList, RetentionRule
from records.services import job as jobs
from records.services import link as links
from tests.cast import Cast, PostFactory, ShiftFactory, SquadMemberFactory, UserFactory
from tests.pictures import jpeg
from townships.models import Role, Unit, User
from townships.services import shift_note as shift_notes

STEM = "罍簋"
PHONE = "1377010"
LEAK = re.compile(rf"{STEM}.{{0,8}}|{PHONE}\d{{4}}|[事哨班]330683100-\d{{8}}-\d+[^<\s\"]{{0,8}}|督scjg-\d+-\d+")
OTHER = "330683102"  # a third township, to which 甘霖镇 offers an event


def leaks(text: str) -> list[str]:
    return sorted(set(LEAK.findall(text)))


def secret(of: str) -> str:
    return f"{STEM}{of}"


@dataclass(frozen=True)
class World:
    """`rows` are 甘霖镇's, by model; `strangers` may read none of them, each by the name of a part."""

    cast: Cast
    people: dict[str, User]
    own: dict[str, Any]
    rows: dict[type[Model], list[Any]]
    before: dict[str, dict[str, str]]
    token: str
    named: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.named[name]


NEIGHBOURS = ("changle_duty", "changle_leader", "changle_officer", "changle_grid_member")
NO_PART = ("zfj_liaison", "zfj_leader", "scjg_officer", "stranger")  # of the department only who was named sees a part
STRANGERS = (*NEIGHBOURS, *NO_PART)


def strangers(cast: Cast) -> dict[str, User]:
    """Whoever has no part in it: some of them have files of their own, so that no page is empty for that."""
    people = {part: getattr(cast, part) for part in (*STRANGERS, "bureau_admin") if hasattr(cast, part)}
    for part, unit, role in (
        ("changle_officer", cast.changle, Role.OFFICER),
        ("zfj_leader", cast.zfj, Role.DEPT_LEADER),
    ):
        people[part] = PostFactory(user=UserFactory(username=part.replace("_", "-")), unit=unit, role=role).user
    return people


# --- what the strangers have --------------------------------------------------------------------------------------------
def make_own(cast: Cast, category: Category) -> dict[str, Any]:
    """长乐镇's own files, answered by 综合行政执法局."""
    event = events.report(
        by=cast.changle_grid_member,
        request_id=uuid4(),
        category=category,
        title="长乐桥头乱停车",
        facts="桥头停满",
        place=events.Place(cast.changle, "长乐桥头", cast.changle_grid),
        is_urgent=False,
        origin=events.Origin(),
    )
    whistle = blow(event, by=cast.changle_duty, lead=cast.zfj, facts="请来拖车")
    whistles.approve(whistle, by=cast.changle_leader, seen_state="submitted")
    kept = saved_filters.save(
        code="events", name="桥头", query="q=桥头", is_shared=False, by=cast.changle_duty, request_id=uuid4()
    )
    job = jobs.ask("export", by=cast.changle_duty, request_id=uuid4(), title="导出事件", arguments={})
    return {"event": event, "whistle": whistle, "dispatch": whistle.dispatches.get(), "saved": kept, "job": job}


def blow(event: Event, *, by: User, lead: Unit, facts: str, kind: str = "routine", helpers: Any = ()) -> Whistle:
    return whistles.submit(
        event,
        by=by,
        request_id=uuid4(),
        seen_state=event.state,
        kind=kind,
        facts=facts,
        why="no_power",
        why_text=secret("补充") if STEM in facts else "",
        lead=lead,
        helpers=list(helpers),
    )


# --- what is 甘霖镇's ---------------------------------------------------------------------------------------------------
@dataclass
class Maker:
    """Makes 甘霖镇's rows; departments that have a part are scjg, which leads, and zrzy, which helps."""

    cast: Cast
    category: Category

    def event(self, **more: Any) -> Event:
        said = {"title": secret("标题"), "facts": secret("情况"), "origin": events.Origin(), "photos": [], **more}
        return events.report(
            by=more.pop("by", None) or self.cast.grid,
            request_id=uuid4(),
            category=self.category,
            place=events.Place(self.cast.ganlin, secret("地点"), self.cast.ganlin_grid),
            is_urgent=False,
            **{name: value for name, value in said.items() if name != "by"},
        )

    def called_in(self) -> Event:
        origin = events.Origin("call", secret("来源号"), secret("来电人"), f"{PHONE}0001")
        return self.event(by=self.cast.duty, origin=origin, photos=[jpeg(f"{STEM}照片.jpg")])

    def whistle(self, event: Event | None = None, *, kind: str = "routine", helpers: bool = True) -> Whistle:
        helping = [self.cast.zrzy] if helpers else []
        said = {"by": self.cast.duty, "lead": self.cast.scjg, "facts": secret("请求"), "helpers": helping}
        return blow(event or self.event(), kind=kind, **said)

    def sent(self, **more: Any) -> Dispatch:
        """The lead's."""
        whistle = self.whistle(**more)
        whistles.approve(whistle, by=self.cast.leader, seen_state="submitted")
        return whistle.dispatches.get(is_lead=True)

    def arrived(self, **more: Any) -> Dispatch:
        dispatch, cast = self.sent(**more), self.cast
        dispatches.sign(dispatch, by=cast.scjg_liaison, seen_state="sent")
        officers = [cast.scjg_leader]
        dispatches.arrive(dispatch, by=cast.scjg_liaison, seen_state="signed", officers=officers, uses_power=False)
        return dispatch

    def reported(self, **more: Any) -> Dispatch:
        dispatch, by = self.arrived(**more), self.cast.scjg_liaison
        said = {"measures": secret("首报"), "files": [jpeg(f"{STEM}首报.jpg")]}
        dispatches.report_interim(dispatch, by=by, request_id=uuid4(), **said)
        said = {"result": "solved", "measures": secret("措施"), "files": [jpeg(f"{STEM}反馈.jpg")]}
        dispatches.report_back(dispatch, by=by, request_id=uuid4(), seen_state="arrived", **said)
        return dispatch

    def rated(self) -> Dispatch:
        dispatch = self.reported()
        judged = {dispatch.pk: Rating(2, (), secret("评语"))}
        whistles.close(dispatch.whistle, by=self.cast.duty, seen_state="reported", ratings=judged)
        dispatch.refresh_from_db()
        return dispatch

    def returned(self, *, needs_leader: bool) -> Any:
        dispatch = self.sent()
        dispatch.department.return_needs_leader = needs_leader
        said = {"ground": "unclear", "article": "", "text": secret("退哨")}
        return returns.ask(dispatch, by=self.cast.scjg_liaison, request_id=uuid4(), seen_state="sent", **said)

    def suspended(self, *, is_approved: bool) -> Any:
        words = {"reason": "works", "text": secret("挂账"), "until": timezone.localdate() + timedelta(days=9)}
        asked = suspensions.ask(self.arrived().whistle, by=self.cast.duty, request_id=uuid4(), **words)
        if is_approved:
            suspensions.approve(asked, by=self.cast.leader)
        return asked

    def action(self) -> Whistle:
        told = {self.cast.scjg.pk: secret("任务")}
        return actions.submit(
            self.cast.ganlin,
            by=self.cast.duty,
            request_id=uuid4(),
            kind="campaign",
            title=secret("行动"),
            facts=secret("行动情况"),
            area=secret("范围"),
            assemble_at=timezone.now() + timedelta(days=2),
            assemble_place=secret("集合"),
            lead=self.cast.scjg,
            tasks=told,
        )


def make_files(maker: Maker) -> dict[str, Any]:
    """Events and what becomes of them."""
    cast, called = maker.cast, maker.called_in()
    emergency = maker.whistle(called, kind="emergency")
    lead, helper = emergency.dispatches.order_by("id")
    dispatches.sign(helper, by=cast.zrzy_liaison, seen_state="sent", assigned_unit=cast.zrzy_station)
    dispatches.remark(lead, by=cast.scjg_liaison, request_id=uuid4(), text=secret("部门留言"))
    dispatches.remark(helper, by=cast.duty, request_id=uuid4(), text=secret("镇街留言"))
    squad, merged, offered = maker.event(), maker.event(), maker.event()
    events.hand_to_squad(squad, by=cast.duty, seen_state="reported", limit=Step("work_days", 1))
    merges.merge(merged, by=cast.duty, seen_state="reported", into=called)
    dismissed = maker.event()
    events.dismiss(dismissed, by=cast.duty, seen_state="reported", reason="untrue", text=secret("不予受理"))
    settled = maker.event()
    events.settle(settled, by=cast.duty, seen_state="reported", result=secret("结果"), photos=[])
    rejected = maker.whistle()
    whistles.reject(rejected, by=cast.leader, seen_state="submitted", reason=secret("不批准"))
    reported = maker.reported()
    checks.answer(Check.objects.get(whistle=reported.whistle), by=cast.grid, **looked())
    reworked = maker.reported()
    whistles.rework(reworked, by=cast.duty, seen_state="reported", reason=secret("返工"))
    said = {"request_id": uuid4(), "seen_state": "reported", "to": Unit.objects.get(code=OTHER)}
    signed, checking = maker.sent(), maker.reported()
    dispatches.sign(signed, by=cast.scjg_liaison, seen_state="sent")
    return {
        "new": maker.event(),
        "squad_event": squad,
        "signed": signed,
        "reported_whistle": reported.whistle,
        "called": called,
        "offered": handovers.offer(offered, by=cast.duty, reason=secret("移交"), **said),
        "emergency": emergency,
        "lead": lead,
        "helper": helper,
        "submitted": maker.whistle(),
        "sent": maker.sent(),
        "arrived": maker.arrived(),
        "reported": reported,
        "checking": checking.whistle,
        "check_event": checking.event,
        "extension": extensions.ask(maker.arrived(), by=cast.scjg_liaison, request_id=uuid4(), reason=secret("延期")),
        "returning": maker.returned(needs_leader=True),
        "arbitrated": maker.returned(needs_leader=False),
        "suspension": maker.suspended(is_approved=False),
        "suspended": maker.suspended(is_approved=True),
        "rated": maker.rated(),
        "appeal": appeals.ask(maker.rated(), by=cast.scjg_liaison, request_id=uuid4(), text=secret("申诉")),
        "action": maker.action(),
        "red": make_red(lead),
    }


def looked() -> dict[str, Any]:
    return {"seen_state": "asked", "answer": "failed", "text": secret("核查"), "files": [jpeg(f"{STEM}核查.jpg")]}


def make_red(dispatch: Dispatch) -> Escalation:
    return Escalation.objects.create(
        dispatch=dispatch, clock="sign_due", since=dispatch.sent_at, limit="15 分钟", due=dispatch.sign_due, level=3,
        unit=dispatch.department, by_unit=dispatch.by_unit, number="督scjg-20261124-0001",
    )  # fmt: skip


def make_rest(cast: Cast, files: dict[str, Any]) -> dict[str, Any]:
    """What a township has besides its files."""
    kept = {"code": "events", "query": f"q={STEM}"}
    note = {"text": secret("交班"), "items": [], "counts": {}}
    rota = {"band": "4_duty", "starts_at": time(), "ends_at": time(), "day": timezone.localdate()}
    job = jobs.ask("export", by=cast.duty, request_id=uuid4(), title=secret("导出"), about=secret("范围"), arguments={})
    on_leave = UserFactory(username="ganlin-officer-2", mobile=f"{PHONE}0099")
    PostFactory(user=on_leave, unit=cast.ganlin, role=Role.OFFICER)
    return {
        "saved": saved_filters.save(name=secret("自己"), is_shared=False, by=cast.duty, request_id=uuid4(), **kept),
        "shared": saved_filters.save(name=secret("共用"), is_shared=True, by=cast.duty, request_id=uuid4(), **kept),
        "note": shift_notes.leave(cast.ganlin, by=cast.duty, request_id=uuid4(), **note),
        "shift": ShiftFactory(township=cast.ganlin, user=cast.officer, **rota),
        "member": SquadMemberFactory(township=cast.ganlin, user=on_leave, status_note=secret("请假")),
        "said": feedback.send(
            by=cast.duty, request_id=uuid4(), kind="idea", text=secret("意见"), may_call=True, from_path=""
        ),
        "lot": lots.run("remind", [(files["sent"].pk, "sent")], Terms(), by=cast.duty, request_id=uuid4()),
        "job": job,
        "job_file": with_file(job),
        "expired": expired(),
    }


def with_file(job: Job) -> Job:
    made = jobs.ask("export", by=job.by, request_id=uuid4(), title=secret("文件"), arguments={"n": 2})
    path = Path(settings.MEDIA_ROOT) / "secret-rows.csv"
    path.write_text(secret("导出行"))
    now, file = timezone.now(), {"name": f"{STEM}行.csv", "path": path.name, "size": path.stat().st_size, "rows": 1}
    kept = {"state": "done", "finished_at": now, "expires_at": now + timedelta(hours=9)}
    Job.objects.filter(pk=made.pk).update(files=[file], **kept)
    return made


def expired() -> RetentionList:
    rule = RetentionRule.objects.create(kind="session", days=30, basis=secret("依据"))
    return RetentionList.objects.create(rule=rule, before=timezone.now(), count=1)


def hide_numbers(cast: Cast) -> None:
    """The mobiles of 甘霖镇's people, and of the departments' that have a part."""
    for number, part in enumerate(("grid", "duty", "leader", "officer", "scjg_leader", "zrzy_officer"), 10):
        User.objects.filter(pk=getattr(cast, part).pk).update(mobile=f"{PHONE}{number:04}")
        getattr(cast, part).mobile = f"{PHONE}{number:04}"


def make_link(cast: Cast) -> tuple[PublicLink, str]:
    said = {"purpose": "wall", "label": secret("大屏"), "days": 30, "request_id": uuid4()}
    return links.make(cast.ganlin, by=cast.leader, **said)


def all_rows(people: set[int], before: dict[type[Model], set[Any]]) -> dict[type[Model], list[Any]]:
    """Every row that has come since, by model: messages only those of people who are no strangers."""
    rows: dict[type[Model], list[Any]] = {}
    for model in apps.get_models():
        new = model._default_manager.exclude(pk__in=before.get(model, ())).order_by("pk")
        if model is Message:
            new = new.exclude(recipient__in=people)
        rows[model] = list(new)
    return rows


def keys() -> dict[type[Model], set[Any]]:
    return {model: set(model._default_manager.values_list("pk", flat=True)) for model in apps.get_models()}


def make(cast: Cast, look: Callable[[dict[str, User]], dict[str, dict[str, str]]]) -> Iterator[World]:
    """`look` sees the strangers' pages before 甘霖镇 has anything."""
    hide_numbers(cast)
    category = Category.objects.exclude(parent=None).order_by("pk").first()
    assert category is not None
    people = strangers(cast)
    own = make_own(cast, category)
    SquadMemberFactory(township=cast.changle, user=people["changle_officer"])
    neighbour = PostFactory(user=UserFactory(), unit=Unit.objects.get(code=OTHER), role=Role.DUTY).user
    known, before = keys(), look(people)
    files = make_files(Maker(cast, category))
    rest = make_rest(cast, files)
    link, token = make_link(cast)
    rows = all_rows({user.pk for user in people.values()}, known)
    preview = f"{reverse('enforcement:lot-preview')}?act=remind&of=dispatch&pk={files['signed'].pk}"
    more = {
        "lot_preview": preview,
        "link": link,
        "neighbour": neighbour,
        "leaver": f"/people/{cast.scjg_officer.pk}/leaving/",
    }
    yield World(cast, people, own, rows, before, token, {**files, **rest, **more})
