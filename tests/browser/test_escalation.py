"""Two walks: a rework that is overdue ends with a red slip; a shift is handed over from one to the next by name."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from enforcement.models import Dispatch, Escalation, Whistle
from enforcement.services import escalation
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_walk import Person
from tests.cast import Cast, PostFactory, ShiftFactory, UserFactory
from tests.enforcement import walk
from townships.models import Role, ShiftNote

OpenPage = Callable[..., Page]
SCRIPTS = pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])


def overdue(dispatch: Dispatch) -> None:
    """As if the rework had been asked for a month ago."""
    month = timedelta(days=30)
    rows = Dispatch.objects.filter(pk=dispatch.pk)
    due = dispatch.rework_due - month  # type: ignore[operator]
    rows.update(rework_at=dispatch.rework_at - month, rework_due=due, next_due=due, alarm_at=due)  # type: ignore[operator]
    Whistle.objects.filter(pk=dispatch.whistle_id).update(next_due=due)


@SCRIPTS
def test_walk_of_an_overdue_rework(committed_cast: Cast, open_page: OpenPage, javascript: bool) -> None:
    cast = committed_cast

    def person(name: str, size: dict[str, int]) -> Person:
        return Person(open_page(size, javascript=javascript), getattr(cast, name).username, javascript=javascript)

    dispatch = walk.reworked(cast, walk.part(walk.ready(cast, helpers=[]), cast.scjg))
    dispatch.refresh_from_db()
    duty = person("duty", DESK)
    duty.goto(dispatch.get_absolute_url(), "e1-to-remind")
    duty.press("催办")
    expect(duty.page.get_by_text("已提醒对方").first).to_be_visible()
    duty.look("e2-reminded")

    overdue(dispatch)
    escalation.sweep()
    red = Escalation.objects.get(level=3)
    leader = person("scjg_leader", PHONE)
    leader.goto("/worklist/", "e3-worklist")
    expect(leader.page.get_by_text("红牌").first).to_be_visible()
    leader.goto(dispatch.get_absolute_url(), "e4-marked")
    leader.page.get_by_role("link", name="督办单").click()
    expect(leader.page.get_by_text(red.number)).to_be_visible()
    leader.look("e5-slip")
    duty.goto("/board/", "e6-board")
    expect(duty.page.locator(".slip .tag.late")).to_have_text("红牌")
    office = person("zdb_officer", DESK)
    office.goto("/escalations/", "e7-list")
    office.page.get_by_role("link", name="红牌", exact=True).first.click()
    expect(office.page.locator("table")).to_contain_text(red.number)
    office.goto("/board/", "e8-city")


@SCRIPTS
def test_walk_of_a_shift_handed_over(committed_cast: Cast, open_page: OpenPage, javascript: bool) -> None:
    cast = committed_cast
    second = UserFactory(username="duty-2", name="演示值班二")
    PostFactory(user=second, unit=cast.ganlin, role=Role.DUTY)
    ShiftFactory(township=cast.ganlin, user=second, day=timezone.localdate() + timedelta(days=1), band="1_early")
    walk.approved(cast)
    walk.event(cast)
    out = Person(open_page(PHONE, javascript=javascript), "duty", javascript=javascript)
    out.goto("/shift-notes/", "s1-none")
    out.press("交班")
    expect(out.page.locator("h1")).to_have_text("交班")
    out.look("s2-write")
    out.page.get_by_label("交代").fill("东湖路夜市今晚再看一次。")
    out.press("交班")
    expect(out.page.locator(".notices")).to_contain_text("已交班")
    out.look("s3-left")

    coming = Person(open_page(DESK, javascript=javascript), "duty-2", javascript=javascript)
    coming.goto("/board/", "s4-board")
    coming.follow(coming.page.get_by_role("link", name="等人接班"))
    coming.look("s5-note")
    coming.press("我来接班")
    expect(coming.page.locator(".notices")).to_contain_text("您已接班")
    coming.look("s6-taken")
    coming.goto("/shift-notes/", "s7-list")
    assert ShiftNote.objects.get().taken_over_by == second
    coming.goto("/board/", "s8-board")
    expect(coming.page.locator(".desk")).to_contain_text("演示值班二")
