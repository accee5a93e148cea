"""退哨 on the pages: who is offered what, what is refused in a sentence, what each side reads."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from enforcement.models import Dispatch, Return, Whistle
from enforcement.services import returns
from enforcement.services.progress import milestones
from enforcement.services.steps import dispatch_steps, whistle_steps
from tests.cast import Cast, PostFactory, client_for
from tests.enforcement import walk
from tests.enforcement.walk import at
from townships.models import Role, User

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-11-24 10:36")
ARTICLE = "《城市绿化条例》第二十七条"


@pytest.fixture(autouse=True)
def stopped_clock() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def whistle(cast: Cast) -> Whistle:
    return walk.approved(cast)


@pytest.fixture
def dispatch(cast: Cast, whistle: Whistle) -> Dispatch:
    """The lead's, sent and not yet signed."""
    return walk.part(whistle, cast.scjg)


@pytest.fixture
def arbitrated(cast: Cast, dispatch: Dispatch) -> Dispatch:
    """It waits for the guidance office."""
    said = {"ground": "not_ours", "article": ARTICLE, "text": "应由综合执法局主办。"}
    returns.ask(dispatch, by=cast.scjg_liaison, request_id=uuid4(), seen_state="sent", **said)
    return dispatch


@pytest.fixture
def returning(cast: Cast, dispatch: Dispatch) -> Dispatch:
    """It waits for the department's leader."""
    wants_leader(dispatch)
    said = {"ground": "unclear", "article": "", "text": "没有写是哪几家。"}
    returns.ask(dispatch, by=cast.scjg_liaison, request_id=uuid4(), seen_state="sent", **said)
    return dispatch


def wants_leader(dispatch: Dispatch) -> None:
    dispatch.department.return_needs_leader = True
    dispatch.department.save()


def url(verb: str, dispatch: Dispatch) -> str:
    return reverse(f"enforcement:{verb}", args=[dispatch.pk])


def post(user: User, verb: str, dispatch: Dispatch, *, follow: bool = False, **data: Any) -> HttpResponse:
    return client_for(user).post(url(verb, dispatch), data, follow=follow)


def ask(user: User, dispatch: Dispatch, **over: Any) -> HttpResponse:
    said = {"request_id": uuid4(), "seen_state": "sent", "ground": "not_ours", "article": ARTICLE, "text": "不归我们。"}
    follow = over.pop("follow", False)
    return post(user, "dispatch-return", dispatch, follow=follow, **{**said, **over})


def decide(user: User, dispatch: Dispatch, **over: Any) -> HttpResponse:
    said = {"seen_state": "arbitration", "outcome": "upheld", "decision": "职责清楚。", **over}
    return post(user, "return-arbitrate", dispatch, **said)


def html(response: HttpResponse) -> str:
    return response.content.decode()


def page_of(user: User, thing: Any) -> str:
    response = client_for(user).get(thing.get_absolute_url())
    assert response.status_code == 200
    return html(response)


# --- the department asks --------------------------------------------------------------------------------------------
def test_page_offers_it_second_to_signing_and_says_once_and_until_when(cast: Cast, dispatch: Dispatch) -> None:
    page = page_of(cast.scjg_liaison, dispatch)
    assert page.index(url("dispatch-sign", dispatch)) < page.index(url("dispatch-return", dispatch))
    assert "一张哨单只能退一次，今天 16:36 前可以申请" in page
    assert '<details class="verb"\n         id="return">' in page
    assert "先经本单位领导同意" not in page
    assert page.count("btn-primary") == 1


def test_page_says_that_the_leader_has_to_agree(cast: Cast, dispatch: Dispatch) -> None:
    wants_leader(dispatch)
    assert "先经本单位领导同意，再由指导办裁定" in page_of(cast.scjg_liaison, dispatch)


def test_link_unfolds_the_form_without_scripts(cast: Cast, dispatch: Dispatch) -> None:
    assert 'href="?act=return#return"' in page_of(cast.scjg_liaison, dispatch)
    page = html(client_for(cast.scjg_liaison).get(dispatch.get_absolute_url(), {"act": "return"}))
    assert 'id="return" open>' in page


