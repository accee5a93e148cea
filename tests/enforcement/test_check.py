"""核查: asked of the grid member who reported, answered once from the spot, over when the township decides without it."""

from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from command_room.services.worklist import acts
from enforcement.models import Check, Whistle
from enforcement.services import check as checks
from enforcement.services import event as events
from enforcement.services import provisional
from enforcement.services import whistle as whistles
from enforcement.services.progress import milestones
from records.models import Attachment, Entry
from records.services import Refused, WrongState
from tests.cast import Cast, PostFactory, UserFactory, client_for
from tests.enforcement import walk
from tests.enforcement.pages import html, page, post
from tests.enforcement.test_provisional import load_2027
from townships.models import Post, Role

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = walk.at("2026-11-24 10:36")


@pytest.fixture(autouse=True)
def _here(tmp_path: Any, settings: Any) -> Any:
    settings.MEDIA_ROOT = tmp_path / "files"
    with time_machine.travel(NOW, tick=False):
        yield


def say(check: Check, by: Any, answer: str = "passed", text: str = "", **more: Any) -> None:
    checks.answer(check, by=by, **{"seen_state": "asked", "answer": answer, "text": text, **more})


# --- asking -----------------------------------------------------------------------------------------------------------
def test_ask_when_the_lead_reports_back(cast: Cast) -> None:
    whistle = walk.ready(cast)
    check = Check.objects.get()
    assert (check.whistle, check.event, check.asked_of, check.state) == (whistle, whistle.event, cast.grid, "asked")
    assert check.due == walk.at("2026-11-25 23:59:59")  # one workday: until the end of tomorrow
    assert walk.told("check_asked") == ["grid"]
    assert Entry.objects.about(whistle).filter(verb="check_asked").count() == 1


def test_ask_nobody_when_a_helper_reports_back(cast: Cast) -> None:
    walk.reported(cast, walk.part(walk.approved(cast), cast.zrzy))
    assert not Check.objects.exists()


def test_ask_nobody_when_the_desk_has_registered_it(cast: Cast) -> None:
    whistle = walk.submitted(cast, of=walk.event(cast, by=cast.duty))
    whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    walk.reported(cast, walk.part(whistle, cast.scjg))
    assert not Check.objects.exists()


def test_ask_nobody_whose_post_at_the_grid_has_ended(cast: Cast) -> None:
    whistle = walk.approved(cast)
    Post.objects.filter(user=cast.grid).update(valid_to="2026-11-23")
    walk.reported(cast, walk.part(whistle, cast.scjg))
    assert not Check.objects.exists()


def test_ask_anew_after_a_rework(cast: Cast) -> None:
    whistle = walk.ready(cast)
    first = Check.objects.get()
    lead = walk.reworked(cast, walk.part(whistle, cast.scjg))
    first.refresh_from_db()
    assert first.state == "void"
    walk.report(cast, lead)
    assert list(Check.objects.order_by("id").values_list("state", flat=True)) == ["void", "asked"]


def test_ask_by_the_desk_where_the_keeper_of_the_grid_has_not_reported(cast: Cast) -> None:
    whistle = walk.submitted(cast, of=walk.event(cast, by=cast.duty))
    whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    walk.reported(cast, walk.part(whistle, cast.scjg))
    whistle.refresh_from_db()
    assert "请网格员去看看" in page(cast.duty, whistle)
    assert post(cast.duty, "whistle-check", whistle.pk, seen_state="reported").status_code == 302
    assert Check.objects.get().asked_of == cast.grid
    assert "请网格员去看看" not in page(cast.duty, whistle)


def test_ask_by_the_desk_twice_is_once(cast: Cast) -> None:
    whistle = walk.ready(cast)
    checks.ask(whistle, by=cast.duty, seen_state="reported")
    assert Check.objects.count() == 1


def test_ask_where_nobody_can_go_says_so(cast: Cast) -> None:
    whistle = walk.ready(cast)
    Check.objects.all().delete()
    Post.objects.filter(user=cast.grid).update(valid_to="2026-11-23")
    assert "请网格员去看看" not in page(cast.duty, whistle)
    with pytest.raises(Refused, match="没有网格员"):
        checks.ask(whistle, by=cast.duty, seen_state="reported")


