"""评价 and its appeal: what is said of a department, who reads which part of it, until when, and what the guidance office decides."""

from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from command_room.services.worklist import acts, segments
from enforcement.models import Appeal, Dispatch, Whistle
from enforcement.services import appeal as appeals
from enforcement.services import whistle as whistles
from enforcement.services.rating import Rating
from notifications.models import Message
from records.models import Entry
from records.services import Refused, UsedForm, WrongState
from tests.cast import Cast, client_for
from tests.enforcement import walk
from tests.enforcement.pages import html, page, post

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = walk.at("2026-11-24 10:36")
SECRET = "承办人态度生硬，只肯对指导办说"
READERS = ("grid", "duty", "leader", "officer", "scjg_liaison", "scjg_leader", "zrzy_liaison", "changle_duty")


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def rated(cast: Cast, stars: int = 2, *, lead: Any = None, **more: Any) -> Dispatch:
    """The lead's dispatch of a whistle that has been confirmed with so many stars."""
    whistle = walk.ready(cast)
    part = walk.part(whistle, cast.scjg)
    whistles.close(whistle, by=cast.duty, seen_state="reported", ratings={part.pk: Rating(stars, **more)})
    return walk.part(whistle, cast.scjg)


def ask(cast: Cast, dispatch: Dispatch, **over: Any) -> Appeal:
    said = {"request_id": uuid4(), "text": "两小时内到场，有照片", **over}
    return appeals.ask(dispatch, by=cast.scjg_liaison, **said)


# --- given ------------------------------------------------------------------------------------------------------------
def test_close_with_stars_tags_and_words(cast: Cast) -> None:
    whistle = walk.ready(cast)
    lead = walk.part(whistle, cast.scjg)
    said = {f"stars_{lead.pk}": 4, f"tags_{lead.pk}": ["solves", "fast"], f"text_{lead.pk}": SECRET}
    assert post(cast.duty, "whistle-close", whistle.pk, seen_state="reported", **said).status_code == 302
    lead.refresh_from_db()
    assert (lead.stars, lead.tags, lead.rating_text, lead.rated_by) == (4, ["fast", "solves"], SECRET, cast.duty)


def test_close_with_tags_and_no_stars_asks_for_them_and_keeps_what_was_typed(cast: Cast) -> None:
    whistle = walk.ready(cast)
    lead = walk.part(whistle, cast.scjg)
    said = {f"stars_{lead.pk}": "", f"tags_{lead.pk}": ["fast"], f"text_{lead.pk}": SECRET}
    response = post(cast.duty, "whistle-close", whistle.pk, seen_state="reported", **said)
    assert response.status_code == 422
    assert "请再选几颗星" in html(response)
    assert SECRET in html(response)
    assert Whistle.objects.get().state == "reported"


def test_close_does_not_rate_who_has_not_come(cast: Cast) -> None:
    whistle = walk.ready(cast)
    helper = walk.part(whistle, cast.zrzy)
    whistles.close(whistle, by=cast.duty, seen_state="reported", ratings={helper.pk: Rating(1)})
    helper.refresh_from_db()
    assert (helper.stars, helper.is_unrated) == (None, False)


def test_silence_is_not_praise(cast: Cast) -> None:
    whistle = walk.ready(cast)
    whistles.close(whistle, by=cast.duty, seen_state="reported")
    lead = walk.part(whistle, cast.scjg)
    assert lead.is_unrated
    for user in (cast.duty, cast.scjg_liaison, cast.zdb_officer):
        assert "未评价" in page(user, lead)
        assert "未评价" in page(user, whistle)


def test_close_after_the_evaluation_is_due_takes_no_stars(cast: Cast) -> None:
    whistle = walk.ready(cast)
    lead = walk.part(whistle, cast.scjg)
    with time_machine.travel(whistle.eval_due.timestamp() + 1, tick=False):
        shown = page(cast.duty, whistle)
        assert f"stars_{lead.pk}" not in shown
        assert "记为未评价" in shown
        response = client_for(cast.duty).post(
            reverse("enforcement:whistle-close", args=[whistle.pk]),
            {"seen_state": "reported", f"stars_{lead.pk}": 5},
            follow=True,
        )
    assert "这次选的评价没有记入" in html(response)
    lead.refresh_from_db()
    assert (lead.state, lead.stars) == ("closed", None)


def test_close_by_the_service_after_the_evaluation_is_due_takes_no_stars(cast: Cast) -> None:
    whistle = walk.ready(cast)
    lead = walk.part(whistle, cast.scjg)
    with time_machine.travel(whistle.eval_due.timestamp() + 1, tick=False):
        whistles.close(whistle, by=cast.duty, seen_state="reported", ratings={lead.pk: Rating(5)})
    lead.refresh_from_db()
    assert lead.is_unrated