@pytest.mark.parametrize("person", ["duty", "zdb_officer", "auditor"])
def test_page_offers_it_to_nobody_else(cast: Cast, dispatch: Dispatch, person: str) -> None:
    assert url("dispatch-return", dispatch) not in page_of(getattr(cast, person), dispatch)


def test_page_says_why_it_is_too_late(cast: Cast, dispatch: Dispatch) -> None:
    with time_machine.travel(dispatch.sign_due + timedelta(minutes=1), tick=False):
        page = page_of(cast.scjg_liaison, dispatch)
        response = ask(cast.scjg_liaison, dispatch, follow=True)
    assert "签收期限已过，不能再退哨" in page
    assert url("dispatch-return", dispatch) not in page
    assert "签收期限已过，不能再退哨" in html(response)
    assert not Return.objects.exists()


def test_ask_from_the_page(cast: Cast, dispatch: Dispatch) -> None:
    response = ask(cast.scjg_liaison, dispatch, follow=True)
    page = html(response)
    assert "已申请退哨，等指导办裁定" in page
    for words in ("不属本部门法定职责", ARTICLE, "不归我们。", "待裁定", "还剩"):
        assert words in page
    assert url("dispatch-sign", dispatch) not in page
    assert Return.objects.get().asked_by == cast.scjg_liaison


def test_ask_by_the_leaders_yes_says_so(cast: Cast, dispatch: Dispatch) -> None:
    wants_leader(dispatch)
    assert "等本单位领导同意" in html(ask(cast.scjg_liaison, dispatch, follow=True))


@pytest.mark.parametrize("ground", ["not_ours", "wrong_lead"])
def test_ask_without_the_article_is_told_to_name_it(cast: Cast, dispatch: Dispatch, ground: str) -> None:
    response = ask(cast.scjg_liaison, dispatch, ground=ground, article="")
    assert response.status_code == 422
    page = html(response)
    assert "请写依据的法律条款" in page
    assert "不归我们。" in page  # what was typed is still there
    assert 'id="return" open>' in page


@pytest.mark.parametrize("ground", ["duplicate", "unclear", "ongoing"])
def test_ask_on_the_other_grounds_needs_no_article(cast: Cast, dispatch: Dispatch, ground: str) -> None:
    assert ask(cast.scjg_liaison, dispatch, ground=ground, article="").status_code == 302


@pytest.mark.parametrize("over", [{"ground": ""}, {"ground": "lazy"}, {"text": ""}, {"text": "长" * 401}])
def test_ask_with_something_wrong_is_told(cast: Cast, dispatch: Dispatch, over: dict[str, str]) -> None:
    assert ask(cast.scjg_liaison, dispatch, **over).status_code == 422
    assert not Return.objects.exists()


def test_ask_twice_with_one_form_is_told_that_it_is_done(cast: Cast, dispatch: Dispatch) -> None:
    form = uuid4()
    ask(cast.scjg_liaison, dispatch, request_id=form)
    assert "没有重复办理" in html(ask(cast.scjg_liaison, dispatch, request_id=form, follow=True))
    assert Return.objects.count() == 1


def test_ask_from_a_stale_page_says_who_signed(cast: Cast, dispatch: Dispatch) -> None:
    walk.signed(cast, dispatch)
    page = html(ask(cast.scjg_leader, dispatch, follow=True))
    assert "没有重复办理：市场监管局·部门联络员已于" in page
    assert not Return.objects.exists()


def test_sign_from_a_stale_page_says_who_returned_it(cast: Cast, arbitrated: Dispatch) -> None:
    page = html(post(cast.scjg_leader, "dispatch-sign", arbitrated, follow=True, seen_state="sent"))
    assert "没有重复办理" in page
    assert "申请退哨" in page


@pytest.mark.parametrize(("person", "status"), [("zrzy_liaison", 404), ("changle_duty", 404), ("duty", 403)])
def test_ask_by_others_is_refused(cast: Cast, dispatch: Dispatch, person: str, status: int) -> None:
    assert ask(getattr(cast, person), dispatch).status_code == status