def test_ask_of_a_whistle_that_is_not_reported(cast: Cast) -> None:
    whistle = walk.approved(cast)
    assert post(cast.duty, "whistle-check", whistle.pk, seen_state="signing").status_code == 403
    with pytest.raises(WrongState):
        checks.ask(whistle, by=cast.duty, seen_state="reported")


# --- answering --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answer", "label"), [("passed", "核查通过"), ("failed", "核查不通过"), ("unable", "无法核查")]
)
def test_answer_tells_the_desk_and_stands_on_the_whistle(cast: Cast, answer: str, label: str) -> None:
    whistle = walk.ready(cast)
    say(Check.objects.get(), cast.grid, answer, "摊位还在", files=[walk.photo()])
    check = Check.objects.get()
    assert (check.state, check.checked_by, check.checked_at) == (answer, cast.grid, NOW)
    assert Attachment.objects.get(target_id=check.pk).phase == "after"
    assert walk.told("check_answered") == ["duty"]
    assert Entry.objects.about(whistle).get(verb="check_answered").what == label
    shown = page(cast.duty, whistle)
    assert label in shown
    assert "摊位还在" in shown
    assert "处置后照片" in shown
    assert "摊位还在" in page(cast.scjg_liaison, whistle)


def test_answer_after_the_limit_counts_and_says_so(cast: Cast) -> None:
    whistle = walk.ready(cast)
    with time_machine.travel(walk.at("2026-11-26 09:00"), tick=False):
        say(Check.objects.get(), cast.grid)
    assert Entry.objects.about(whistle).get(verb="check_answered").what == "核查通过（超期）"


def test_answer_twice_is_told_what_happened(cast: Cast) -> None:
    walk.ready(cast)
    check = Check.objects.get()
    say(check, cast.grid)
    response = post(cast.grid, "check-answer", check.pk, seen_state="asked", answer="failed", text="x")
    assert response.status_code == 303
    with pytest.raises(WrongState):
        say(check, cast.grid, "failed", "x")
    assert Check.objects.get().state == "passed"


def test_answer_after_the_township_has_decided(cast: Cast) -> None:
    whistle = walk.ready(cast)
    check = Check.objects.get()
    whistles.close(whistle, by=cast.duty, seen_state="reported")
    check.refresh_from_db()
    assert check.state == "void"
    response = post(cast.grid, "check-answer", check.pk, seen_state="asked", answer="passed", request_id=uuid4())
    assert (response.status_code, response["Location"]) == (303, whistle.event.get_absolute_url())


def test_answer_form_is_three_buttons_on_the_events_page(cast: Cast) -> None:
    event = walk.ready(cast).event
    shown = page(cast.grid, event)
    for value, label in (("passed", "通过"), ("failed", "不通过"), ("unable", "无法核查")):
        assert f'name="answer" value="{value}">{label}</button>' in shown
    assert 'name="answer"' not in page(cast.duty, event)
    other = PostFactory(user=UserFactory(), unit=cast.ganlin_grid, role=Role.GRID).user
    assert 'name="answer"' not in page(other, event)


def test_answer_form_says_what_the_lead_has_reported(cast: Cast) -> None:
    whistle = walk.ready(cast)
    lead = whistle.dispatches.get(is_lead=True)
    report = lead.reports.get(kind="final")
    shown = page(cast.grid, whistle.event)
    assert f"{lead.department}今天 10:36 反馈：<b>{report.get_result_display()}</b>" in shown
    assert report.measures not in shown


@pytest.mark.parametrize(("answer", "sentence"), [("failed", "哪里没有处置好"), ("unable", "为什么看不了")])
def test_answer_without_words_asks_for_them_and_keeps_the_photos(cast: Cast, answer: str, sentence: str) -> None:
    walk.ready(cast)
    check, form_id = Check.objects.get(), uuid4()
    same = {"seen_state": "asked", "answer": answer, "request_id": form_id}
    client = client_for(cast.grid)
    url = reverse("enforcement:check-answer", args=[check.pk])
    response = client.post(url, {**same, "files": [walk.photo()]})
    assert response.status_code == 422
    assert sentence in html(response)
    assert "已收到 1 张照片" in html(response)
    assert client.post(url, {**same, "text": "门锁着"}).status_code == 302
    assert (Check.objects.get().state, Attachment.objects.filter(target_id=check.pk).count()) == (answer, 1)


