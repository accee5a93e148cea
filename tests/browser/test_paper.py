"""What a page must be for whoever zooms to 200 %, has no mouse, or prints it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from enforcement.models import Dispatch
from tests.browser.conftest import DESK
from tests.browser.test_walk import log_in
from tests.cast import Cast
from tests.enforcement import walk

OpenPage = Callable[..., Page]
ZOOMED = {"width": 720, "height": 450}  # 1440 × 900 at 200 %
A4 = {"width": 688, "height": 1000}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUS = """() => { const one = document.activeElement, style = getComputedStyle(one);
  return one === document.body ? null : {
    what: one.outerHTML.slice(0, 80),
    seen: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none' } }"""


@pytest.fixture
def paths(committed_cast: Cast) -> list[str]:
    """A list with a row in it, the board, and the pages of a whistle and a dispatch."""
    dispatch = walk.part(walk.ready(committed_cast, helpers=[]), committed_cast.scjg)
    pages = [dispatch.whistle.get_absolute_url(), dispatch.event.get_absolute_url()]
    return ["/worklist/", "/board/", "/events/", "/whistles/", "/events/report/", *pages]


def focused(page: Page) -> list[dict[str, Any]]:
    """What Tab comes to, from the top of the page until it leaves it."""
    found = []
    while len(found) < 200:
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUS)
        if here is None or here in found[:1]:
            break
        found.append(here)
    return found


def test_pages_are_whole_at_200_percent_by_keyboard_and_on_paper(
    committed_cast: Cast, open_page: OpenPage, paths: list[str]
) -> None:
    page = open_page(ZOOMED)
    log_in(page, committed_cast.duty.username)
    for path in paths:
        page.goto(path)
        assert page.evaluate(TOO_WIDE) <= 0, path
    page.set_viewport_size(DESK)
    for path in ("/worklist/", "/events/report/", paths[-1]):
        page.goto(path)
        stops = focused(page)
        assert len(stops) > 5, path
        assert [stop["what"] for stop in stops if not stop["seen"]] == [], path
    skips_to_the_matter(page)
    page.emulate_media(media="print")
    page.set_viewport_size(A4)
    for path in paths:
        page.goto(path)
        assert page.evaluate(TOO_WIDE) <= 0, path
        assert (
            page.locator(".btn:visible, .bar:visible, .rail:visible, .tabs:visible, .filters:visible").count() == 0
        ), path
    page.goto(Dispatch.objects.get().get_absolute_url())
    expect(page.locator("#remarks")).to_be_hidden()  # nobody has said anything: no heading over nothing
    page.goto("/whistles/")
    assert page.locator(".list").evaluate("list => getComputedStyle(list).display") == "table"


def skips_to_the_matter(page: Page) -> None:
    """The first stop is the way past the menu; summaries open by Enter and close by Space."""
    page.goto("/events/report/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    summary = page.locator("main summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("main details").first).to_have_attribute("open", "")
    page.keyboard.press("Space")
    expect(page.locator("main details[open]")).to_have_count(0)
