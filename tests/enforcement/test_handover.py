"""移交: offered to a neighbouring township, which reads it and answers; the giver's until then, the other's afterwards."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from command_room.services.worklist import acts
from enforcement.models import Caller, Event, Handover, Whistle
from enforcement.permissions import can_view_caller
from enforcement.rules.deadlines import Step
from enforcement.services import claim, provisional
from enforcement.services import event as events
from enforcement.services import handover as handovers
from enforcement.services import merge as merges
from enforcement.services import whistle as whistles
from enforcement.services.limit import accept_due
from enforcement.services.progress import milestones
from notifications.models import Message
from records.models import Attachment, Entry
from records.services import Refused, UsedForm, WrongState
from records.services.attachment import attach
from tests.cast import Cast, client_for
from tests.enforcement import walk
from tests.enforcement.events import make_event
from tests.enforcement.pages import html, page, post
from tests.enforcement.test_concurrency import at_once
from tests.enforcement.test_provisional import load_2027

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = walk.at("2026-11-24 09:00")
REASON = "地点在长乐镇界内"


@pytest.fixture(autouse=True)
def _here(tmp_path: Any, settings: Any) -> Any:
    settings.MEDIA_ROOT = tmp_path / "files"
    with time_machine.travel(NOW, tick=False):
        yield


def after(minutes: float) -> time_machine.travel:
    return time_machine.travel(NOW + timedelta(minutes=minutes), tick=False)


def offer(cast: Cast, event: Event | None = None, **over: Any) -> Handover:
    event = event or walk.event(cast)
    given = {"request_id": uuid4(), "seen_state": event.state, "to": cast.changle, "reason": REASON, **over}
    return handovers.offer(event, by=cast.duty, **given)


def fresh(handover: Handover) -> Handover:
    """As each browser's request reads it for itself."""
    return Handover.objects.select_related("event__category", "from_township", "to_township").get(pk=handover.pk)


def accept(cast: Cast, handover: Handover) -> Event:
    handovers.accept(fresh(handover), by=cast.changle_duty, seen_state="asked")
    return Event.objects.get(pk=handover.event_id)


def status(user: Any, obj: Any) -> int:
    return client_for(user).get(obj.get_absolute_url()).status_code


# --- offered ----------------------------------------------------------------------------------------------------------
def test_offer_tells_the_other_desk_which_may_read_it(cast: Cast) -> None:
    event = walk.event(cast)
    photo = attach(event, walk.photo(), by=cast.grid, phase=Attachment.Phase.BEFORE)
    assert status(cast.changle_duty, event) == 404
    data = {"request_id": uuid4(), "seen_state": "reported", "to": cast.changle.pk, "reason": REASON}
    assert post(cast.duty, "event-handover", event.pk, **data).status_code == 302
    handover = Handover.objects.get()
    assert (handover.from_township, handover.to_township, handover.state) == (cast.ganlin, cast.changle, "asked")
    assert walk.told("handover_asked") == ["changle-duty"]
    assert Message.objects.get(kind="handover_asked").link == handover.get_absolute_url()
    for user in (cast.changle_duty, cast.changle_leader):
        shown = page(user, handover)
        assert REASON in shown
        assert walk.FACTS in shown
        assert status(user, event) == 200
        assert b"".join(client_for(user).get(photo.preview_url))
    assert status(cast.changle_grid_member, event) == 404
    assert status(cast.changle_grid_member, handover) == 404


@pytest.mark.parametrize(("urgent", "due"), [(False, "2026-11-24 11:00"), (True, "2026-11-24 09:30")])
def test_offer_is_due_by_the_limit(cast: Cast, *, urgent: bool, due: str) -> None:
    assert offer(cast, walk.event(cast, is_urgent=urgent)).due == walk.at(due)