def test_answer_by_somebody_else(cast: Cast) -> None:
    walk.ready(cast)
    check = Check.objects.get()
    data = {"seen_state": "asked", "answer": "passed", "request_id": uuid4()}
    other = PostFactory(user=UserFactory(), unit=cast.ganlin_grid, role=Role.GRID).user
    assert post(other, "check-answer", check.pk, **data).status_code == 403
    assert post(cast.duty, "check-answer", check.pk, **data).status_code == 403
    assert post(cast.changle_grid_member, "check-answer", check.pk, **data).status_code == 404
    assert client_for(cast.grid).get(reverse("enforcement:check-answer", args=[check.pk])).status_code == 405


# --- what follows -----------------------------------------------------------------------------------------------------
def test_failed_check_makes_the_rework_the_first_choice(cast: Cast) -> None:
    whistle = walk.ready(cast)
    lead = walk.part(whistle, cast.scjg)
    assert f'class="btn btn-primary" href="#rework-{lead.pk}"' not in page(cast.duty, whistle)
    say(Check.objects.get(), cast.grid, "failed", "摊位还在")
    shown = page(cast.duty, whistle)
    assert f'class="btn btn-primary" href="#rework-{lead.pk}">退回返工' in shown
    assert '<details class="again" open>' in shown
    assert '<button class="btn" type="submit" form="close-form">确认办结' in shown


def test_whistle_may_be_closed_after_a_failed_check(cast: Cast) -> None:
    whistle = walk.ready(cast)
    say(Check.objects.get(), cast.grid, "failed", "摊位还在")
    whistles.close(whistle, by=cast.duty, seen_state="reported")
    assert Whistle.objects.get().state == "closed"


def test_worklist_of_the_grid_member_begins_with_it(cast: Cast) -> None:
    walk.event(cast)
    whistle = walk.ready(cast)
    walk.event(cast)
    found = acts(cast.grid, NOW)
    assert (found[0].verb, found[0].number) == ("去核查", whistle.event.number)
    assert len(found) == 3
    say(Check.objects.get(), cast.grid)
    assert [act.verb for act in acts(cast.grid, NOW)] == ["", "", ""]


def test_worklist_of_others_does_not_hold_it(cast: Cast) -> None:
    walk.ready(cast)
    assert "去核查" not in [act.verb for user in (cast.duty, cast.changle_grid_member) for act in acts(user, NOW)]


def test_milestones_say_that_it_is_looked_at(cast: Cast) -> None:
    whistle = walk.ready(cast, helpers=[])
    parts = list(whistle.dispatches.select_related("department").order_by("id"))

    def way() -> list[tuple[str, str]]:
        found = list(Check.objects.order_by("-id"))
        return [(step.name, step.state) for step in milestones(whistle.event, [whistle], parts, checks=found)]

    assert ("网格员核查", "now") in way()
    say(Check.objects.get(), cast.grid)
    assert ("网格员核查", "done") in way()
    assert ("镇街确认", "now") in way()


def test_due_time_is_provisional_until_the_year_is_loaded(cast: Cast) -> None:
    with time_machine.travel(walk.at("2026-12-31 10:00"), tick=False):
        walk.ready(cast)
        check = Check.objects.get()
        assert (check.due, check.is_provisional) == (walk.at("2027-01-01 23:59:59"), True)
        assert "暂定" in page(cast.grid, check)
        load_2027()
        provisional.recompute()
        check.refresh_from_db()
        assert (check.due, check.is_provisional) == (walk.at("2027-01-06 23:59:59"), False)


def test_pages_ask_as_many_queries_for_one_check_as_for_three(cast: Cast) -> None:
    whistle = walk.ready(cast)
    say(Check.objects.get(), cast.grid, files=[walk.photo()])
    client, counts = client_for(cast.auditor), []
    client.get(whistle.get_absolute_url())  # content types are looked up once a process
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(whistle.get_absolute_url())
        counts.append(len(queries))
        for _ in range(2):
            checks.ask(whistle, by=cast.duty, seen_state="reported")
            say(Check.objects.get(state="asked"), cast.grid, files=[walk.photo()])
    assert counts[0] == counts[1]


def test_events_page_of_what_was_never_whistled_asks_for_no_checks(cast: Cast) -> None:
    event = walk.event(cast)
    events.settle(event, by=cast.duty, seen_state="reported", result="已清理")
    assert "网格员核查" not in page(cast.duty, event)