def test_ask_by_an_officer_of_the_sub_unit_is_refused(cast: Cast, whistle: Whistle) -> None:
    helper = walk.part(whistle, cast.zrzy)
    Dispatch.objects.filter(pk=helper.pk).update(assigned_unit=cast.zrzy_station)
    assert url("dispatch-return", helper) not in page_of(cast.zrzy_officer, helper)
    assert ask(cast.zrzy_officer, helper).status_code == 403


@pytest.mark.parametrize("verb", ["dispatch-return", "return-agree", "return-decline", "return-arbitrate"])
def test_get_is_refused(cast: Cast, dispatch: Dispatch, verb: str) -> None:
    assert client_for(cast.scjg_liaison).get(url(verb, dispatch)).status_code == 405


# --- the leader agrees or not ---------------------------------------------------------------------------------------
def test_agree_from_the_page(cast: Cast, returning: Dispatch) -> None:
    page = page_of(cast.scjg_leader, returning)
    assert "同意退哨" in page
    assert "没有写是哪几家。" in page
    response = post(cast.scjg_leader, "return-agree", returning, follow=True, seen_state="returning")
    assert "已同意，送指导办仲裁" in html(response)
    returning.refresh_from_db()
    assert returning.state == "arbitration"


def test_agree_is_not_the_liaisons(cast: Cast, returning: Dispatch) -> None:
    page = page_of(cast.scjg_liaison, returning)
    assert "待同意；签收期限照常计算" in page
    assert url("return-agree", returning) not in page
    for verb in ("return-agree", "return-decline"):
        assert post(cast.scjg_liaison, verb, returning, seen_state="returning").status_code == 403


def test_decline_from_the_page_tells_the_desk_why(cast: Cast, returning: Dispatch) -> None:
    assert post(cast.scjg_leader, "return-decline", returning, seen_state="returning", text="").status_code == 422
    post(cast.scjg_leader, "return-decline", returning, seen_state="returning", text="就归我们管。")
    returning.refresh_from_db()
    page = page_of(cast.scjg_liaison, returning)
    assert returning.state == "sent"
    assert "就归我们管。" in page
    assert "一张哨单只能退一次。请先签收" in page
    assert "就归我们管。" not in page_of(cast.duty, returning)  # a word inside the department


def test_agree_from_a_stale_page(cast: Cast, returning: Dispatch) -> None:
    returns.decline(returning, by=cast.scjg_leader, seen_state="returning", text="不退。")
    page = html(post(cast.scjg_leader, "return-agree", returning, follow=True, seen_state="returning"))
    assert "没有重复办理" in page
    returning.refresh_from_db()
    assert returning.state == "sent"


# --- the guidance office decides ------------------------------------------------------------------------------------
def test_arbitrators_page_offers_helpers_first_and_no_closed_ones(cast: Cast, arbitrated: Dispatch) -> None:
    cast.zrzy_station.save()
    page = page_of(cast.zdb_officer, arbitrated)
    form = page[page.index('id="heirs"') :]
    first = form[: form.index("</label>")]
    assert f'value="{cast.zrzy.pk}"' in first
    assert "现在协办，改为主办" in first
    assert f'value="{cast.scjg.pk}"' not in form
    assert "准予退出" not in form.split("</form>")[0]  # the lead's place is filled or kept
    cast.zfj.valid_to = NOW.date() - timedelta(days=1)
    cast.zfj.save()
    assert f'value="{cast.zfj.pk}"' not in page_of(cast.zdb_officer, arbitrated)


def test_arbitrators_page_says_where_the_own_bureau_may_be_a_party(cast: Cast, arbitrated: Dispatch) -> None:
    page = page_of(cast.zdb_officer, arbitrated)
    assert "回避提示" not in page
    own = page[page.index(f'name="to_unit"\n                 value="{cast.zfj.pk}"') :]
    assert "与您有关，请回避" in own[: own.index("</label>")]
    PostFactory(user=cast.zdb_officer, unit=cast.scjg, role=Role.LIAISON)
    assert "回避提示" in page_of(cast.zdb_officer, arbitrated)


