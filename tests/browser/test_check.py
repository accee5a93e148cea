"""In the browser: looked at on the spot and not in order, sent back, confirmed with tags, appealed and struck out;
two reports of one matter, and one that is the neighbouring township's.
"""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from enforcement.models import Appeal, Check, Dispatch, Event, Handover, Whistle
from enforcement.services import event as events
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_walk import Person
from tests.cast import Cast
from tests.enforcement import walk
from tests.pictures import jpeg
from townships.models import User

OpenPage = Callable[..., Page]


def person_at(open_page: OpenPage, user: User, size: dict[str, int], *, javascript: bool) -> Person:
    return Person(open_page(size, javascript=javascript, slips=True), user.username, javascript=javascript)


# --- looked at, judged, appealed --------------------------------------------------------------------------------------
def look(person: Person, event: Event, tmp_path: Path) -> None:
    page = person.page
    person.goto("/worklist/", "c01-grid-worklist")
    page.get_by_role("link", name="去核查").click()
    expect(page.locator("h1")).to_have_text(event.title)
    person.look("c02-to-check")
    photo = tmp_path / "核查.jpg"
    photo.write_bytes(jpeg().read())
    page.locator("#check input[type=file]").set_input_files(photo)
    page.get_by_role("button", name="不通过", exact=True).click()
    expect(page.locator("#check .errors")).to_contain_text("哪里没有处置好")
    expect(page.locator("#check")).to_contain_text("已收到 1 张照片")
    person.look("c03-words-missing")
    page.locator("#check_text").fill("摊位收了一半，油烟机还在排。")
    page.get_by_role("button", name="不通过", exact=True).click()
    expect(page.locator(".notices")).to_contain_text("已告诉镇里")
    person.look("c04-checked")


def send_back(person: Person, whistle: Whistle, lead: Dispatch) -> None:
    page = person.page
    person.goto(whistle.get_absolute_url(), "c05-failed-check")
    page.locator(".actions").get_by_role("link", name="退回返工").click()
    page.locator(f"#rework-{lead.pk}").fill("油烟机没有拆，请补办。")
    page.locator("section.part").get_by_role("button", name="退回返工").first.click()
    expect(page.locator(".notices")).to_contain_text("已退回返工")


def confirm(person: Person, whistle: Whistle, lead: Dispatch) -> None:
    page = person.page
    person.goto(whistle.get_absolute_url(), "c06-to-rate")
    part = page.locator("section.part").filter(has=page.locator(f"input[name=stars_{lead.pk}]"))
    part.get_by_text("好在哪里、想说的话").click()
    part.get_by_label("讲清楚").check()
    part.locator("textarea[name^=text_]").fill("来了两次才办好。")
    person.press("确认办结")
    expect(page.locator(".errors")).to_contain_text("请再选几颗星")
    person.look("c07-stars-missing")
    page.locator(f"input[name=stars_{lead.pk}][value='2']").check()
    person.press("确认办结")
    expect(page.locator(".notices")).to_contain_text("已确认办结")
    person.look("c08-rated")


def appeal(person: Person, lead: Dispatch) -> None:
    page = person.page
    person.goto(lead.get_absolute_url(), "c09-departments-rating")
    expect(page.get_by_text("2 星 · 讲清楚")).to_be_visible()
    page.locator("#appeal-form > summary").click()
    page.locator("#appeal_text").fill("返工按期办完，有照片。")
    page.get_by_role("button", name="提出申诉").click()
    expect(page.locator(".notices")).to_contain_text("已提出申诉")
    person.look("c10-appealed")


