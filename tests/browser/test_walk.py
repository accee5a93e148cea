"""One whistle in the browser: from a grid member's phone to two departments on site and a closed loop."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from enforcement.models import Dispatch, Event, Whistle
from tests.browser.conftest import DESK, PHONE, SHOTS
from tests.cast import PASSWORD, Cast, client_for
from tests.pictures import jpeg
from townships.models import User

OpenPage = Callable[..., Page]
SERIOUS = ("serious", "critical")


class Person:
    """One of the cast at a browser. Every page is looked at: a picture at both widths, and axe where scripts run."""

    axe: dict[str, Any] = {}  # options

    def __init__(self, page: Page, username: str, *, javascript: bool, looks: bool = True) -> None:
        """`looks`: False for one of several who see the same pages."""
        self.page, self.username, self.javascript, self.looks = page, username, javascript, looks
        session = client_for(User.objects.get(username=username)).cookies["sessionid"]
        page.context.add_cookies([{"name": session.key, "value": session.value, "domain": "localhost", "path": "/"}])

    def goto(self, path: str, name: str) -> None:
        self.page.goto(path)
        self.look(name)

    def follow(self, target: Locator) -> None:
        """Click what leads to another page, and wait until it is there: a click alone returns before that."""
        with self.page.expect_navigation():
            target.click()

    def press(self, name: str) -> None:
        """Press the button of this name that is on the screen: wide pages and phones have it in different places."""
        buttons = self.page.locator("main button:visible, main a.btn:visible")
        buttons.get_by_text(name, exact=True).or_(
            buttons.filter(has_text=re.compile(f"^\\s*{name}\\s*$"))
        ).first.click()

    def look(self, name: str) -> None:
        if not self.looks:
            return
        if self.javascript:
            options = {"resultTypes": ["violations"], **self.axe}  # what is in order comes without its nodes
            found = Axe().run(self.page, options=options).response["violations"]
            bad = [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found if v["impact"] in SERIOUS]
            assert not bad, f"{name}: {bad}"
        wide = self.page.evaluate("document.documentElement.scrollWidth") if self.javascript else 0
        assert wide <= self.page.viewport_size["width"], f"{name} scrolls sideways: {wide}"  # type: ignore[index]
        if SHOTS and self.javascript:
            before = self.page.viewport_size
            for size in (PHONE, DESK):
                self.page.set_viewport_size(size)  # type: ignore[arg-type]
                self.page.screenshot(path=Path(SHOTS) / f"{name}-{size['width']}.png", full_page=True)
            self.page.set_viewport_size(before)  # type: ignore[arg-type]


def log_in(page: Page, username: str) -> None:
    page.goto("/login/")
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    expect(page).not_to_have_url("/login/")


def report(person: Person, tmp_path: Path) -> Event:
    photo = tmp_path / "现场.jpg"
    photo.write_bytes(jpeg().read())
    page = person.page
    person.goto("/events/report/", "01-report")
    page.locator("#id_category_text").fill("占道经营")
    if person.javascript:
        expect(page.locator("#categories").get_by_role("radio").first).to_be_visible()
    else:
        page.get_by_role("button", name="查找").click()
    page.locator("#categories label").first.click()
    page.locator("#id_place").fill("东湖路 18 号门口")
    page.get_by_label("情况").fill("夜市摊位占用人行道，油烟直排，劝导三次无效。")
    page.locator("input[type=file]").set_input_files(photo)
    person.press("上报")
    expect(page.locator("h1")).to_contain_text("东湖路")
    person.look("02-reported")
    return Event.objects.latest("id")


def submit(person: Person, event: Event, cast: Cast) -> Whistle:
    page = person.page
    person.goto(event.get_absolute_url(), "03-triage")
    person.goto(f"{event.get_absolute_url()}whistle/", "04-whistle")
    page.locator("input[name=kind][value=routine]").check()
    page.locator(".depts details > summary").click()
    page.locator(f"input[name=lead][value='{cast.scjg.pk}']").check()
    for helper in page.locator("input[name=helpers]:checked").all():
        helper.uncheck()
    page.locator(f"input[name=helpers][value='{cast.zrzy.pk}']").check()
    page.locator("input[name=why][value=joint]").check()
    page.get_by_label("情况和请求").fill("请市场监管局查经营资格，自然资源局核用地。")
    person.press("吹哨")
    expect(page.locator("h1")).to_contain_text("东湖路")
    person.look("05-submitted")
    return Whistle.objects.latest("id")


def approve(person: Person, whistle: Whistle) -> None:
    person.goto("/worklist/", "06-leader-worklist")
    person.goto(whistle.get_absolute_url(), "07-approve")
    person.press("批准发出")
    expect(person.page.get_by_text("已批准")).to_be_visible()
    person.look("08-approved")


def sign(person: Person, dispatch: Dispatch, step: str) -> None:
    person.goto("/worklist/", f"{step}-worklist")
    person.page.locator(f"a[href='{dispatch.get_absolute_url()}']").first.click()
    expect(person.page.locator("h1")).to_contain_text("东湖路")
    person.look(f"{step}-to-sign")
    person.press("签收")
    expect(person.page.locator(".notices")).to_contain_text("已签收")
    person.look(f"{step}-signed")


def arrive(person: Person, officer: Any, step: str) -> None:
    page = person.page
    for box in page.locator("input[name=officers]:checked").all():
        box.uncheck()
    page.locator(f"input[name=officers][value='{officer.pk}']").check()
    person.press("已到场")
    expect(page.locator(".notices")).to_contain_text("已报到")
    person.look(f"{step}-arrived")


def report_back(person: Person, words: str, step: str) -> None:
    page = person.page
    for summary in page.locator("details:not([open]) > summary").filter(has_text="反馈").all():
        summary.click()
    page.locator("input[name=result][value=solved]").check()
    page.locator("#report_measures").fill(words)
    page.locator("form").filter(has=page.locator("#report_measures")).locator("button[type=submit]").last.click()
    expect(page.locator(".notices")).to_contain_text("已反馈")
    person.look(f"{step}-reported")


def rework(person: Person, whistle: Whistle, dispatch: Dispatch) -> None:
    page = person.page
    person.goto(whistle.get_absolute_url(), "14-to-confirm")
    part = page.locator("section.part").filter(has=page.locator(f"#rework-{dispatch.pk}"))
    part.locator("summary").filter(has_text="返工").click()
    page.locator(f"#rework-{dispatch.pk}").fill("油烟净化器还没有装，请补办。")
    part.get_by_role("button", name="退回返工").click()
    expect(page.locator(".notices")).to_contain_text("已退回返工")
    person.look("15-sent-back")


def confirm(person: Person, whistle: Whistle) -> None:
    person.goto("/worklist/", "17-desk-worklist")
    person.goto(whistle.get_absolute_url(), "18-confirm")
    person.page.locator("fieldset.stars").first.get_by_label("4 星").check()
    person.press("确认办结")
    expect(person.page.locator(".notices")).to_contain_text("办结")
    person.look("19-closed")
    person.goto("/board/", "20-board")


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
def test_walk_of_one_whistle(committed_cast: Cast, open_page: OpenPage, tmp_path: Path, javascript: bool) -> None:
    cast = committed_cast

    def person(name: str, size: dict[str, int]) -> Person:
        return Person(open_page(size, javascript=javascript), getattr(cast, name).username, javascript=javascript)

    log_in(open_page(PHONE, javascript=javascript), cast.grid.username)
    grid = person("grid", PHONE)
    event = report(grid, tmp_path)
    duty = person("duty", DESK)
    whistle = submit(duty, event, cast)
    approve(person("leader", PHONE), whistle)
    lead, helper = whistle.dispatches.order_by("id")
    scjg, zrzy = person("scjg_liaison", PHONE), person("zrzy_liaison", DESK)
    sign(scjg, lead, "09-lead")
    sign(zrzy, helper, "10-helper")
    arrive(scjg, cast.scjg_officer, "11-lead")
    arrive(zrzy, cast.zrzy_officer, "12-helper")
    report_back(scjg, "现场责令停止占道，摊位已撤。", "13-lead")
    rework(duty, whistle, lead)
    scjg.goto(lead.get_absolute_url(), "16-rework")
    report_back(scjg, "净化器已装，复查合格。", "16-again")
    confirm(duty, whistle)
    grid.goto(event.get_absolute_url(), "21-reporter")
    expect(grid.page.get_by_text("已办结").first).to_be_visible()

    event.refresh_from_db()
    whistle.refresh_from_db()
    lead.refresh_from_db()
    assert (event.state, whistle.state, lead.state, lead.stars) == ("settled", "closed", "closed", 4)
    assert timezone.now() - event.reported_at < timedelta(minutes=5)