def test_page_offers_no_decision_to_others(cast: Cast, arbitrated: Dispatch) -> None:
    for person in (cast.scjg_liaison, cast.scjg_leader, cast.duty, cast.auditor):
        assert url("return-arbitrate", arbitrated) not in page_of(person, arbitrated)
        assert decide(person, arbitrated).status_code == 403


def test_reassign_from_the_page(cast: Cast, whistle: Whistle, arbitrated: Dispatch) -> None:
    decide(cast.zdb_officer, arbitrated, outcome="reassigned", to_unit=cast.zfj.pk)
    heir = walk.part(whistle, cast.zfj)
    arbitrated.refresh_from_db()
    assert (arbitrated.state, heir.state, heir.is_lead) == ("returned", "sent", True)
    page = page_of(cast.scjg_liaison, arbitrated)
    assert "裁定：改派综合执法局" in page
    assert "已退哨" in page
    assert "签收</button>" in page_of(cast.zfj_liaison, heir)


def test_reassign_without_a_department_is_told_to_choose(cast: Cast, arbitrated: Dispatch) -> None:
    response = decide(cast.zdb_officer, arbitrated, outcome="reassigned")
    assert response.status_code == 422
    assert "请选改派给哪个部门" in html(response)


@pytest.mark.parametrize("unit", ["scjg", "ganlin", "zdb", "zrzy_station"])
def test_reassign_to_somebody_who_cannot_be_chosen(cast: Cast, arbitrated: Dispatch, unit: str) -> None:
    response = decide(cast.zdb_officer, arbitrated, outcome="reassigned", to_unit=getattr(cast, unit).pk)
    assert response.status_code == 422
    assert "请另选" in html(response)


def test_uphold_from_the_page_ignores_a_department(cast: Cast, arbitrated: Dispatch) -> None:
    decide(cast.zdb_officer, arbitrated, outcome="upheld", to_unit=cast.scjg.pk)
    arbitrated.refresh_from_db()
    assert (arbitrated.state, arbitrated.returning.to_unit) == ("signed", None)
    page = page_of(cast.scjg_liaison, arbitrated)
    assert "裁定：维持原派" in page
    assert "已到场" in page


def test_release_from_the_page(cast: Cast, whistle: Whistle) -> None:
    helper = walk.part(whistle, cast.zrzy)
    ask(cast.zrzy_liaison, helper)
    assert "准予退出" in page_of(cast.zdb_officer, helper)
    decide(cast.zdb_officer, helper, outcome="released")
    helper.refresh_from_db()
    assert helper.state == "returned"


def test_release_of_the_lead_is_no_choice(cast: Cast, arbitrated: Dispatch) -> None:
    assert decide(cast.zdb_officer, arbitrated, outcome="released").status_code == 422


def test_decision_needs_its_reason(cast: Cast, arbitrated: Dispatch) -> None:
    response = decide(cast.zdb_officer, arbitrated, decision="")
    assert response.status_code == 422
    assert "请写裁定理由" in html(response)


def test_decision_from_a_stale_page(cast: Cast, arbitrated: Dispatch) -> None:
    decide(cast.zdb_officer, arbitrated)
    response = post(
        cast.zdb_officer, "return-arbitrate", arbitrated, follow=True, seen_state="arbitration", outcome="upheld"
    )
    assert "没有重复办理：指导办·指导办人员已于" in html(response)


# --- what others read -----------------------------------------------------------------------------------------------
def test_township_reads_where_it_stands(cast: Cast, whistle: Whistle, arbitrated: Dispatch) -> None:
    page = page_of(cast.duty, whistle)
    for words in ("退哨待仲裁", "退哨：不属本部门法定职责", ARTICLE, "市场监管局退哨"):
        assert words in page
    decide(cast.zdb_officer, arbitrated, outcome="reassigned", to_unit=cast.zfj.pk)
    page = page_of(cast.duty, whistle)
    for words in ("已退哨", "裁定改派综合执法局：职责清楚。"):
        assert words in page


def test_other_department_reads_no_reasons(cast: Cast, whistle: Whistle, arbitrated: Dispatch) -> None:
    page = page_of(cast.zrzy_liaison, whistle)
    assert "退哨待仲裁" in page
    assert "应由综合执法局主办。" not in page


