"""延期, 挂账 and 撤哨 in the browser: put off once, refused after the limit; suspended and resumed; taken back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Page, expect

from enforcement.models import Dispatch, Suspension, Whistle
from enforcement.services import extension as extensions
from enforcement.services import suspension as suspensions
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_walk import Person
from tests.cast import Cast
from tests.enforcement import walk

OpenPage = Callable[..., Page]
SCRIPTS = pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])


def arrived(cast: Cast, days_ago: int = 0) -> Dispatch:
    with time_machine.travel(timezone.now() - timedelta(days=days_ago)):
        return walk.arrived(cast, walk.part(walk.approved(cast), cast.scjg))


@pytest.fixture
def person(committed_cast: Cast, open_page: OpenPage) -> Callable[..., Person]:
    def make(name: str, size: dict[str, int], *, javascript: bool = True) -> Person:
        user: Any = getattr(committed_cast, name)
        return Person(open_page(size, javascript=javascript, slips=True), user.username, javascript=javascript)

    return make


def unfold(someone: Person, name: str) -> None:
    someone.page.locator("details:not([open]) > summary").filter(has_text=name).first.click()


@SCRIPTS
def test_put_off_once_and_refused_after_the_limit(
    committed_cast: Cast, person: Callable[..., Person], javascript: bool
) -> None:
    dispatch = arrived(committed_cast)
    department = person("scjg_liaison", PHONE, javascript=javascript)
    department.goto(f"{dispatch.get_absolute_url()}?act=extend", "50-extend")
    department.page.locator("#extend_reason").fill("样品已送检，报告下周出。")
    department.press("申请延期")
    expect(department.page.locator(".notices")).to_contain_text("等指挥室答复")
    department.look("51-extension-asked")
    desk = person("duty", DESK, javascript=javascript)
    desk.goto("/worklist/?when=all", "52-desk-worklist")
    desk.page.get_by_role("link", name="答复延期").click()
    expect(desk.page.locator("#extension")).to_contain_text("新期限")
    desk.look("53-to-answer")
    desk.press("同意延期")
    expect(desk.page.locator(".notices")).to_contain_text("已同意延期")
    desk.look("54-granted")
    department.goto(dispatch.get_absolute_url(), "55-no-second-one")
    expect(department.page.locator("#extend")).to_contain_text("最多申请延期 1 次")

    late = arrived(committed_cast, days_ago=30)
    department.goto(late.get_absolute_url(), "56-after-the-limit")
    expect(department.page.locator("#extend")).to_contain_text("办结期限已过，不能再申请延期。")


def test_extension_that_somebody_else_has_answered(committed_cast: Cast, person: Callable[..., Person]) -> None:
    dispatch = arrived(committed_cast)
    asked = extensions.ask(dispatch, by=committed_cast.scjg_liaison, request_id=uuid4(), reason="等检测。")
    desk = person("duty", DESK)
    desk.goto(dispatch.get_absolute_url(), "57-still-to-answer")
    extensions.grant(asked, by=committed_cast.leader)
    unfold(desk, "不同意")
    desk.page.locator("#refuse_extension_decision").fill("能办完。")
    desk.press("不同意延期")
    expect(desk.page.locator(".notices")).to_contain_text("镇街领导已于")
    desk.look("58-answered-already")


@SCRIPTS
def test_suspended_and_resumed(committed_cast: Cast, person: Callable[..., Person], javascript: bool) -> None:
    whistle = Whistle.objects.get(pk=arrived(committed_cast).whistle_id)
    part = walk.part(whistle, committed_cast.scjg)
    department = person("scjg_liaison", PHONE, javascript=javascript)
    department.goto(part.get_absolute_url(), "60-dispatch")
    department.follow(department.page.get_by_role("link", name="申请挂账"))
    department.look("61-suspend")
    department.page.get_by_label("等待上级批复").check()
    department.page.locator("#suspend_until").fill("2020-01-01")
    department.press("申请挂账")
    expect(department.page.locator("#suspend")).to_contain_text("最早挂账到明天")
    department.look("62-suspend-wrong")
    department.page.locator("#suspend_text").fill("方案已报市里，等批复。")
    department.page.locator("#suspend_until").fill(f"{timezone.localdate() + timedelta(days=20)}")
    department.press("申请挂账")
    expect(department.page.locator(".notices")).to_contain_text("已申请挂账")
    department.look("63-suspension-asked")
    leader = person("leader", PHONE, javascript=javascript)
    leader.goto("/worklist/?when=all", "64-leader-worklist")
    leader.follow(leader.page.get_by_role("link", name="答复挂账"))
    leader.look("65-to-decide")
    leader.press("批准挂账")
    expect(leader.page.locator(".notices")).to_contain_text("已批准挂账")
    department.goto(part.get_absolute_url(), "66-suspended-dispatch")
    expect(department.page.locator(".note").first).to_contain_text("先不用办，也不计时")
    expect(department.page.get_by_role("button", name="已到场")).to_have_count(0)
    desk = person("duty", DESK, javascript=javascript)
    desk.goto("/board/", "67-board")
    expect(desk.page.locator("#suspended")).to_contain_text("恢复")
    desk.goto(whistle.get_absolute_url(), "68-suspended-whistle")
    person("grid", PHONE, javascript=javascript).goto(whistle.event.get_absolute_url(), "69-reporter")  # type: ignore[union-attr]
    desk.press("现在恢复办理")
    expect(desk.page.locator(".notices")).to_contain_text("已恢复办理")
    desk.look("70-resumed")
    department.goto(part.get_absolute_url(), "71-resumed-dispatch")
    expect(department.page.locator("#report")).to_have_count(1)
    assert Suspension.objects.get().state == "ended"


@SCRIPTS
def test_taken_back(committed_cast: Cast, person: Callable[..., Person], javascript: bool) -> None:
    dispatch = arrived(committed_cast)
    desk = person("duty", PHONE, javascript=javascript)
    desk.goto(dispatch.whistle.get_absolute_url(), "72-whistle")
    unfold(desk, "撤哨")
    desk.page.locator("#withdraw_reason").fill("当事人已自行清理。")
    desk.look("73-withdraw")
    desk.press("撤哨")
    expect(desk.page.locator(".notices")).to_contain_text("已撤哨")
    desk.look("74-event-again")
    desk.goto(dispatch.whistle.get_absolute_url(), "75-withdrawn")
    person("scjg_liaison", DESK, javascript=javascript).goto(dispatch.get_absolute_url(), "76-withdrawn-dispatch")


def test_resumed_by_itself_while_the_desk_looks(committed_cast: Cast, person: Callable[..., Person]) -> None:
    whistle = Whistle.objects.get(pk=arrived(committed_cast).whistle_id)
    words = {"reason": "works", "text": "等施工。", "until": timezone.localdate() + timedelta(days=2)}
    asked = suspensions.ask(whistle, by=committed_cast.duty, request_id=uuid4(), **words)
    suspensions.approve(asked, by=committed_cast.leader)
    desk = person("duty", DESK)
    desk.goto(whistle.get_absolute_url(), "77-suspended")
    assert suspensions.resume_due_ones(asked.resume_due + timedelta(minutes=1)) == 1
    desk.press("现在恢复办理")
    expect(desk.page.locator(".notices")).to_contain_text("系统已于")
    desk.look("78-resumed-already")
