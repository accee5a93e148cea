"""联合行动 in the browser: four units are called, sign, assemble, and the lead's report is confirmed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from enforcement.models import Dispatch, Whistle
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_walk import Person
from tests.cast import Cast, PostFactory, UserFactory
from townships.models import Role, Unit, User

OpenPage = Callable[..., Page]
TITLE = "夜市油烟联合整治"


def submit(person: Person, asked: list[Unit]) -> Whistle:
    page, when = person.page, timezone.localtime() + timedelta(hours=20)
    person.goto("/whistles/", "j01-whistles")
    person.follow(page.locator("main").get_by_role("link", name="发起联合行动"))
    person.look("j02-empty")
    page.get_by_label("行动名称").fill(TITLE)
    page.get_by_label("为什么、做什么").fill("投诉集中，一家去解决不了。")
    page.get_by_label("行动范围").fill("振兴路至文昌路")
    page.get_by_label("集合时间").fill(f"{when:%Y-%m-%dT%H:%M}")
    page.get_by_label("集合地点").fill("镇政府东门")
    for index, unit in enumerate(asked):
        if person.javascript:
            page.locator("#sift-units").fill(unit.short_name)
        name = "helpers" if index else "lead"
        page.locator(f"input[name={name}][value='{unit.pk}']").check()
        if index != 1:
            page.get_by_label(f"{unit.short_name}的任务").fill(f"第{index + 1}家的任务。")
    person.look("j03-chosen")
    person.press("提交")
    expect(page.locator(".errors")).to_contain_text(f"请写{asked[1]}的任务")
    person.look("j04-task-missing")
    for index, unit in enumerate(asked):
        expect(page.get_by_label(f"{unit.short_name}的任务")).to_have_value(
            "" if index == 1 else f"第{index + 1}家的任务。"
        )
    page.get_by_label(f"{asked[1].short_name}的任务").fill("第2家的任务。")
    person.press("提交")
    expect(page.locator(".notices")).to_contain_text("领导审核")
    person.look("j05-submitted")
    return Whistle.objects.get()


def approve(person: Person, whistle: Whistle) -> None:
    person.goto("/worklist/", "j06-leaders-worklist")
    person.page.get_by_role("link", name="审核", exact=True).click()
    expect(person.page.locator(".assembly")).to_contain_text("镇政府东门")
    person.look("j07-to-approve")
    person.press("批准发出")
    expect(person.page.locator(".notices")).to_contain_text("已批准，各单位已收到消息")
    person.look("j08-approved")


def sign(person: Person, dispatch: Dispatch, step: str) -> None:
    person.goto("/worklist/", f"{step}-worklist")
    person.page.locator(f"a[href='{dispatch.get_absolute_url()}']").first.click()
    expect(person.page.get_by_text("我们的任务")).to_be_visible()
    person.look(f"{step}-to-sign")
    person.press("签收")
    expect(person.page.locator(".notices")).to_contain_text("已签收")


def arrive(person: Person, dispatch: Dispatch, who: User, step: str) -> None:
    page = person.page
    person.goto(dispatch.get_absolute_url(), f"{step}-to-arrive")
    for box in page.locator("input[name=officers]:checked").all():
        box.uncheck()
    page.locator(f"input[name=officers][value='{who.pk}']").check()
    page.locator("input[name=uses_power]").uncheck()
    person.press("已到场")
    expect(page.locator(".notices")).to_contain_text("已报到")
    person.look(f"{step}-arrived")


def report(person: Person, dispatch: Dispatch) -> None:
    page = person.page
    page.goto(f"{dispatch.get_absolute_url()}?act=report")
    page.locator("input[name=result][value=ordered]").check()
    page.locator("#report_measures").fill("查了 12 家，责令改正 4 家。")
    page.locator("form").filter(has=page.locator("#report_measures")).locator("button[type=submit]").last.click()
    expect(page.locator(".notices")).to_contain_text("已反馈")
    person.look("j30-reported")


def confirm(person: Person, whistle: Whistle) -> None:
    person.goto("/worklist/", "j31-worklist")
    person.goto(whistle.get_absolute_url(), "j32-to-confirm")
    person.page.locator("fieldset.stars").first.get_by_label("5 星").check()
    person.press("确认办结")
    expect(person.page.locator(".notices")).to_contain_text("已确认办结，各单位已收到消息")
    person.look("j33-closed")


def fourth(code: str) -> tuple[Unit, User]:
    """One more department, with somebody at its desk."""
    unit = Unit.objects.get(code=code)
    return unit, PostFactory(unit=unit, role=Role.LIAISON, user=UserFactory(username=f"{code}-liaison")).user


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_walk_of_a_townships_action(committed_cast: Cast, open_page: OpenPage, size: dict[str, int]) -> None:
    cast = committed_cast
    gaj, gaj_liaison = fourth("gaj")
    desks = {
        cast.scjg: (cast.scjg_liaison, cast.scjg_officer),
        cast.zrzy: (cast.zrzy_liaison, cast.zrzy_officer),
        cast.zfj: (cast.zfj_liaison, cast.zfj_liaison),
        gaj: (gaj_liaison, gaj_liaison),
    }
    whistle = walk_it(open_page, size, cast.duty, cast.leader, desks, javascript=True)
    assert (whistle.by_unit, whistle.state) == (cast.ganlin, "closed")


def test_walk_of_a_departments_action_without_scripts(committed_cast: Cast, open_page: OpenPage) -> None:
    """A township leads, another helps; each finds it in its work list and in the list of what is sent to it."""
    cast = committed_cast
    desks = {
        cast.ganlin: (cast.duty, cast.officer),
        cast.changle: (cast.changle_duty, cast.changle_duty),
        cast.zrzy: (cast.zrzy_liaison, cast.zrzy_officer),
        cast.zfj: (cast.zfj_liaison, cast.zfj_liaison),
    }
    whistle = walk_it(open_page, PHONE, cast.scjg_liaison, cast.scjg_leader, desks, javascript=False)
    assert (whistle.by_unit, whistle.state) == (cast.scjg, "closed")
    duty = Person(open_page(DESK, javascript=False), cast.duty.username, javascript=False)
    duty.goto("/dispatches/?box=in", "j40-sent-to-us")
    expect(duty.page.locator("main")).to_contain_text(TITLE)
    duty.goto("/dispatches/", "j41-ours")
    expect(duty.page.locator("main")).not_to_contain_text(TITLE)


def walk_it(
    open_page: OpenPage,
    size: dict[str, int],
    duty: User,
    leader: User,
    desks: dict[Unit, tuple[User, User]],
    *,
    javascript: bool,
) -> Whistle:
    def person(user: User, *, looks: bool = True) -> Person:
        page = open_page(size, javascript=javascript, slips=True)
        return Person(page, user.username, javascript=javascript, looks=looks)

    caller = person(duty)
    whistle = submit(caller, list(desks))
    approve(person(leader), whistle)
    parts = {part.department: part for part in whistle.dispatches.select_related("department")}
    lead = next(iter(desks))  # the others' pages are the lead's, but for the feedback
    asked = {unit: person(user, looks=unit == lead) for unit, (user, _) in desks.items()}
    for number, (unit, one) in enumerate(asked.items()):
        sign(one, parts[unit], f"j1{number}")
    for number, (unit, one) in enumerate(asked.items()):
        arrive(one, parts[unit], desks[unit][1], f"j2{number}")
    whistle.refresh_from_db()
    assert whistle.state == "handling"
    report(asked[lead], parts[lead])
    confirm(caller, whistle)
    whistle.refresh_from_db()
    return whistle
