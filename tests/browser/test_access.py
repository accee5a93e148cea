"""Who comes in: a second factor set up, asked for and mistyped; a session that ends beside a form; the auditor; the wall."""

from base64 import b32decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, Page, expect

from records.models import PublicLink
from records.services import link as links
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_walk import Person
from tests.cast import PASSWORD, Cast
from tests.enforcement import walk
from tests.townships.test_second_factor import code_of

OpenPage = Callable[..., Page]
SCREEN = {"width": 1920, "height": 1080}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_second_factor_set_up_and_asked_for(
    committed_cast: Cast, open_page: OpenPage, settings: Any, size: dict[str, int]
) -> None:
    settings.OTP_REQUIRED_ROLES = ["auditor"]
    page = open_page(size, slips=True)
    auditor = Person(page, committed_cast.auditor.username, javascript=True)
    page.goto("/")
    expect(page.get_by_role("heading", name="设置二次验证")).to_be_visible()
    auditor.look("90-second-factor-setup")
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    device = Typed(b32decode(secret))
    page.get_by_label("验证器上显示的 6 位数字").fill(code_of(device))
    auditor.press("设置好了")
    expect(page.locator(".codes li")).to_have_count(10)
    recovery = page.locator(".codes code").first.inner_text()
    auditor.look("91-recovery-codes")
    page.get_by_role("link", name="记好了，继续").click()
    log_out(page)

    sign_in(page, committed_cast.auditor.username)
    page.get_by_label("验证码").fill("000000")
    auditor.press("验证")
    expect(page.locator(".errors")).to_contain_text("验证码不对")
    auditor.look("92-wrong-code")
    page.wait_for_timeout(1100)  # one wrong code, one second
    page.get_by_label("验证码").fill(code_of(device, ahead=1))
    auditor.press("验证")
    expect(page.locator("h1")).not_to_have_text("输入验证码")
    log_out(page)
    sign_in(page, committed_cast.auditor.username)
    page.get_by_label("验证码").fill(recovery)
    auditor.press("验证")
    page.goto("/second-factor/")
    expect(page.locator(".panel").first).to_contain_text("还有 9 个恢复码")

    walk.submitted(committed_cast)
    auditor.goto("/audit/", "93-audit")
    page.locator("#id_person").fill(committed_cast.auditor.username)
    page.get_by_label("种类").select_option(label="二次验证")
    auditor.press("查找")
    expect(page.locator("table.audit")).to_contain_text("用了一个恢复码")
    expect(page.locator("table.audit")).to_contain_text("二次验证码不对")
    auditor.look("94-audit-found")


@dataclass(frozen=True)
class Typed:
    """A device into which somebody has typed the secret that the page shows."""

    bin_key: bytes


def sign_in(page: Page, username: str) -> None:
    page.goto("/login/")
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()


def log_out(page: Page) -> None:
    page.locator("summary[aria-label^=我的账号]").click()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()


def test_session_ends_beside_a_form_and_the_form_is_kept(
    committed_cast: Cast, open_page: OpenPage, settings: Any
) -> None:
    settings.IDLE_MINUTES = {"*": 2}
    page = open_page(DESK)
    duty = Person(page, committed_cast.duty.username, javascript=True)
    duty.goto("/events/report/", "95-report")
    expect(page.locator(".idle-bar")).to_contain_text("没有操作")
    duty.look("96-soon-over")
    settings.IDLE_MINUTES = {"*": 30}
    page.get_by_role("button", name="继续使用").click()
    expect(page.locator(".idle-bar")).to_be_hidden()
    page.locator("#id_place").fill("东街 12 号")
    Session.objects.all().delete()
    page.evaluate("htmx.ajax('GET', '/messages/bell/', {target: '.bell', swap: 'outerHTML'})")
    expect(page.get_by_role("alertdialog")).to_contain_text("您填写的内容还在")
    duty.look("97-over")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="在新窗口登录").click()
    other = opened.value
    sign_in(other, committed_cast.duty.username)
    expect(other.locator("h1")).to_contain_text("指挥台")
    page.get_by_role("button", name="已经登录，回到填写").click()
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    expect(page.locator("#id_place")).to_have_value("东街 12 号")
    sent = page.evaluate(
        "fetch('/session/', {method: 'POST', headers: {'X-CSRFToken': document.querySelector('[name=csrfmiddlewaretoken]').value}}).then(r => r.status)"
    )
    assert sent == 200, "the form's own token is good for the new log-in"


def test_wall_hangs_without_a_log_in_and_goes_dark_when_revoked(
    committed_cast: Cast, browser: Browser, live_server: Any
) -> None:
    whistle = walk.submitted(committed_cast)
    said = {"purpose": PublicLink.Purpose.WALL, "label": "大厅", "days": 30, "request_id": uuid4()}
    link, token = links.make(committed_cast.ganlin, by=committed_cast.leader, **said)
    context = browser.new_context(base_url=live_server.url, viewport=SCREEN)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"/wall/{token}/")
    expect(page.locator("article h3")).to_have_text(whistle.title)
    assert page.evaluate("document.documentElement.scrollHeight") <= SCREEN["height"]
    assert not page.context.cookies()
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('article h3')).fontSize)") >= 24
    links.revoke(link, by=committed_cast.leader)
    page.evaluate("htmx.ajax('GET', document.querySelector('#wall').getAttribute('hx-get'), '#wall')")
    expect(page.get_by_role("heading", name="大屏不能显示")).to_be_visible()
    context.close()