def test_lists_and_board_show_only_who_is_still_asked(cast: Cast, whistle: Whistle, arbitrated: Dispatch) -> None:
    decide(cast.zdb_officer, arbitrated, outcome="reassigned", to_unit=cast.zfj.pk)
    desk = client_for(cast.duty)
    for address in ("enforcement:whistle-list", "command_room:board"):
        page = html(desk.get(reverse(address)))
        row = page[page.index(whistle.number[-4:]) :]
        assert "综合执法局" in row, address
        assert "市场监管局 " not in row, address
    assert "已退哨" in html(client_for(cast.scjg_liaison).get(reverse("enforcement:dispatch-list"), {"box": "in"}))


def test_closing_leaves_a_returned_dispatch_alone(cast: Cast, whistle: Whistle, arbitrated: Dispatch) -> None:
    decide(cast.zdb_officer, arbitrated, outcome="reassigned", to_unit=cast.zrzy.pk)
    walk.reported(cast, walk.part(whistle, cast.zrzy))
    page = page_of(cast.duty, Whistle.objects.get(pk=whistle.pk))
    assert f"stars_{arbitrated.pk}" not in page
    assert "确认办结时记为未反馈" not in page
    client_for(cast.duty).post(reverse("enforcement:whistle-close", args=[whistle.pk]), {"seen_state": "reported"})
    arbitrated.refresh_from_db()
    whistle.refresh_from_db()
    assert (whistle.state, arbitrated.state) == ("closed", "returned")


def test_steps_tell_of_it(cast: Cast, whistle: Whistle, arbitrated: Dispatch) -> None:
    def names(steps: list[Any]) -> list[tuple[str, str]]:
        return [(step.name, step.state) for step in steps]

    def of_whistle() -> list[tuple[str, str]]:
        whistle.refresh_from_db()
        return names(whistle_steps(whistle, list(whistle.dispatches.order_by("id"))))[2:]

    assert ("指导办仲裁", "now") in names(dispatch_steps(arbitrated))
    assert of_whistle()[:2] == [("市场监管局退哨", "now"), ("部门签收", "next")]
    decide(cast.zdb_officer, arbitrated, outcome="reassigned", to_unit=cast.zfj.pk)
    returned = Dispatch.objects.get(pk=arbitrated.pk)
    assert names(dispatch_steps(returned)) == [
        ("上报", "done"), ("吹哨", "done"), ("申请退哨", "done"), ("指导办仲裁", "done"),
    ]  # fmt: skip
    assert of_whistle()[:2] == [("市场监管局退哨", "done"), ("部门签收", "now")]


def test_reporter_reads_that_it_is_being_settled_who_comes(cast: Cast, whistle: Whistle, arbitrated: Dispatch) -> None:
    def notes() -> dict[str, str]:
        parts = list(whistle.dispatches.order_by("id"))
        return {stone.name: stone.note for stone in milestones(whistle.event, [whistle], parts)}

    assert notes()["部门退哨"] == "市场监管局认为不该由它办，在定由谁来"
    assert "部门退哨" in page_of(cast.grid, whistle.event)
    decide(cast.zdb_officer, arbitrated, outcome="reassigned", to_unit=cast.zfj.pk)
    assert notes()["部门退哨"] == "市场监管局：指导办裁定改派综合执法局"
    assert notes()["吹哨"] == "日常哨，请自然资源局、综合执法局"


def test_pages_ask_as_many_queries_with_a_return_as_without(cast: Cast, whistle: Whistle, dispatch: Dispatch) -> None:
    def asked(user: User, thing: Any) -> int:
        client = client_for(user)
        client.get(thing.get_absolute_url())
        with CaptureQueriesContext(connection) as queries:
            client.get(thing.get_absolute_url())
        return len(queries)

    before = asked(cast.duty, whistle)
    ask(cast.scjg_liaison, dispatch)
    ask(cast.zrzy_liaison, walk.part(whistle, cast.zrzy))
    assert asked(cast.duty, whistle) <= before