def test_offer_leaves_the_event_and_its_clock_with_the_giver(cast: Cast) -> None:
    event = walk.event(cast)
    before = (event.township, event.state, event.accept_due, event.next_due)
    offer(cast, event)
    event.refresh_from_db()
    assert (event.township, event.state, event.accept_due, event.next_due) == before
    assert "答复前仍由甘霖镇办理" in Entry.objects.about(event).get(verb="handover_asked").what
    assert "正在移交长乐镇" in page(cast.duty, event)


def test_offer_twice_is_once(cast: Cast) -> None:
    event, request_id = walk.event(cast), uuid4()
    first = offer(cast, event, request_id=request_id)
    assert offer(cast, event, request_id=request_id) == first
    with pytest.raises(UsedForm):
        offer(cast, event, request_id=request_id, reason="另一个理由")
    with pytest.raises(Refused, match="正在等长乐镇答复"):
        offer(cast, event)
    assert "移交邻近镇街" not in page(cast.duty, event)


def test_offer_of_what_is_whistled(cast: Cast) -> None:
    event = walk.event(cast)
    stale = Event.objects.get(pk=event.pk)
    walk.submitted(cast, of=event)
    with pytest.raises(WrongState):
        offer(cast, stale, seen_state="reported")
    with pytest.raises(WrongState):
        offer(cast, event)
    data = {"request_id": uuid4(), "to": cast.changle.pk, "reason": REASON}
    assert post(cast.duty, "event-handover", event.pk, seen_state="whistled", **data).status_code == 403
    assert post(cast.duty, "event-handover", event.pk, seen_state="reported", **data).status_code == 303


@pytest.mark.parametrize(
    ("over", "sentence"),
    [({"to": ""}, "请选移交哪个镇街"), ({"to": "own"}, "请选另一个镇街"), ({"reason": ""}, "为什么是对方的事")],
)
def test_offer_form_says_what_is_missing(cast: Cast, over: dict[str, Any], sentence: str) -> None:
    event = walk.event(cast)
    data = {"request_id": uuid4(), "seen_state": "reported", "to": cast.changle.pk, "reason": REASON, **over}
    if data["to"] == "own":
        data["to"] = cast.ganlin.pk
    response = post(cast.duty, "event-handover", event.pk, **data)
    assert response.status_code == 422
    assert sentence in html(response)


@pytest.mark.parametrize(("who", "got"), [("officer", 403), ("grid", 403), ("auditor", 403), ("changle_duty", 404)])
def test_offer_by_somebody_else(cast: Cast, who: str, got: int) -> None:
    event = walk.event(cast)
    assert post(getattr(cast, who), "event-handover", event.pk, seen_state="reported").status_code == got


# --- accepted ---------------------------------------------------------------------------------------------------------
def test_accept_makes_it_the_new_townships(cast: Cast) -> None:
    event = walk.event(cast)
    events.verify(event, by=cast.duty, seen_state="reported")
    claim.take(event, by=cast.duty)
    handover = offer(cast, event)
    with after(60):
        assert post(cast.changle_duty, "handover-accept", handover.pk, seen_state="asked").status_code == 302
        event = Event.objects.get()
        assert accept_due(event).at == event.accept_due
    assert (event.township, event.grid, event.state) == (cast.changle, None, "reported")
    assert (event.verified_at, event.verified_by, event.claimed_at, event.claimed_by) == (None,) * 4
    assert event.accept_due == event.next_due == walk.at("2026-11-24 12:00")  # two working hours from 10:00
    assert event.alarm_at == walk.at("2026-11-24 11:36")
    assert event.number.startswith("事330683100")
    assert Entry.objects.about(event).get(verb="handover_accepted").what == "长乐镇接收甘霖镇移交的事件"


def test_accept_tells_the_giver_and_the_reporter(cast: Cast) -> None:
    handover = offer(cast)
    event = accept(cast, handover)
    assert walk.told("handover_accepted") == ["duty"]
    assert walk.told("event_handed_over") == ["grid"]
    assert Message.objects.get(kind="event_handed_over").data["unit"] == "长乐镇"
    assert status(cast.duty, event) == 404
    assert "长乐镇已接收" in page(cast.duty, handover)
    assert walk.FACTS not in page(cast.duty, handover)
    assert "接下来：受理" in page(cast.grid, event)
    assert "甘霖镇移交长乐镇" in page(cast.grid, event)