def strike(person: Person, lead: Dispatch) -> None:
    page = person.page
    person.goto("/worklist/", "c11-arbitrators-worklist")
    page.get_by_role("link", name="裁定申诉").click()
    expect(page.get_by_text("来了两次才办好。")).to_be_visible()
    person.look("c12-to-decide")
    page.get_by_role("button", name="裁定", exact=True).click()
    expect(page.locator("#decide .errors")).to_contain_text("请选维持或不计")
    page.locator("input[name=outcome][value=struck]").check()
    page.locator("#decide_decision").fill("返工在时限内。")
    page.get_by_role("button", name="裁定", exact=True).click()
    expect(page.locator(".notices")).to_contain_text("已裁定")
    person.look("c13-decided")


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
def test_walk_of_a_check_and_an_appeal(
    committed_cast: Cast, open_page: OpenPage, tmp_path: Path, javascript: bool
) -> None:
    cast = committed_cast
    whistle = walk.ready(cast, helpers=[])
    lead = walk.part(whistle, cast.scjg)
    look(person_at(open_page, cast.grid, PHONE, javascript=javascript), lead.whistle.event, tmp_path)
    duty = person_at(open_page, cast.duty, DESK, javascript=javascript)
    send_back(duty, whistle, lead)
    walk.report(cast, walk.part(whistle, cast.scjg))
    confirm(duty, whistle, lead)
    appeal(person_at(open_page, cast.scjg_liaison, PHONE, javascript=javascript), lead)
    strike(person_at(open_page, cast.zdb_officer, DESK, javascript=javascript), lead)
    assert list(Check.objects.order_by("id").values_list("state", flat=True)) == ["failed", "void"]
    assert (Appeal.objects.get().state, list(Dispatch.objects.rated())) == ("struck", [])


# --- the same matter, and the neighbour's -------------------------------------------------------------------------------
def merge(person: Person, event: Event) -> None:
    page = person.page
    person.goto(event.get_absolute_url(), "c20-likely-the-same")
    page.locator("#likely").get_by_role("button", name="并入").first.click()
    expect(page.locator(".notices")).to_contain_text("已并案")
    person.look("c21-merged")


def offer(person: Person, cast: Cast, event: Event) -> None:
    page = person.page
    person.goto(event.get_absolute_url(), "c22-to-hand-over")
    page.locator("#handover > summary").click()
    page.get_by_role("button", name="移交", exact=True).click()
    expect(page.locator("#handover .errors")).to_contain_text("请选移交哪个镇街")
    person.look("c23-whom")
    page.locator("#handover_to").select_option(str(cast.changle.pk))
    page.locator("#handover_reason").fill("界桩以东是长乐镇。")
    page.get_by_role("button", name="移交", exact=True).click()
    expect(page.locator(".notices")).to_contain_text("已请长乐镇接收")
    person.look("c24-offered")


def accept(person: Person, event: Event) -> None:
    page = person.page
    person.goto("/worklist/", "c25-neighbours-worklist")
    page.get_by_role("link", name="答复移交").click()
    expect(page.get_by_text("界桩以东是长乐镇。")).to_be_visible()
    person.look("c26-to-accept")
    person.press("接收")
    expect(page.locator(".notices")).to_contain_text("已接收")
    expect(page.locator("h1")).to_have_text(event.title)
    person.look("c27-accepted")


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
def test_walk_of_a_merging_and_a_hand_over(committed_cast: Cast, open_page: OpenPage, javascript: bool) -> None:
    cast = committed_cast
    main, twin = walk.event(cast), walk.event(cast)
    elsewhere = events.report(
        by=cast.grid,
        request_id=uuid4(),
        category=walk.category(),
        title="界桩旁堆放砂石",
        facts="砂石堆到路边。",
        place=events.Place(cast.ganlin, "界桩旁"),
        is_urgent=False,
        origin=events.Origin(),
    )
    duty = person_at(open_page, cast.duty, DESK, javascript=javascript)
    merge(duty, twin)
    grid = person_at(open_page, cast.grid, PHONE, javascript=javascript)
    grid.goto(twin.get_absolute_url(), "c28-reporter-of-the-merged")
    expect(grid.page.get_by_text("已经并在一起办").first).to_be_visible()
    offer(duty, cast, elsewhere)
    accept(person_at(open_page, cast.changle_duty, PHONE, javascript=javascript), elsewhere)
    duty.goto(Handover.objects.get().get_absolute_url(), "c29-given")
    grid.goto(elsewhere.get_absolute_url(), "c30-reporter-of-the-given")
    twin.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (twin.state, twin.merged_into, elsewhere.township) == ("merged", main, cast.changle)
