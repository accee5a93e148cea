"""Events: reported once, whatever happens; the verbs and their wrong states; messages and rollback."""

from datetime import datetime, timedelta
from threading import Barrier, Thread
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connections, transaction
from django.utils import timezone

from enforcement.models import Caller, Dispatch, Event
from enforcement.rules.deadlines import Step
from enforcement.services import claim, steps, whistle
from enforcement.services import event as events
from enforcement.services.event import Origin, Place
from enforcement.services.progress import milestones
from notifications.models import Message
from records.models import Attachment, Entry
from records.services import WrongState, advance
from records.services.attachment import BadFile
from tests.cast import PostFactory
from tests.enforcement.events import file, make_category, make_event, photo
from townships.models import Role

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = Step("work_days", 1)


def kinds_told(event: Event) -> list[str]:
    return list(Message.objects.filter(link=event.get_absolute_url()).values_list("kind", flat=True))


def verbs_of(event: Event) -> list[str]:
    return [entry.verb for entry in Entry.objects.about(event)]


@pytest.fixture
def event(cast):
    return make_event(cast)


def submit(cast, event, kind="routine", state="reported"):
    return whistle.submit(
        event, by=cast.duty, request_id=uuid4(), seen_state=state, kind=kind, facts="需检测", why="no_power",
        why_text="", lead=cast.scjg, helpers=[cast.zrzy],
    )  # fmt: skip


# --- report ---------------------------------------------------------------------------------------------------------
def test_report_registers_an_event_that_waits_for_the_command_room(cast, event):
    assert (event.state, event.township, event.grid) == ("reported", cast.ganlin, cast.ganlin_grid)
    assert event.number.startswith("事330683100-")
    assert event.next_due == event.accept_due > event.reported_at
    assert verbs_of(event) == ["event_reported"]
    assert Message.objects.filter(kind="event_reported", recipient=cast.duty).count() == 1


def test_report_urgent_is_due_in_half_an_hour(cast):
    event = make_event(cast, is_urgent=True)
    assert event.accept_due - event.reported_at == timedelta(minutes=30)


def test_report_twice_is_once(cast):
    request_id = uuid4()
    first, second = (make_event(cast, request_id=request_id) for _ in range(2))
    assert first == second
    assert Event.objects.count() == Message.objects.filter(kind="event_reported").count() == 1


@pytest.mark.django_db(transaction=True)
def test_report_twice_at_once_is_once(cast):
    given = {
        "by": cast.grid, "request_id": uuid4(), "category": make_category(), "title": "东湖路占道", "facts": "货车",
        "place": Place(cast.ganlin, "东湖路"), "is_urgent": False, "origin": Origin(),
    }  # fmt: skip
    start, made, failed = Barrier(2), [], []

    def send() -> None:
        try:
            start.wait()
            made.append(events.report(photos=[photo()], **given))
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert made[0] == made[1]
    assert Event.objects.count() == Attachment.objects.count() == 1
    assert Entry.objects.filter(verb="event_reported").count() == 1


def test_report_settled_is_closed_on_the_spot(cast):
    event = make_event(cast, settled="当场劝离，已清扫", photos=[photo()])
    assert (event.state, event.result, event.closed_by) == ("settled", "当场劝离，已清扫", cast.grid)
    assert event.next_due is None
    assert verbs_of(event) == ["event_reported", "event_settled"]
    assert kinds_told(event) == []
    assert Attachment.objects.get().phase == "after"


def test_report_for_a_caller_keeps_name_and_phone_apart(cast):
    origin = Origin("call", "", "来电人甲", "0575-00000000")
    event = make_event(cast, by=cast.duty, origin=origin)
    assert Caller.objects.get(event=event).phone == "0575-00000000"
    assert "来电人甲" not in str(list(Entry.objects.about(event).values())) + str(list(Message.objects.values()))


def test_report_by_the_desk_tells_the_others_at_the_desk(cast):
    other = PostFactory(unit=cast.ganlin, role=Role.DUTY).user
    event = make_event(cast, by=cast.duty)
    assert [message.recipient for message in Message.objects.filter(kind="event_reported")] == [other]
    assert event.reported_by == cast.duty


def test_report_with_a_bad_photo_registers_nothing(cast):
    with pytest.raises(BadFile):
        make_event(cast, photos=[photo(), file("坏.jpg", b"nothing")])
    assert not Event.objects.exists()
    assert not Attachment.objects.exists()
    assert not Message.objects.exists()


def test_report_rolled_back_takes_event_entry_and_message(cast):
    with pytest.raises(RuntimeError), transaction.atomic():
        make_event(cast, photos=[photo()])
        raise RuntimeError
    assert [model.objects.count() for model in (Event, Entry, Message, Attachment)] == [0, 0, 0, 0]


