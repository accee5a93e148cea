"""退哨 in the browser: returned on a phone, agreed to by the leader, given to another department, signed there."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from enforcement.models import Dispatch
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_walk import Person
from tests.cast import Cast
from tests.enforcement import walk

OpenPage = Callable[..., Page]


def ask(person: Person, dispatch: Dispatch) -> None:
    page = person.page
    person.goto("/worklist/", "r01-worklist")
    person.goto(dispatch.get_absolute_url(), "r02-to-sign")
    page.get_by_role("link", name="退哨", exact=True).click()
    page.locator("input[name=ground][value=not_ours]").check()
    page.locator("#return_text").fill("该路段的摊位归综合执法局管，请改派。")
    page.get_by_role("button", name="申请退哨").click()
    expect(page.locator("#return .errors")).to_contain_text("依据的法律条款")
    person.look("r03-article-missing")
    page.locator("#return_article").fill("《浙江省城市市容和环境卫生管理条例》第十六条")
    page.get_by_role("button", name="申请退哨").click()
    expect(page.locator(".notices")).to_contain_text("等本单位领导同意")
    person.look("r04-asked")


def agree(person: Person, dispatch: Dispatch) -> None:
    person.goto("/worklist/", "r05-leader-worklist")
    person.page.get_by_role("link", name="答复退哨").click()
    expect(person.page.locator("h1")).to_have_text(dispatch.whistle.title)
    person.look("r06-to-agree")
    person.press("同意退哨")
    expect(person.page.locator(".notices")).to_contain_text("已同意")
    person.look("r07-agreed")


def reassign(person: Person, cast: Cast) -> None:
    page = person.page
    person.goto("/worklist/", "r08-arbitrators-worklist")
    person.follow(page.get_by_role("link", name="裁定退哨"))
    person.look("r09-to-arbitrate")
    page.locator("input[name=outcome][value=reassigned]").check()
    page.locator("#arbitrate_decision").fill("占用人行道经营归综合执法局管。")
    page.locator("#arbitrate button[type=submit]").click()
    expect(page.locator("#arbitrate .errors")).to_contain_text("请选改派给哪个部门")
    person.look("r10-whom")
    if person.javascript:
        page.locator("#sift-heirs").fill("综合执法")
    page.locator(f"input[name=to_unit][value='{cast.zfj.pk}']").check()
    page.locator("#arbitrate button[type=submit]").click()
    expect(page.locator(".notices")).to_contain_text("已裁定")
    person.look("r11-decided")


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
def test_walk_of_a_return(committed_cast: Cast, open_page: OpenPage, javascript: bool) -> None:
    cast = committed_cast
    cast.scjg.return_needs_leader = True
    cast.scjg.save()
    whistle = walk.approved(cast)
    dispatch = walk.part(whistle, cast.scjg)

    def person(name: str, size: dict[str, int]) -> Person:
        page = open_page(size, javascript=javascript, slips=True)
        return Person(page, getattr(cast, name).username, javascript=javascript)

    ask(person("scjg_liaison", PHONE), dispatch)
    agree(person("scjg_leader", PHONE), dispatch)
    duty = person("duty", DESK)
    duty.goto(whistle.get_absolute_url(), "r07-township")
    expect(duty.page.get_by_text("退哨待仲裁").first).to_be_visible()
    reassign(person("zdb_officer", DESK), cast)
    duty.goto(whistle.get_absolute_url(), "r12-township")
    expect(duty.page.get_by_text("指导办").first).to_be_visible()
    duty.goto("/board/", "r12-board")
    person("grid", PHONE).goto(whistle.event.get_absolute_url(), "r13-reporter")
    heir = walk.part(whistle, cast.zfj)
    zfj = person("zfj_liaison", PHONE)
    zfj.goto(heir.get_absolute_url(), "r14-heir")
    zfj.press("签收")
    expect(zfj.page.locator(".notices")).to_contain_text("已签收")
    person("scjg_liaison", DESK).goto(dispatch.get_absolute_url(), "r15-returned")

    dispatch.refresh_from_db()
    heir.refresh_from_db()
    assert (dispatch.state, heir.state, heir.is_lead) == ("returned", "signed", True)