def test_accept_takes_the_callers_data_along(cast: Cast) -> None:
    event = make_event(
        cast, by=cast.duty, origin=events.Origin("call", caller_name="来电人甲", caller_phone="057500000")
    )
    assert Caller.objects.filter(event=event).exists()
    handover = offer(cast, event)
    assert not can_view_caller(cast.changle_duty, event)
    assert "查看来电人" not in page(cast.changle_duty, handover)
    assert post(cast.changle_duty, "event-caller", event.pk).status_code == 403
    event = accept(cast, handover)
    assert not can_view_caller(cast.duty, event)
    assert "来电人甲" in html(post(cast.changle_duty, "event-caller", event.pk))
    assert post(cast.duty, "event-caller", event.pk).status_code == 404


def test_accept_counts_anew_when_the_whistle_is_turned_down(cast: Cast) -> None:
    handover = offer(cast)
    with after(60):
        event = accept(cast, handover)
        whistle = whistles.submit(
            event, by=cast.changle_duty, request_id=uuid4(), seen_state="reported", kind="routine", facts="请来",
            why="no_power", why_text="", lead=cast.scjg,
        )  # fmt: skip
        whistles.reject(whistle, by=cast.changle_leader, seen_state="submitted", reason="自办")
    event.refresh_from_db()
    assert (event.next_due, event.alarm_at) == (walk.at("2026-11-24 12:00"), walk.at("2026-11-24 11:36"))


def test_accept_late_says_so(cast: Cast) -> None:
    handover = offer(cast)
    with after(200):
        event = accept(cast, handover)
    assert Entry.objects.about(event).get(verb="handover_accepted").what.endswith("（超期）")


def test_accepted_event_may_be_handed_on(cast: Cast) -> None:
    event = accept(cast, offer(cast))
    given = {"request_id": uuid4(), "seen_state": "reported", "reason": "原来是甘霖的"}
    back = handovers.offer(event, by=cast.changle_duty, to=cast.ganlin, **given)
    handovers.accept(fresh(back), by=cast.duty, seen_state="asked")
    event.refresh_from_db()
    names = [step.note for step in milestones(event, [], [], handovers=list(event.handovers.order_by("-id")))]
    assert names[1:3] == ["甘霖镇移交长乐镇", "长乐镇移交甘霖镇"]


def test_accepted_due_time_is_provisional_until_the_year_is_loaded(cast: Cast) -> None:
    with time_machine.travel(walk.at("2026-12-31 17:00"), tick=False):
        handover = offer(cast)
        assert handover.is_provisional
        assert "暂定" in page(cast.changle_duty, handover)
        kept = offer(cast)
        event = accept(cast, handover)
        assert event.provisional == ["accept_due"]
        load_2027()
        provisional.recompute()
    event.refresh_from_db()
    kept.refresh_from_db()
    assert (event.accept_due, event.provisional) == (walk.at("2027-01-06 10:00"), [])
    assert (kept.due, kept.is_provisional) == (walk.at("2027-01-06 10:00"), False)


# --- not accepted -----------------------------------------------------------------------------------------------------
def test_refuse_tells_the_giver_why(cast: Cast) -> None:
    handover = offer(cast)
    data = {"seen_state": "asked", "decision": "界桩以西是甘霖"}
    assert post(cast.changle_duty, "handover-refuse", handover.pk, **data).status_code == 302
    event = Event.objects.get()
    assert (event.township, Handover.objects.get().state) == (cast.ganlin, "refused")
    assert walk.told("handover_refused") == ["duty"]
    assert "界桩以西是甘霖" in page(cast.duty, handover)
    assert status(cast.changle_duty, event) == 404
    assert walk.FACTS not in page(cast.changle_duty, handover)
    assert offer(cast, event).state == "asked"


