from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from enforcement.models import Dispatch, Event, Whistle
from enforcement.services import returns
from enforcement.services import whistle as whistles
from enforcement.services.rating import Rating
from notifications.models import Message
from records.models import Entry
from records.services import Refused, UsedForm, WrongState
from tests.cast import Cast, client_for
from tests.enforcement import joint, walk
from tests.enforcement.walk import at
from townships.models import Post, Unit

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-11-24 10:36")


def verbs(*objects: Any) -> list[str]:
    return list(Entry.objects.about(*objects).values_list("verb", flat=True))


# --- submit ---------------------------------------------------------------------------------------------------------
@time_machine.travel(NOW, tick=False)
def test_submit_waits_for_the_leaders(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    assert whistle.state == "submitted"
    assert whistle.next_due == whistle.approve_due == at("2026-11-24 14:36")
    assert whistle.sent_at is None
    assert whistle.number == "哨330683100-20261124-0001"
    assert not whistle.dispatches.exists()
    assert walk.told("whistle_submitted") == ["leader"]


def test_submit_marks_the_event(cast: Cast) -> None:
    event = walk.event(cast)
    walk.submitted(cast, of=event)
    event.refresh_from_db()
    assert (event.state, event.next_due, event.verified_by) == ("whistled", None, cast.duty)
    assert verbs(event) == ["event_reported", "event_whistled"]


def test_submit_names_offices_in_the_timeline(cast: Cast) -> None:
    entry = Entry.objects.about(walk.submitted(cast)).get()
    assert entry.what == "提交日常哨，拟请市场监管局主办，自然资源局协办"
    assert entry.by_office == "甘霖镇·指挥室值班员"


@time_machine.travel(NOW, tick=False)
def test_submit_urgent_is_approved_within_the_hour(cast: Cast) -> None:
    assert walk.submitted(cast, "urgent").approve_due == at("2026-11-24 11:36")


def test_submit_drops_the_lead_from_the_helpers(cast: Cast) -> None:
    whistle = walk.submitted(cast, helpers=[cast.scjg, cast.zrzy])
    assert whistle.departments == [cast.scjg.pk, cast.zrzy.pk]


def test_submit_twice_is_once(cast: Cast) -> None:
    event, request_id = walk.event(cast), uuid4()
    fields: dict[str, Any] = {"kind": "routine", "facts": "…", "why": "joint", "why_text": "", "lead": cast.scjg}
    first = whistles.submit(event, by=cast.duty, request_id=request_id, seen_state="reported", **fields)
    second = whistles.submit(event, by=cast.duty, request_id=request_id, seen_state="reported", **fields)
    assert first.pk == second.pk
    assert Whistle.objects.count() == 1
    assert walk.told("whistle_submitted") == ["leader"]


def test_submit_on_a_form_that_was_used_is_told(cast: Cast) -> None:
    """Back to the form to add a department: it was not added, and nobody shall think so."""
    event, request_id = walk.event(cast), uuid4()
    fields: dict[str, Any] = {"kind": "routine", "facts": "…", "why": "joint", "why_text": "", "lead": cast.scjg}
    whistles.submit(event, by=cast.duty, request_id=request_id, seen_state="reported", **fields)
    with pytest.raises(UsedForm, match="没有保存"):
        whistles.submit(event, by=cast.duty, request_id=request_id, seen_state="reported", helpers=[cast.zfj], **fields)


def test_submit_after_a_colleague_is_refused(cast: Cast) -> None:
    event = walk.event(cast)
    stale = Event.objects.get(pk=event.pk)
    walk.submitted(cast, of=event)
    with pytest.raises(WrongState, match=r"甘霖镇·指挥室值班员已于 .* 转为吹哨办理"):
        walk.submitted(cast, of=stale)
    assert Whistle.objects.count() == 1


@time_machine.travel(NOW, tick=False)
def test_submit_emergency_goes_at_once(cast: Cast) -> None:
    whistle = walk.submitted(cast, "emergency")
    assert whistle.state == "signing"
    assert (whistle.approved_at, whistle.awaits_confirmation) == (None, True)
    assert whistle.confirm_due == at("2026-11-24 12:36")
    assert [d.sign_due for d in whistle.dispatches.all()] == [at("2026-11-24 10:51")] * 2
    assert walk.told("emergency_blown") == ["leader"]
    assert walk.told("dispatch_sent") == ["scjg-liaison", "zrzy-liaison"]


# --- approve --------------------------------------------------------------------------------------------------------
@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(
    ("kind", "dues"),
    [
        ("emergency", ["11-24 10:51:00", "11-24 11:06:00", "11-24 12:36:00", "11-25 10:36:00", "11-30 23:59:59"]),
        ("urgent", ["11-24 11:36:00", "11-24 12:36:00", "11-25 23:59:59", "11-27 23:59:59", "12-02 23:59:59"]),
        ("routine", ["11-24 16:36:00", "11-25 23:59:59", None, "12-03 23:59:59", "12-08 23:59:59"]),
        ("campaign", ["11-25 23:59:59", "11-27 23:59:59", "12-01 23:59:59", "12-15 23:59:59", "12-18 23:59:59"]),
    ],
)
def test_approve_stores_every_due_time(cast: Cast, kind: str, dues: list[str | None]) -> None:
    """Signing, arriving, interim report, finish, evaluation; a helper signs and arrives, no more."""
    whistle = walk.approved(cast, kind)
    lead, helper = whistle.dispatches.order_by("id")
    wanted = [at(f"2026-{text}") if text else None for text in dues]
    assert [lead.sign_due, lead.arrive_due, lead.report_due, lead.finish_due, whistle.eval_due] == wanted
    assert [helper.sign_due, helper.arrive_due, helper.report_due, helper.finish_due] == [*wanted[:2], None, None]
    assert whistle.finish_due == lead.finish_due
    assert {lead.next_due, helper.next_due, whistle.next_due} == {lead.sign_due}
    assert (whistle.provisional, lead.provisional, helper.provisional) == ([], [], [])


def test_approve_counts_from_the_approval(cast: Cast) -> None:
    with time_machine.travel(at("2026-11-24 10:00"), tick=False):
        whistle = walk.submitted(cast, "urgent")
    with time_machine.travel(at("2026-11-24 10:50"), tick=False):
        whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    assert whistle.sent_at == whistle.approved_at == at("2026-11-24 10:50")
    assert walk.part(whistle, cast.scjg).sign_due == at("2026-11-24 11:50")


def test_approve_tells_liaisons_and_duty(cast: Cast) -> None:
    walk.approved(cast)
    assert walk.told("dispatch_sent") == ["scjg-liaison", "zrzy-liaison"]
    assert walk.told("whistle_approved") == ["duty"]


def test_approve_numbers_the_dispatches(cast: Cast) -> None:
    whistle = walk.approved(cast)
    assert [(d.number, d.is_lead) for d in whistle.dispatches.order_by("id")] == [
        (f"{whistle.number}/1", True),
        (f"{whistle.number}/2", False),
    ]


def test_approve_sends_nothing_to_a_closed_department(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    Unit.objects.filter(pk=cast.zrzy.pk).update(
        valid_to=timezone.localdate() - timedelta(days=1), successor=cast.zfj.pk
    )
    with pytest.raises(Refused, match="自然资源局已停用，由综合执法局承接，没有发出"):
        whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    assert not whistle.dispatches.exists()
    Unit.objects.filter(pk=cast.zrzy.pk).update(valid_to=timezone.localdate())
    whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    assert whistle.dispatches.count() == 2


def test_whistle_is_heard_where_the_liaisons_post_is_empty(cast: Cast) -> None:
    """The sign and the answer wait for the desk: its leader hears of it, and without one the guidance office."""
    yesterday = timezone.localdate() - timedelta(days=1)
    Post.objects.filter(user__in=[cast.scjg_liaison, cast.zrzy_liaison, cast.zrzy_leader]).update(valid_to=yesterday)
    walk.submitted(cast, "emergency")
    assert walk.told("dispatch_sent") == ["scjg-leader", "zdb-officer"]


def test_desk_that_whistles_is_told_where_no_liaison_hears_it(cast: Cast) -> None:
    """The leader, or the guidance office, has the message; the desk has a telephone."""
    yesterday = timezone.localdate() - timedelta(days=1)
    Post.objects.filter(user=cast.scjg_liaison).update(valid_to=yesterday)
    whistle = walk.approved(cast)
    assert walk.told("dispatch_sent") == ["scjg-leader", "zrzy-liaison"]
    lead = walk.part(whistle, cast.scjg)
    message = Message.objects.get(kind="desk_missing")
    assert (message.recipient, message.link) == (cast.duty, lead.get_absolute_url())
    page = client_for(cast.duty).get(message.link).content.decode()
    assert "市场监管局的联络员（值班员）岗位现在没有人" in page
    assert f"tel:{cast.scjg_leader.mobile}" in page
    assert "岗位现在没有人" not in client_for(cast.scjg_leader).get(message.link).content.decode()
    heard = walk.part(whistle, cast.zrzy).get_absolute_url()
    assert "岗位现在没有人" not in client_for(cast.duty).get(heard).content.decode()


def test_reassigned_to_a_department_without_a_liaison_the_desk_is_told(cast: Cast) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    Post.objects.filter(user=cast.zfj_liaison).update(valid_to=yesterday)
    lead = walk.part(walk.approved(cast), cast.scjg)
    words = {"ground": "not_ours", "article": "《某条例》第一条", "text": "不归我局管。"}
    returns.ask(lead, by=cast.scjg_liaison, request_id=uuid4(), seen_state="sent", **words)
    said = {"by": cast.zdb_officer, "seen_state": "arbitration", "decision": "职责清楚。"}
    heir = returns.reassign(lead, to_unit=cast.zfj, **said)
    message = Message.objects.get(kind="desk_missing")
    assert (message.recipient, message.link) == (cast.duty, heir.get_absolute_url())


def test_each_is_told_by_the_role_that_is_asked_there(cast: Cast) -> None:
    """A department's emergency waits for its own leader, and at the others for the desk alone."""
    units = [cast.ganlin, cast.zrzy, cast.zfj]
    when = timezone.now() + timedelta(minutes=40)
    joint.submitted(cast, by=cast.scjg_liaison, units=units, kind="emergency", assemble_at=when)
    assert walk.told("emergency_blown") == ["scjg-leader"]
    assert set(walk.told("dispatch_sent")) == {"duty", "zfj-liaison", "zrzy-liaison"}


def test_approve_twice_is_refused(cast: Cast) -> None:
    whistle = walk.approved(cast)
    with pytest.raises(WrongState, match="批准吹哨"):
        whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    assert whistle.dispatches.count() == 2


def test_approve_a_rejected_one_is_refused(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    whistles.reject(whistle, by=cast.leader, seen_state="submitted", reason="先由执法队处置")
    with pytest.raises(WrongState):
        whistles.approve(whistle, by=cast.leader, seen_state="rejected")


@pytest.mark.parametrize("verb", ["submit_emergency", "approve"])
def test_queries_do_not_grow_with_the_departments(cast: Cast, verb: str) -> None:
    def count(helpers: int) -> int:
        units = Unit.objects.departments().exclude(pk=cast.scjg.pk)[:helpers]
        event = walk.event(cast)
        whistle = None if verb == "submit_emergency" else walk.submitted(cast, helpers=units, of=event)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            if whistle is None:
                walk.submitted(cast, "emergency", helpers=units, of=event)
            else:
                whistles.approve(whistle, by=cast.leader, seen_state="submitted")
        return len(queries)

    count(3)  # warms the caches of content types and calendar
    assert count(3) == count(7)  # the third has no liaison: who hears instead is asked for once, for all of them


# --- reject, confirm ------------------------------------------------------------------------------------------------
def test_reject_returns_the_event_to_the_desk(cast: Cast) -> None:
    event = walk.event(cast)
    whistle = walk.submitted(cast, of=event)
    whistles.reject(whistle, by=cast.leader, seen_state="submitted", reason="先由执法队处置")
    event.refresh_from_db()
    assert (whistle.state, whistle.rejection, whistle.next_due) == ("rejected", "先由执法队处置", None)
    assert (event.state, event.next_due) == ("verified", event.accept_due)
    assert walk.told("whistle_rejected") == ["duty"]
    assert "先由执法队处置" not in " ".join(Entry.objects.about(whistle, event).values_list("what", flat=True))


def test_reject_leaves_the_event_free_for_another_whistle(cast: Cast) -> None:
    event = walk.event(cast)
    whistles.reject(walk.submitted(cast, of=event), by=cast.leader, seen_state="submitted", reason="请补充")
    event.refresh_from_db()
    again = walk.submitted(cast, of=event)
    assert again.number.endswith("-0002")


def test_confirm_emergency_afterwards(cast: Cast) -> None:
    whistle = walk.submitted(cast, "emergency")
    whistles.confirm_emergency(whistle, by=cast.leader)
    assert (whistle.awaits_confirmation, whistle.approved_by) == (False, cast.leader)
    with pytest.raises(Refused, match="已经事后确认过"):
        whistles.confirm_emergency(whistle, by=cast.leader)


def test_confirm_emergency_late_is_marked(cast: Cast) -> None:
    with time_machine.travel(NOW, tick=False):
        whistle = walk.submitted(cast, "emergency")
    with time_machine.travel(NOW + timedelta(minutes=121), tick=False):
        whistles.confirm_emergency(whistle, by=cast.leader)
    last = Entry.objects.about(whistle).last()
    assert last is not None
    assert last.what == "事后确认应急哨（超期）"


def test_confirm_emergency_ends_the_claim(cast: Cast) -> None:
    whistle = walk.submitted(cast, "emergency")
    Whistle.objects.filter(pk=whistle.pk).update(claimed_by=cast.leader, claimed_at=NOW)
    whistles.confirm_emergency(whistle, by=cast.leader)
    whistle.refresh_from_db()
    assert (whistle.claimed_by, whistle.claimed_at) == (None, None)


# --- close ----------------------------------------------------------------------------------------------------------
def test_close_the_whole_walk(cast: Cast) -> None:
    whistle = walk.approved(cast)
    lead, helper = (walk.reported(cast, walk.part(whistle, unit)) for unit in (cast.scjg, cast.zrzy))
    whistle.refresh_from_db()
    whistles.close(whistle, by=cast.duty, seen_state="reported", ratings={lead.pk: Rating(5)})
    lead.refresh_from_db()
    helper.refresh_from_db()
    whistle.event.refresh_from_db()
    assert (whistle.state, lead.state, helper.state, whistle.event.state) == ("closed", "closed", "closed", "settled")
    assert (lead.stars, lead.rated_by, helper.stars, helper.rated_by) == (5, cast.duty, None, None)
    assert whistle.event.result == "市场监管局：已解决"
    assert {whistle.next_due, lead.next_due, helper.next_due, whistle.event.next_due} == {None}
    assert walk.told("event_closed") == ["grid"]
    assert walk.told("dispatch_closed") == ["scjg-liaison", "zrzy-liaison"]


def test_close_with_a_helper_unsigned_says_so(cast: Cast) -> None:
    whistle = walk.ready(cast)
    whistles.close(whistle, by=cast.duty, seen_state="reported")
    helper = walk.part(whistle, cast.zrzy)
    last = Entry.objects.about(helper).last()
    assert last is not None
    assert (helper.state, last.what) == ("closed", "哨单办结，自然资源局未反馈")


def test_close_while_the_lead_reworks_is_refused(cast: Cast) -> None:
    whistle = walk.ready(cast)
    walk.reworked(cast, walk.part(whistle, cast.scjg))
    with pytest.raises(WrongState):
        whistles.close(whistle, by=cast.duty, seen_state="reported")


def test_close_while_a_helper_reworks_is_refused_with_a_sentence(cast: Cast) -> None:
    whistle = walk.ready(cast)
    helper = walk.reported(cast, walk.part(whistle, cast.zrzy))
    walk.reworked(cast, helper)
    with pytest.raises(Refused, match="自然资源局正在返工") as refusal:
        whistles.close(whistle, by=cast.duty, seen_state="reported")
    assert refusal.value.obj == whistle
    whistle.refresh_from_db()
    assert whistle.state == "reported"


def test_close_late_is_marked(cast: Cast) -> None:
    with time_machine.travel(NOW, tick=False):
        whistle = walk.ready(cast)
    with time_machine.travel(at("2026-12-10 09:00"), tick=False):
        whistles.close(whistle, by=cast.duty, seen_state="reported")
    assert "确认办结（超期）" in Entry.objects.about(whistle).values_list("what", flat=True)


def test_close_twice_is_refused(cast: Cast) -> None:
    whistle = walk.ready(cast)
    whistles.close(whistle, by=cast.duty, seen_state="reported")
    with pytest.raises(WrongState, match="确认办结"):
        whistles.close(whistle, by=cast.duty, seen_state="reported")


def test_close_rolled_back_takes_state_entries_and_messages(cast: Cast) -> None:
    whistle = walk.ready(cast)
    before = (Entry.objects.count(), Message.objects.count())
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        whistles.close(whistle, by=cast.duty, seen_state="reported", ratings={})
        raise ZeroDivisionError
    whistle.refresh_from_db()
    assert (Entry.objects.count(), Message.objects.count()) == before
    assert whistle.state == "reported"
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"reported", "sent"}


# --- rework ---------------------------------------------------------------------------------------------------------
@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(
    ("kind", "due"),
    [
        ("emergency", "2026-11-24 22:36:00"),  # 720 of 1,440 minutes
        ("urgent", "2026-11-26 23:59:59"),  # 2 of 3 workdays
        ("routine", "2026-11-30 23:59:59"),  # 4 of 7
        ("campaign", "2026-12-04 23:59:59"),  # 8 of 15
    ],
)
def test_rework_gives_half_of_the_finish_limit_rounded_up(cast: Cast, kind: str, due: str) -> None:
    dispatch = walk.reworked(cast, walk.part(walk.ready(cast, kind), cast.scjg))
    assert dispatch.rework_due == dispatch.next_due == at(due)


def test_rework_sends_the_whistle_back(cast: Cast) -> None:
    whistle = walk.ready(cast)
    dispatch = walk.reworked(cast, walk.part(whistle, cast.scjg))
    whistle.refresh_from_db()
    assert whistle.state == "signing"  # the helper has not signed yet
    assert dispatch.rework_reason == "摊位又回来了，请再去一次。"
    assert walk.told("rework_asked") == ["scjg-liaison"]
    assert "摊位" not in " ".join(Entry.objects.about(dispatch).values_list("what", flat=True))


def test_rework_once_only(cast: Cast) -> None:
    dispatch = walk.reworked(cast, walk.part(walk.ready(cast), cast.scjg))
    walk.report(cast, dispatch)
    with pytest.raises(Refused, match="已经返工过一次"):
        walk.reworked(cast, dispatch)


def test_rework_before_the_lead_has_reported_is_refused(cast: Cast) -> None:
    helper = walk.reported(cast, walk.part(walk.approved(cast), cast.zrzy))
    with pytest.raises(Refused, match="主办部门反馈之后"):
        walk.reworked(cast, helper)


def test_rework_puts_the_evaluation_off(cast: Cast) -> None:
    with time_machine.travel(NOW, tick=False):
        whistle = walk.ready(cast)
    assert whistle.eval_due == at("2026-12-08 23:59:59")
    with time_machine.travel(at("2026-12-08 10:00"), tick=False):
        dispatch = walk.reworked(cast, walk.part(whistle, cast.scjg))
    whistle.refresh_from_db()
    assert dispatch.rework_due == at("2026-12-14 23:59:59")
    assert whistle.eval_due == at("2026-12-17 23:59:59")


def test_rework_reported_again_is_the_townships_turn(cast: Cast) -> None:
    whistle = walk.ready(cast, helpers=[])
    dispatch = walk.reworked(cast, walk.part(whistle, cast.scjg))
    first = dispatch.first_reported_at
    walk.report(cast, dispatch)
    whistle.refresh_from_db()
    assert (whistle.state, whistle.next_due) == ("reported", whistle.eval_due)
    assert dispatch.first_reported_at == first
    assert walk.told("dispatch_reported") == ["duty", "duty"]


# --- facts that belong together -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "facts",
    [
        {"approved_at": NOW},
        {"rejected_at": NOW},
        {"state": "closed"},
        {"state": "rejected"},
        {"closed_at": NOW},
        {"claimed_at": NOW},
        {"state": "submitted"},
        {"finish_due": None},
        {"approved_at": None, "approved_by": None},
    ],
)
def test_whistle_constraints_refuse_half_a_fact(cast: Cast, facts: dict[str, Any]) -> None:
    whistle = walk.approved(cast)
    if facts == {"approved_at": NOW}:
        facts = {"approved_at": NOW, "approved_by": None}
    with pytest.raises(IntegrityError), transaction.atomic():
        Whistle.objects.filter(pk=whistle.pk).update(**facts)


def test_one_open_whistle_an_event(cast: Cast) -> None:
    whistle = walk.approved(cast)
    whistle.pk, whistle.number, whistle.request_id = None, "哨-x", uuid4()
    with pytest.raises(IntegrityError, match="whistle_one_open_per_event"), transaction.atomic():
        whistle.save(force_insert=True)
