"""The manual and 意见反馈 in the browser: from the log-in page, from the “?” of a page, from the foot; sent and answered."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from command_room.demo import upkeep
from command_room.models import Feedback
from enforcement.models import Escalation, Limit
from enforcement.rules.deadlines import Step
from enforcement.services import dated
from enforcement.services import event as events
from records.models import PublicLink, Stage
from records.services import link as links
from records.services import record
from tests.browser.conftest import DESK, PHONE, SHOTS
from tests.browser.test_walk import Person
from tests.cast import Cast
from tests.command_room.rows import make_whistles
from tests.enforcement import walk
from townships.models import Unit, User
from townships.services.reference import load_admin_rights

OpenPage = Callable[..., Page]


def read_before_logging_in(page: Page) -> None:
    page.goto("/login/")
    page.get_by_role("link", name="登不上怎么办").click()
    expect(page.locator("h1")).to_have_text("忘记密码、第一次登录")


def read(person: Person) -> None:
    page = person.page
    person.goto("/events/report/", "h02-report")
    page.locator(".head").get_by_role("link", name="怎样上报一件事").click()
    expect(page.locator("h1")).to_have_text("怎样上报一件事")
    person.look("h03-topic")
    page.locator(".head").get_by_role("link", name="使用手册").click()
    expect(page.locator(".seg.roles a[aria-current]")).to_contain_text("网格员")
    person.look("h04-contents")
    page.get_by_label("在手册里找").fill("退哨")
    page.locator("main").get_by_role("button", name="查找").click()
    expect(page.get_by_role("link", name="怎样退哨")).to_be_visible()
    person.look("h05-found")


def say(person: Person) -> Feedback:
    page = person.page
    page.goto("/events/report/")
    page.locator("footer").get_by_role("link", name="意见反馈").click()
    expect(page.locator("input[name=from_path]")).to_have_value("/events/report/")
    person.look("h10-feedback")
    page.get_by_label("建议").check()
    person.press("提交意见")
    expect(page.locator(".errors")).to_contain_text("请写几句")
    person.look("h11-words-missing")
    expect(page.get_by_label("建议")).to_be_checked()
    page.get_by_label("请您说说").fill("类别太多，常报的几类请放在最上面。")
    page.get_by_label("可以打电话问我").check()
    person.press("提交意见")
    expect(page.locator(".notices")).to_contain_text("已收到您的意见，编号 意")
    person.look("h12-sent")
    return Feedback.objects.get()


def answer(person: Person, row: Feedback) -> None:
    page = person.page
    person.goto("/feedback/all/?open=1", "h13-list")
    page.get_by_role("link", name="类别太多").click()
    expect(page.locator("a[href^='tel:']")).to_be_visible()
    person.look("h13-to-answer")
    page.get_by_label("答复").fill("下个月调整，常用的放在前面。")
    person.press("发出答复")
    expect(page.locator(".notices")).to_contain_text("已答复")
    person.look("h14-answered")


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
def test_walk_of_the_manual_and_of_feedback(committed_cast: Cast, open_page: OpenPage, javascript: bool) -> None:
    cast = committed_cast

    def person(name: str, size: dict[str, int], *, looks: bool = True) -> Person:
        page = open_page(size, javascript=javascript, slips=True)
        return Person(page, getattr(cast, name).username, javascript=javascript, looks=looks)

    read_before_logging_in(open_page(PHONE, javascript=javascript))
    grid = person("grid", PHONE)
    read(grid)
    row = say(grid)
    answer(person("bureau_admin", DESK), row)
    grid.page.goto("/messages/")
    grid.page.get_by_text("您的意见有答复了").click()
    expect(grid.page.locator("main")).to_contain_text("下个月调整")
    grid.look("h15-read")
    grid.goto("/feedback/mine/", "h16-mine")


MATTERS = ("环镇北路货车超载", "老市场熟食摊占道", "污水管网施工扬尘", "沿街商铺疑似无证行医", "河道边倾倒装修垃圾")


def make_the_city_busy(cast: Cast) -> None:
    """Whistles of several townships, some of them late, two with a red slip."""
    now, townships = timezone.now(), list(Unit.objects.townships()[:7])
    for place in range(18):
        hours = -3 if place % 3 == 0 else 1 if place % 5 == 0 else 30
        [whistle] = make_whistles(cast, 1, now + timedelta(hours=hours))
        whistle.title, whistle.by_unit = MATTERS[place % len(MATTERS)], townships[place * place % len(townships)]
        whistle.save()
        whistle.dispatches.update(by_unit=whistle.by_unit)
        if place in (0, 9):
            late = whistle.dispatches.get(is_lead=True)
            Escalation.objects.create(
                dispatch=late, clock="sign_due", since=now, limit="4 小时", due=late.sign_due, level=3,
                unit=late.department, by_unit=whistle.by_unit, number=f"督{place}",
            )  # fmt: skip


@transaction.atomic
def longer_to_sign(*, by: User) -> Limit:
    """A limit that changes next week, so that there is a history to show."""
    old = Limit.objects.filter(kind="routine", step="sign").latest("id")
    since = timezone.localdate() + timedelta(days=7)
    fresh = Limit(
        kind=old.kind, step=old.step, unit=old.unit, amount=old.amount * 2, valid_from=since, reason="演示文件"
    )
    dated.take_over(fresh, by=by)
    fresh.save()
    record(fresh, "admin_add", by=by, what="新增办理时限", stage=Stage.FILE)
    return fresh


@pytest.mark.skipif(not SHOTS, reason="only for the pictures of the manual: make manual")
def test_looks_that_only_the_manual_needs(committed_cast: Cast, open_page: OpenPage) -> None:
    cast = committed_cast
    load_admin_rights()
    open_page(PHONE)  # whoever is not signed in
    visitor = Person(open_page(PHONE), cast.grid.username, javascript=True)
    visitor.page.context.clear_cookies()
    visitor.goto("/login/", "h01-login")
    walk.approved(cast)
    job = walk.event(cast)
    events.hand_to_squad(job, by=cast.duty, seen_state=job.state, limit=Step("work_days", 1))
    officer = Person(open_page(PHONE), cast.officer.username, javascript=True)
    officer.goto(job.get_absolute_url(), "h20-squad-job")
    duty = Person(open_page(DESK), cast.duty.username, javascript=True)
    duty.goto("/squad/", "h21-squad")
    duty.page.goto("/whistles/")
    duty.page.locator("summary").filter(has_text="筛选").click()
    duty.look("h22-list")
    duty.goto("/messages/", "h23-messages")
    duty.goto("/messages/settings/", "h24-preference")
    admin = Person(open_page(DESK), cast.bureau_admin.username, javascript=True)
    admin.goto(f"/admin/townships/user/{cast.grid.pk}/one-time-password/", "h25-one-time-password")
    admin.goto(f"/admin/enforcement/{Limit._meta.model_name}/", "h26-limits")
    upkeep.age(timezone.now(), Random(1))
    upkeep.list_expired(cast.bureau_admin, timezone.now())
    admin.goto("/retention/", "h28-retention")
    fresh = longer_to_sign(by=cast.bureau_admin)
    admin.goto(f"/admin/enforcement/{Limit._meta.model_name}/{fresh.pk}/history/", "h32-history")
    leader = Person(open_page(DESK), cast.leader.username, javascript=True)
    for place in ("一楼指挥大厅", "二楼会商室"):
        said = {"label": place, "days": 180, "request_id": uuid4()}
        links.make(cast.ganlin, by=cast.leader, purpose=PublicLink.Purpose.WALL, **said)
    leader.goto("/wall-links/", "h27-wall-links")
    make_the_city_busy(cast)
    said = {"purpose": PublicLink.Purpose.CITY_WALL, "label": "指挥大厅", "days": 180, "request_id": uuid4()}
    _, token = links.make(cast.zdb, by=cast.zdb_officer, **said)
    leader.goto(f"/wall/{token}/", "h31-wall-city")
    Person(open_page(DESK), cast.auditor.username, javascript=True).goto("/audit/", "h29-audit")
    duty.goto(reverse("townships:second-factor"), "h30-second-factor")