def test_refuse_without_words(cast: Cast) -> None:
    handover = offer(cast)
    response = post(cast.changle_duty, "handover-refuse", handover.pk, seen_state="asked", decision="")
    assert response.status_code == 422
    assert "为什么不接收" in html(response)


def test_take_back_tells_the_other_desk(cast: Cast) -> None:
    handover = offer(cast)
    assert "收回" in page(cast.duty, handover.event)
    assert post(cast.duty, "handover-take-back", handover.pk, seen_state="asked").status_code == 302
    assert Handover.objects.get().state == "void"
    assert walk.told("handover_ended") == ["changle-duty"]
    assert "不用再答复" in page(cast.changle_duty, handover)


ACTS: dict[str, Callable[[Cast, Event], Any]] = {
    "settle": lambda c, e: events.settle(e, by=c.duty, seen_state="reported", result="已清理"),
    "squad": lambda c, e: events.hand_to_squad(e, by=c.duty, seen_state="reported", limit=Step("work_days", 1)),
    "dismiss": lambda c, e: events.dismiss(e, by=c.duty, seen_state="reported", reason="untrue", text="没有"),
    "whistle": lambda c, e: walk.submitted(c, of=e),
    "merge": lambda c, e: merges.merge(e, by=c.duty, seen_state="reported", into=walk.event(c)),
}


@pytest.mark.parametrize("act", ACTS)
def test_act_of_the_giver_ends_the_offer(cast: Cast, act: str) -> None:
    handover = offer(cast)
    ACTS[act](cast, Event.objects.select_related("township", "category").get(pk=handover.event_id))
    assert Handover.objects.get().state == "void"
    assert walk.told("handover_ended") == ["changle-duty"]
    assert Entry.objects.about(handover.event).filter(verb="handover_ended").count() == 1
    with pytest.raises(WrongState):
        accept(cast, handover)


def test_verify_by_the_giver_leaves_the_offer_open(cast: Cast) -> None:
    handover = offer(cast)
    events.verify(handover.event, by=cast.duty, seen_state="reported")
    assert Handover.objects.get().state == "asked"
    assert accept(cast, handover).verified_at is None


# --- stale ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("act", ACTS)
def test_act_on_what_a_neighbour_has_accepted_says_so(cast: Cast, act: str) -> None:
    """The state is the same as before, the township is not: who read the event before the acceptance is told."""
    handover = offer(cast)
    stale = Event.objects.select_related("township", "category").get(pk=handover.event_id)
    accept(cast, handover)
    with pytest.raises(Refused, match="长乐镇已经接收这件事") as refusal:
        ACTS[act](cast, stale)
    assert refusal.value.obj == handover
    assert Event.objects.get(pk=stale.pk).state == "reported"


@pytest.mark.parametrize(
    ("who", "name"), [("duty", "take-back"), ("changle_duty", "refuse"), ("changle_duty", "accept")]
)
def test_stale_form_is_told_what_was_answered(cast: Cast, who: str, name: str) -> None:
    handover = offer(cast)
    accept(cast, handover)
    data = {"seen_state": "asked", "decision": "不收"}
    response = client_for(getattr(cast, who)).post(
        reverse(f"enforcement:handover-{name}", args=[handover.pk]), data, follow=True
    )
    assert response.redirect_chain == [(handover.get_absolute_url(), 303)]
    assert "没有重复办理" in html(response)


# --- the work list ----------------------------------------------------------------------------------------------------
def test_worklist_of_the_other_desk_holds_it(cast: Cast) -> None:
    handover = offer(cast)
    [act] = acts(cast.changle_duty, NOW)
    assert (act.verb, act.label, act.due) == ("答复移交", "答复", handover.due)
    assert act.url == handover.get_absolute_url()
    assert [act.verb for act in acts(cast.duty, NOW)] == ["受理"]