def test_report_in_a_year_that_is_not_loaded_is_due_provisionally(cast, calendar_2026, monkeypatch):
    now = datetime(2026, 12, 31, 17, 0, tzinfo=SHANGHAI)
    monkeypatch.setattr("enforcement.services.event.timezone.now", lambda: now)
    event = make_event(cast)
    assert event.provisional == ["accept_due"]
    assert [(stone.name, stone.is_provisional) for stone in stones_of(event) if stone.due] == [("受理", True)]


# --- verify, settle, squad, dismiss ---------------------------------------------------------------------------------
def test_verify_says_who_and_when(cast, event):
    events.verify(event, by=cast.duty, seen_state="reported")
    assert (event.state, event.verified_by) == ("verified", cast.duty)
    assert verbs_of(event) == ["event_reported", "event_verified"]


def test_settle_tells_the_reporter_how_it_ended(cast, event):
    events.settle(event, by=cast.duty, seen_state="reported", result="已清运", photos=[photo("后.jpg")])
    assert (event.state, event.result, event.next_due) == ("settled", "已清运", None)
    assert event.verified_by == cast.duty
    assert Attachment.objects.get().phase == "after"
    assert Message.objects.get(kind="event_closed").recipient == cast.grid


def test_hand_to_squad_starts_its_clock_and_tells_the_officers(cast, event):
    claim.take(event, by=cast.duty)
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=Step("continuous_minutes", 90))
    assert event.squad_due - event.squad_at == timedelta(minutes=90)
    assert (event.state, event.next_due, event.claimed_by) == ("squad", event.squad_due, None)
    assert [m.recipient for m in Message.objects.filter(kind="event_handed_to_squad")] == [cast.officer]


def test_settle_by_the_squad(cast, event):
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=DAY)
    events.settle(event, by=cast.officer, seen_state="squad", result="已劝离")
    assert (event.state, event.closed_by) == ("settled", cast.officer)
    assert Entry.objects.about(event).last().what == "队伍处置完毕"


def test_dismiss_says_why(cast, event):
    events.dismiss(event, by=cast.duty, seen_state="reported", reason="duplicate", text="与昨天的重复")
    assert (event.state, event.dismissal, event.result) == ("dismissed", "duplicate", "与昨天的重复")
    assert Message.objects.get(kind="event_dismissed").recipient == cast.grid
    assert "与昨天的重复" not in Entry.objects.about(event).last().what


def test_view_caller_is_on_record(cast):
    event = make_event(cast, by=cast.duty, origin=Origin("call", "", "来电人甲", "0575-00000000"))
    assert events.view_caller(event, by=cast.leader).name == "来电人甲"
    entry = Entry.objects.about(event).last()
    assert (entry.verb, entry.by) == ("caller_viewed", cast.leader)


VERBS = {
    "verify": lambda event, cast, seen: events.verify(event, by=cast.duty, seen_state=seen),
    "settle": lambda event, cast, seen: events.settle(event, by=cast.duty, seen_state=seen, result="已办"),
    "squad": lambda event, cast, seen: events.hand_to_squad(event, by=cast.duty, seen_state=seen, limit=DAY),
    "dismiss": lambda event, cast, seen: events.dismiss(
        event, by=cast.duty, seen_state=seen, reason="untrue", text="没有"
    ),
}
TO = {"verify": "verified", "settle": "settled", "squad": "squad", "dismiss": "dismissed"}


def merged(event, cast):
    advance(
        event, "merged", by=cast.duty, verb="event_merged", what="并案", stage="file", merged_into=make_event(cast),
        closed_at=timezone.now(), closed_by=cast.duty,
    )  # fmt: skip


REACH = {
    "reported": lambda event, cast: None,
    "verified": lambda event, cast: VERBS["verify"](event, cast, "reported"),
    "squad": lambda event, cast: VERBS["squad"](event, cast, "reported"),
    "whistled": lambda event, cast: submit(cast, event),
    "settled": lambda event, cast: VERBS["settle"](event, cast, "reported"),
    "dismissed": lambda event, cast: VERBS["dismiss"](event, cast, "reported"),
    "merged": merged,
}
WRONG = [(verb, state) for verb in VERBS for state in Event.State.values if TO[verb] not in Event.NEXT.get(state, ())]


@pytest.mark.parametrize(("verb", "state"), WRONG)
def test_verb_in_a_state_without_that_arrow_is_refused(cast, event, verb, state):
    REACH[state](event, cast)
    assert event.state == state
    before = Entry.objects.count()
    with pytest.raises(WrongState):
        VERBS[verb](event, cast, state)
    event.refresh_from_db()
    assert (event.state, Entry.objects.count()) == (state, before)