# --- who reads what ---------------------------------------------------------------------------------------------------
def test_stars_and_tags_are_the_departments_and_nobody_elses_among_departments(cast: Cast) -> None:
    dispatch = rated(cast, 4, tags=["fast"])
    for user in (cast.duty, cast.scjg_liaison, cast.zdb_officer, cast.auditor):
        assert "4 星 · 到得快" in page(user, dispatch)
        assert "4 星 · 到得快" in page(user, dispatch.whistle)
    assert "4 星" not in page(cast.zrzy_liaison, dispatch.whistle)


def test_words_are_the_guidance_offices_alone(cast: Cast) -> None:
    """On no page, list, message or timeline of anybody else, whoever whistled included."""
    dispatch = rated(cast, text=SECRET)
    appeal = ask(cast, dispatch)
    appeals.decide(appeal, by=cast.zdb_officer, seen_state="asked", outcome="upheld", decision="证据不足")
    pages = [dispatch, dispatch.whistle, dispatch.event]
    lists = [reverse(f"enforcement:{name}-list") for name in ("event", "whistle", "dispatch")]
    own = [reverse("command_room:worklist"), reverse("notifications:inbox")]
    for name in READERS:
        client = client_for(getattr(cast, name))
        for url in [*(obj.get_absolute_url() for obj in pages), *lists, *own]:
            assert SECRET not in client.get(url).content.decode(), (name, url)
    assert SECRET in page(cast.zdb_officer, dispatch)
    assert SECRET in page(cast.auditor, dispatch.whistle)
    assert not Message.objects.filter(data__icontains=SECRET).exists()
    assert not Entry.objects.filter(what__contains=SECRET).exists()


# --- appealed ---------------------------------------------------------------------------------------------------------
def test_appeal_tells_the_guidance_office(cast: Cast) -> None:
    dispatch = rated(cast)
    response = post(cast.scjg_liaison, "dispatch-appeal", dispatch.pk, request_id=uuid4(), text="当天就到了")
    assert response.status_code == 302
    assert Appeal.objects.get().state == "asked"
    assert walk.told("appeal_asked") == ["zdb-officer"]
    [act] = [act for act in acts(cast.zdb_officer, NOW) if act.verb]
    assert (act.verb, act.number) == ("裁定申诉", dispatch.number)
    to_do = segments([act], NOW, "guidance")[0]
    assert (to_do.title, len(to_do.acts)) == ("等您裁定", 1)
    assert acts(cast.auditor, NOW) == []


def test_appeal_form_says_until_when(cast: Cast) -> None:
    dispatch = rated(cast)
    assert appeals.due_of(dispatch).at == walk.at("2026-11-27 23:59:59")
    assert "不接受这次评价，申诉" in page(cast.scjg_liaison, dispatch)
    assert "（11 月 27 日 23:59 前）" in page(cast.scjg_liaison, dispatch)
    assert "不接受这次评价，申诉" not in page(cast.duty, dispatch)


@pytest.mark.parametrize("stars", [3, 5])
def test_appeal_of_a_rating_that_is_not_low(cast: Cast, stars: int) -> None:
    dispatch = rated(cast, stars)
    assert "申诉" not in page(cast.scjg_liaison, dispatch)
    assert post(cast.scjg_liaison, "dispatch-appeal", dispatch.pk, request_id=uuid4(), text="x").status_code == 403
    with pytest.raises(Refused, match="2 星及以下"):
        ask(cast, dispatch)


def test_appeal_after_its_limit(cast: Cast) -> None:
    dispatch = rated(cast)
    with time_machine.travel(walk.at("2026-11-28 00:00:01"), tick=False):
        assert "不接受这次评价" not in page(cast.scjg_liaison, dispatch)
        with pytest.raises(Refused, match="11 月 27 日 23:59，已经过了"):
            ask(cast, dispatch)


def test_appeal_once(cast: Cast) -> None:
    dispatch, request_id = rated(cast), uuid4()
    first = ask(cast, dispatch, request_id=request_id)
    assert ask(cast, dispatch, request_id=request_id) == first
    with pytest.raises(UsedForm):
        ask(cast, dispatch, request_id=request_id, text="另一个理由")
    with pytest.raises(Refused, match="只能申诉一次"):
        ask(cast, dispatch)
    assert "不接受这次评价" not in page(cast.scjg_liaison, dispatch)