def test_worklist_of_the_giver_begins_with_what_was_not_answered(cast: Cast) -> None:
    with time_machine.travel(NOW - timedelta(days=1), tick=False):
        older = walk.event(cast)
    handover = offer(cast)
    now = NOW + timedelta(minutes=121)
    with after(121):
        found = acts(cast.duty, now)
    assert [(act.verb, act.number) for act in found] == [
        ("收回或自办", handover.event.number),
        ("受理", older.number),
    ]


def test_worklist_rows_change_for_both_when_it_is_offered(cast: Cast) -> None:
    event, url = walk.event(cast), reverse("command_room:worklist-rows")
    clients = [client_for(cast.duty), client_for(cast.changle_duty)]
    tags = [{"If-None-Match": client.get(url).headers["ETag"]} for client in clients]
    with after(1):
        offer(cast, event)
        got = [client.get(url, headers=tag).status_code for client, tag in zip(clients, tags, strict=True)]
    assert got == [200, 200]


def test_page_asks_as_many_queries_for_one_handover_as_for_four(cast: Cast) -> None:
    event, client, counts = walk.event(cast), client_for(cast.auditor), []
    for n in (1, 3):
        for _ in range(n):
            handover = offer(cast, event)
            handovers.refuse(fresh(handover), by=cast.changle_duty, seen_state="asked", decision="不是")
        with CaptureQueriesContext(connection) as queries:
            client.get(event.get_absolute_url())
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- at the same moment -----------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_accepted_while_taken_back(cast: Cast) -> None:
    handover = offer(cast)
    outcome = at_once(
        lambda: accept(cast, handover),
        lambda: handovers.take_back(fresh(handover), by=cast.duty, seen_state="asked"),
    )
    assert outcome == ["WrongState", "done"]
    handover.refresh_from_db()
    owner = {"accepted": cast.changle, "void": cast.ganlin}[handover.state]
    assert Event.objects.get().township == owner


@pytest.mark.django_db(transaction=True)
def test_accepted_while_whistled(cast: Cast) -> None:
    handover = offer(cast)
    mine = Event.objects.select_related("township", "category").get()
    outcome = at_once(lambda: accept(cast, handover), lambda: walk.submitted(cast, of=mine))
    assert outcome in (["Refused", "done"], ["WrongState", "done"])
    event = Event.objects.get()
    is_whistled = Whistle.objects.exists()
    assert (event.township, event.state) == ((cast.ganlin, "whistled") if is_whistled else (cast.changle, "reported"))


@pytest.mark.django_db(transaction=True)
def test_merged_while_whistled(cast: Cast) -> None:
    main, event = walk.event(cast), walk.event(cast)
    copies = [Event.objects.select_related("township", "category").get(pk=event.pk) for _ in range(2)]
    outcome = at_once(
        lambda: merges.merge(copies[0], by=cast.duty, seen_state="reported", into=main),
        lambda: walk.submitted(cast, of=copies[1]),
    )
    assert outcome == ["WrongState", "done"]
    event.refresh_from_db()
    assert (event.state == "merged") != Whistle.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_merged_while_the_main_event_is_whistled(cast: Cast) -> None:
    """Both get through: the main event may go on in whatever way."""
    main, event = walk.event(cast), walk.event(cast)
    copy = Event.objects.select_related("township", "category").get(pk=main.pk)
    outcome = at_once(
        lambda: merges.merge(event, by=cast.duty, seen_state="reported", into=main),
        lambda: walk.submitted(cast, of=copy),
    )
    assert outcome == ["done", "done"]
    assert set(Event.objects.values_list("state", flat=True)) == {"merged", "whistled"}


@pytest.mark.django_db(transaction=True)
def test_accepted_twice_at_once(cast: Cast) -> None:
    handover = offer(cast)
    assert at_once(*(lambda: accept(cast, handover) for _ in range(2))) == ["WrongState", "done"]
    assert Entry.objects.filter(verb="handover_accepted").count() == 1
