"""The administrators' front page: what needs care, with its number, the worst few and where it is mended."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery.signals import task_postrun
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from command_room.services import care, care_card
from command_room.services.care_card import Card
from enforcement.models import Category, Dispatch, RoutingRule
from enforcement.services import claim
from notifications.models import Delivery, Message
from portal import tasks
from records.models import JobRun
from records.services import job_run
from tests.cast import Cast, CertificateFactory, PostFactory, UserFactory, client_for
from tests.enforcement import walk
from townships.models import Certificate, Post, Role, SquadMember, Unit, User
from townships.services import holidays

pytestmark = pytest.mark.usefixtures("admin_rights")
YEAR = timezone.localdate().year
TASKS = sorted(job_run.scheduled())


def front_page(cast: Cast) -> str:
    return client_for(cast.bureau_admin).get("/admin/").content.decode()


def card(title: str) -> Card:
    now = timezone.now()
    (found,) = (one for one in care.cards(now, job_run.jobs(now)) if title in one.title)
    return found


def deliver(cast: Cast, state: str, age: timedelta = timedelta()) -> Delivery:
    number = Delivery.objects.count()
    data = {"number": f"N-{number}", "matter": "", "unit": "", "due": None, "link": "/"}
    message = Message.objects.create(key=f"k{number}", kind="event_reported", recipient=cast.duty, data=data, link="/")
    return Delivery.objects.create(
        message=message, channel="mail", address="x@example.invalid", state=state, created_at=timezone.now() - age
    )


def run_all(*, age: timedelta = timedelta(), error: str = "") -> None:
    for task in TASKS:
        job_run.note(task, started_at=timezone.now() - age, took=timedelta(milliseconds=12), error=error)


# --- messages, years ----------------------------------------------------------------------------------------------------
def test_missing_years_are_named_with_the_way_to_load_them(cast: Cast) -> None:
    page = front_page(cast)
    assert f"{YEAR} 年放假安排未导入" in page
    assert f"{YEAR + 1} 年放假安排未导入" in page
    assert "/admin/townships/holiday/load/" in page
    holidays.load_file(f"date,kind,name\n{YEAR}-01-01,holiday,\n".encode(), by=None, source="f")
    assert [line.text for line in card("放假安排").lines] == [f"{YEAR + 1} 年放假安排未导入"]


def test_failed_and_stuck_messages_are_counted_and_can_be_sent_again(cast: Cast) -> None:
    for _ in range(7):
        deliver(cast, "failed")
    deliver(cast, "pending", timedelta(hours=1))
    deliver(cast, "pending")
    failed = card("发送失败")
    assert (failed.number, len(failed.lines), failed.tone) == (7, 5, "late")
    assert failed.lines[0].text == "新事件等您受理 N-6"
    assert card("等待发送").number == 1
    page = front_page(cast)
    assert "?attention=stuck" in page
    assert "全部重新发送" in page
    assert "x@example.invalid" not in page


# --- jobs ---------------------------------------------------------------------------------------------------------------
def test_many_failed_messages_are_counted_no_farther_than_a_thousand(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care_card, "MOST", 3)
    for _ in range(5):
        deliver(cast, "failed")
    failed = card("发送失败")
    assert (failed.figure, [line.text[-3:] for line in failed.lines]) == ("3+", ["N-4", "N-3", "N-2", "N-1"])


def test_job_that_never_ran_or_is_late_or_failed_is_red(cast: Cast) -> None:
    jobs = card("定时任务")
    assert (jobs.number, jobs.tone) == (len(TASKS), "late")
    job_run.expect()
    assert card("定时任务").number == 0, "beat has just started: they are awaited"
    JobRun.objects.update(known_at=timezone.now() - timedelta(minutes=6))
    assert {"补发消息", "督办巡查"} <= {line.text for line in card("定时任务").lines}
    assert "一次也没有运行" in card("定时任务").lines[0].note
    run_all()
    assert card("定时任务").number == 0
    run_all(age=timedelta(minutes=6))
    late = {line.text for line in card("定时任务").lines}
    assert {"补发消息", "督办巡查"} <= late
    assert "消息日报" not in late, "that one comes each hour"
    run_all(error="OperationalError")
    run_all(error="OperationalError")
    assert "连续 2 次" in card("定时任务").lines[0].note
    assert "OperationalError" in front_page(cast)
    run_all()
    assert all(one.run.failures == 0 for one in job_run.jobs(timezone.now()))


def run(task: str, *, state: str = "SUCCESS", retval: Any = None) -> None:
    """As a worker does around each task."""
    running = SimpleNamespace(name=task, request=SimpleNamespace())
    tasks.begin(task=running)
    tasks.note_run(task=running, state=state, retval=retval)


def test_every_run_of_a_scheduled_task_is_noted(cast: Cast) -> None:
    assert tasks.note_run in [receiver() for _, receiver in task_postrun.receivers]
    run("townships.retire_accounts")
    (good,) = (one for one in job_run.jobs(timezone.now()) if one.run)
    assert (good.task, good.is_well) == ("townships.retire_accounts", True)
    run("townships.retire_accounts", state="FAILURE", retval=ZeroDivisionError("a secret"))
    run("notifications.deliver")
    (bad,) = (one for one in job_run.jobs(timezone.now()) if one.run)
    assert (bad.run.error, bad.run.failures, bad.is_well) == ("ZeroDivisionError", 1, False)
    assert bad.run.succeeded_at


# --- units and squads ---------------------------------------------------------------------------------------------------
def test_departments_without_an_active_liaison_are_named(cast: Cast) -> None:
    before = card("联络员").number
    Post.objects.filter(user=cast.scjg_liaison).update(valid_to=timezone.localdate() - timedelta(days=1))
    assert card("联络员").number == before + 1
    UserFactory()
    PostFactory(user=cast.stranger, unit=cast.scjg, role=Role.LIAISON)
    assert card("联络员").number == before


def test_certificates_count_for_those_who_enforce_by_the_longest(cast: Cast) -> None:
    Certificate.objects.update(valid_to=timezone.localdate() + timedelta(days=400))
    assert card("执法证").number == 0
    old = timezone.localdate() - timedelta(days=3)
    Certificate.objects.filter(holder=cast.officer).update(valid_to=old)
    soon = timezone.localdate() + timedelta(days=59)
    Certificate.objects.filter(holder=cast.zrzy_officer).update(valid_to=soon)
    CertificateFactory(holder=cast.stranger, valid_to=old)
    found = card("执法证")
    assert (found.number, [line.note for line in found.lines]) == (2, ["已过期 3 天", "还有 59 天"])
    CertificateFactory(holder=cast.officer, valid_to=soon + timedelta(days=900))
    assert card("执法证").number == 1


def test_squads_lack_places_until_they_have_them(cast: Cast) -> None:
    found = card("队伍")
    assert found.number == Unit.objects.townships().count()
    assert found.lines[0].note.startswith("缺")
    SquadMember.objects.update(valid_to=timezone.localdate() - timedelta(days=1))
    assert all("0/10" in line.text for line in card("队伍").lines)


def test_classes_without_a_route_are_named(cast: Cast, rules: None) -> None:
    assert card("分派规则").number == 0
    category = Category.objects.exclude(parent=None).first()
    RoutingRule.objects.filter(category__in=[category.pk, category.parent_id]).delete()
    siblings = Category.objects.filter(parent=category.parent_id)
    own = RoutingRule.objects.filter(category__in=siblings).values("category").distinct().count()
    assert card("分派规则").number == siblings.count() - own
    assert str(category) in card("分派规则").lines[0].text


def test_closed_units_with_something_open_are_named(cast: Cast, rules: None) -> None:
    walk.approved(cast)
    assert card("机构").number == 0
    open_at_scjg = Dispatch.objects.filter(department=cast.scjg, state__in=Dispatch.OPEN).count()
    Unit.objects.filter(pk=cast.scjg.pk).update(valid_to=timezone.localdate() - timedelta(days=1))
    found = card("机构")
    assert found.number == 1
    assert f"{open_at_scjg} 件未办结" in found.lines[0].note


# --- people -------------------------------------------------------------------------------------------------------------
def test_accounts_that_need_care_are_counted(cast: Cast) -> None:
    assert [line.text for line in card("没有岗位").lines] == [f"{cast.stranger}（stranger）"]
    assert card("从未登录").number == Post.objects.values("user").distinct().count()
    User.objects.filter(pk=cast.duty.pk).update(last_login=timezone.now())
    assert card("从未登录").number == Post.objects.values("user").distinct().count() - 1
    past = timezone.now() - timedelta(hours=1)
    User.objects.filter(pk=cast.duty.pk).update(must_change_password=True, password_expires_at=past)
    assert card("一次性密码").number == 1


def test_account_that_is_off_with_anything_in_its_hands_is_named(cast: Cast, rules: None) -> None:
    whistle = walk.ready(cast, helpers=[])
    User.objects.filter(pk=cast.duty.pk).update(is_active=False)
    assert card("已停用但名下").number == 0
    claim.take(whistle, by=cast.duty)
    assert [line.text for line in card("已停用但名下").lines] == [f"{cast.duty}（{cast.duty.username}）"]


# --- the whole page -----------------------------------------------------------------------------------------------------
def queries(read: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        read()
    return len(captured)


def test_page_costs_the_same_for_few_and_many(cast: Cast, rules: None) -> None:
    walk.submitted(cast)
    walk.approved(cast)
    deliver(cast, "failed")
    client = client_for(cast.bureau_admin)
    client.get("/admin/")
    few = queries(lambda: client.get("/admin/"))
    for _ in range(5):
        deliver(cast, "failed")
        walk.approved(cast)
        CertificateFactory(holder=PostFactory(unit=cast.ganlin).user, valid_to=timezone.localdate())
    ended = timezone.localdate() - timedelta(days=1)
    Unit.objects.filter(pk__in=[cast.zrzy.pk, cast.scjg.pk, cast.ganlin.pk]).update(valid_to=ended)
    User.objects.filter(pk=cast.scjg_officer.pk).update(is_active=False)
    assert queries(lambda: client.get("/admin/")) <= few + 1  # the units that have ended
    assert few < 35


def test_nothing_to_mind_is_said_too(cast: Cast) -> None:
    rows = "".join(f"{year}-01-01,holiday,\n" for year in (YEAR, YEAR + 1))
    holidays.load_file(f"date,kind,name\n{rows}".encode(), by=None, source="f")
    page = front_page(cast)
    assert "放假安排齐全，没有暂定期限" in page
    assert "消息都已发出" in page