def test_appeal_without_words(cast: Cast) -> None:
    dispatch = rated(cast)
    response = post(cast.scjg_liaison, "dispatch-appeal", dispatch.pk, request_id=uuid4(), text="")
    assert response.status_code == 422
    assert "请写为什么不接受" in html(response)


@pytest.mark.parametrize(("who", "status"), [("duty", 403), ("zdb_officer", 403), ("zrzy_liaison", 404)])
def test_appeal_by_somebody_else(cast: Cast, who: str, status: int) -> None:
    dispatch = rated(cast)
    response = post(getattr(cast, who), "dispatch-appeal", dispatch.pk, request_id=uuid4(), text="x")
    assert response.status_code == status


# --- decided ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("outcome", "words"), [("upheld", "维持评价"), ("struck", "评价不计")])
def test_decide_tells_both_sides(cast: Cast, outcome: str, words: str) -> None:
    dispatch = rated(cast)
    appeal = ask(cast, dispatch)
    data = {"seen_state": "asked", "outcome": outcome, "decision": "看过照片"}
    assert post(cast.zdb_officer, "appeal-decide", appeal.pk, **data).status_code == 302
    assert walk.told("appeal_decided") == ["duty", "scjg-liaison"]
    assert Entry.objects.about(dispatch).get(verb="appeal_decided").what == f"指导办裁定：{words}"
    for user in (cast.duty, cast.scjg_liaison):
        assert words in page(user, dispatch)
        assert "看过照片" in page(user, dispatch)
    assert [act for act in acts(cast.zdb_officer, NOW) if act.verb] == []


def test_struck_rating_is_struck_through_and_counts_nowhere(cast: Cast) -> None:
    kept, struck = rated(cast, 1), rated(cast, 2)
    appeals.decide(ask(cast, struck), by=cast.zdb_officer, seen_state="asked", outcome="struck", decision="评错了")
    assert "<s>2 星</s>" in page(cast.scjg_liaison, struck)
    assert "<s>2 星</s>" in page(cast.duty, struck.whistle)
    assert list(Dispatch.objects.rated()) == [kept]
    assert Dispatch.objects.get(pk=struck.pk).stars == 2


def test_decide_says_when_the_offices_own_bureau_is_a_party(cast: Cast) -> None:
    whistle = walk.approved(cast, helpers=[cast.zfj])
    walk.reported(cast, walk.part(whistle, cast.scjg))
    part = walk.arrived(cast, walk.part(whistle, cast.zfj))
    whistle.refresh_from_db()
    whistles.close(whistle, by=cast.duty, seen_state="reported", ratings={part.pk: Rating(1)})
    part = walk.part(whistle, cast.zfj)
    appeal = appeals.ask(part, by=cast.zfj_liaison, request_id=uuid4(), text="按时到场")
    assert "综合执法局是当事一方" in page(cast.zdb_officer, part)
    appeals.decide(appeal, by=cast.zdb_officer, seen_state="asked", outcome="struck", decision="记录属实")
    what = Entry.objects.about(part).get(verb="appeal_decided").what
    assert what == "指导办裁定：评价不计（指导办设在综合执法局，综合执法局是当事一方）"


def test_decide_twice_is_told_what_happened(cast: Cast) -> None:
    appeal = ask(cast, rated(cast))
    stale = Appeal.objects.get()
    appeals.decide(appeal, by=cast.zdb_officer, seen_state="asked", outcome="upheld", decision="维持")
    with pytest.raises(WrongState):
        appeals.decide(stale, by=cast.zdb_officer, seen_state="asked", outcome="struck", decision="不计")
    data = {"seen_state": "asked", "outcome": "struck", "decision": "不计"}
    assert post(cast.zdb_officer, "appeal-decide", appeal.pk, **data).status_code == 303
    assert Appeal.objects.get().state == "upheld"


def test_decide_without_words_or_outcome(cast: Cast) -> None:
    appeal = ask(cast, rated(cast))
    response = post(cast.zdb_officer, "appeal-decide", appeal.pk, seen_state="asked", outcome="", decision="")
    assert response.status_code == 422
    assert "请选维持或不计" in html(response)
    assert "请写理由" in html(response)


@pytest.mark.parametrize("who", ["duty", "scjg_liaison", "auditor"])
def test_decide_by_somebody_else(cast: Cast, who: str) -> None:
    appeal = ask(cast, rated(cast))
    data = {"seen_state": "asked", "outcome": "struck", "decision": "不计"}
    assert post(getattr(cast, who), "appeal-decide", appeal.pk, **data).status_code == 403