@pytest.mark.parametrize("verb", VERBS)
def test_verb_on_a_page_that_is_old_says_who_was_faster(cast, event, verb):
    events.verify(Event.objects.get(pk=event.pk), by=cast.leader, seen_state="reported")
    with pytest.raises(WrongState, match=r"甘霖镇·镇街领导已于 .* 核实属实"):
        VERBS[verb](event, cast, "reported")


@pytest.mark.parametrize("verb", ["settle", "squad", "dismiss"])
def test_verb_rolled_back_takes_state_entry_and_message(cast, event, verb):
    counts = Entry.objects.count(), Message.objects.count()
    with pytest.raises(RuntimeError), transaction.atomic():
        VERBS[verb](event, cast, "reported")
        raise RuntimeError
    assert Event.objects.get(pk=event.pk).state == "reported"
    assert (Entry.objects.count(), Message.objects.count()) == counts


def test_settle_with_a_bad_photo_changes_nothing(cast, event):
    with pytest.raises(BadFile):
        events.settle(event, by=cast.duty, seen_state="reported", result="已办", photos=[file("坏.jpg", b"nothing")])
    assert Event.objects.get(pk=event.pk).state == "reported"


def test_timeline_names_offices_never_persons_or_facts(cast, event):
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=DAY)
    events.settle(event, by=cast.officer, seen_state="squad", result="已劝离某摊主")
    lines = [f"{entry.by_office} {entry.what}" for entry in Entry.objects.about(event)]
    for private in (cast.duty.name, cast.officer.name, "货车", "某摊主", "东湖路"):
        assert not any(private in line for line in lines)
    assert "甘霖镇·指挥室值班员 交镇街执法队处置，时限 1 个工作日" in lines


# --- taking up ------------------------------------------------------------------------------------------------------
def test_claim_is_shown_and_may_be_taken_over(cast, event):
    claim.take(event, by=cast.duty)
    claim.take(event, by=cast.duty)
    claim.take(event, by=cast.leader)
    assert event.claimed_by == cast.leader
    assert [entry.what for entry in Entry.objects.about(event)][1:] == ["认领办理", "接手办理"]


# --- the way in plain words -----------------------------------------------------------------------------------------
def way(event: Event) -> list[tuple[str, str]]:
    return [(stone.name, stone.state) for stone in stones_of(event)]


def stones_of(event: Event) -> list[steps.Step]:
    event = Event.objects.get(pk=event.pk)
    dispatches = event.dispatches.select_related("department").order_by("id")
    return milestones(event, list(event.whistles.order_by("-id")), list(dispatches))


def test_milestones_of_a_new_event_wait_for_the_command_room(cast, event):
    assert way(event) == [("上报", "done"), ("受理", "now"), ("处置", "next"), ("办结", "next")]


def test_milestones_of_a_dismissed_event_say_why(cast, event):
    events.dismiss(event, by=cast.duty, seen_state="reported", reason="duplicate", text="与昨天的重复")
    assert stones_of(event)[-1].note == "重复上报。与昨天的重复"


def test_milestones_of_the_squad(cast, event):
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=DAY)
    assert way(event)[2:] == [("交镇街执法队", "done"), ("处置", "now"), ("办结", "next")]
    events.settle(event, by=cast.officer, seen_state="squad", result="已劝离")
    assert way(event)[2:] == [("交镇街执法队", "done"), ("办结", "done")]


def test_milestones_of_a_whistle_step_by_step(cast, event):
    sheet = submit(cast, event)
    assert way(event)[2:] == [("吹哨", "now"), ("办结", "next")]
    whistle.approve(sheet, by=cast.leader, seen_state="submitted")
    names = ["吹哨", "部门签收", "部门到场", "部门反馈"]
    assert way(event)[2:-1] == list(zip(names, ["done", "now", "next", "next"], strict=True))
    assert stones_of(event)[3].note == "等市场监管局、自然资源局"
    now = event.reported_at + timedelta(hours=1)
    done = {"signed_at": now, "signed_by": cast.duty, "arrived_at": now, "arrived_by": cast.duty}
    Dispatch.objects.filter(event=event).update(state="arrived", **done)
    assert way(event)[2:-1] == list(zip(names, ["done", "done", "done", "now"], strict=True))


def test_milestones_of_a_rejected_whistle_go_back_to_the_desk(cast, event):
    whistle.reject(submit(cast, event), by=cast.leader, seen_state="submitted", reason="镇里可以自己办")
    assert way(event)[2:] == [("处置", "now"), ("办结", "next")]


def test_milestones_of_a_second_whistle_leave_the_rejected_one_out(cast, event):
    whistle.reject(submit(cast, event), by=cast.leader, seen_state="submitted", reason="镇里可以自己办")
    event.refresh_from_db()
    submit(cast, event, kind="emergency", state="verified")
    assert way(event)[2:4] == [("吹哨", "done"), ("部门签收", "now")]
