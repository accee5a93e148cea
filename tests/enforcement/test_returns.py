"""退哨: who may, until when, where it goes, what the clocks are afterwards, who is told."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from enforcement.models import Dispatch, Event, Limit, Return, Whistle
from enforcement.rules.clocks import Hands, stints
from enforcement.services import dispatch as dispatches
from enforcement.services import returns
from enforcement.services import whistle as whistles
from enforcement.services.clocks import count, count_whistle, course_of
from enforcement.services.limit import whistle_clocks
from enforcement.services.provisional import recompute
from enforcement.services.steps import dispatch_steps
from notifications.models import Message
from records.models import Entry
from records.services import Refused, WrongState
from tests.cast import Cast, PostFactory, UnitFactory, UserFactory
from tests.enforcement import walk
from tests.enforcement.walk import at, told
from townships.models import Role, Unit
from townships.services import holidays

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-11-24 10:36")
WORDS = {"ground": "not_ours", "article": "《城市绿化条例》第二十七条", "text": "属综合执法局职责。"}
REASON = "职责在综合执法局。"


def minutes(n: float) -> time_machine.travel:
    """So long after the whistle was approved."""
    return time_machine.travel(NOW + timedelta(minutes=n), tick=False)


@pytest.fixture
def whistle(cast: Cast) -> Whistle:
    """A routine one, approved at NOW: scjg leads, zrzy helps."""
    with minutes(0):
        return walk.approved(cast)


@pytest.fixture
def lead(cast: Cast, whistle: Whistle) -> Dispatch:
    return walk.part(whistle, cast.scjg)


@pytest.fixture
def helper(cast: Cast, whistle: Whistle) -> Dispatch:
    return walk.part(whistle, cast.zrzy)


def asked(cast: Cast, dispatch: Dispatch, *, after: float = 10, by: Any = None, **over: Any) -> Return:
    fields = {"request_id": uuid4(), "seen_state": "sent", **WORDS, **over}
    with minutes(after):
        return returns.ask(dispatch, by=by or walk.desk(cast, dispatch), **fields)


def upheld(cast: Cast, dispatch: Dispatch, *, after: float = 60) -> Dispatch:
    with minutes(after):
        returns.uphold(dispatch, by=cast.zdb_officer, seen_state="arbitration", decision=REASON)
    return dispatch


def reassigned(cast: Cast, dispatch: Dispatch, unit: Unit, *, after: float = 60) -> Dispatch:
    with minutes(after):
        return returns.reassign(dispatch, by=cast.zdb_officer, seen_state="arbitration", to_unit=unit, decision=REASON)


def wants_leader(dispatch: Dispatch) -> None:
    dispatch.department.return_needs_leader = True
    dispatch.department.save()


def counted(whistle: Whistle) -> None:
    """Every stored due time is what the rules make of the facts."""
    whistle.refresh_from_db()
    course, parts = course_of(whistle), list(whistle.dispatches.select_related("whistle").order_by("id"))
    for part in parts:
        if part.is_open:
            for name, clock in count(part, course).items():
                assert getattr(part, name) == clock.at, name
    for name, clock in count_whistle(whistle, parts, course).items():
        assert getattr(whistle, name) == clock.at, name


# --- asking ---------------------------------------------------------------------------------------------------------
def test_ask_goes_to_the_guidance_office(cast: Cast, whistle: Whistle, lead: Dispatch) -> None:
    made = asked(cast, lead)
    whistle.refresh_from_db()
    due = at("2026-11-25 23:59:59")  # one workday
    assert (lead.state, lead.return_due, lead.next_due, made.arb_due) == ("arbitration", due, due, due)
    assert (made.state, made.arb_at, made.leader_at) == ("arbitration", NOW + timedelta(minutes=10), None)
    assert lead.alarm_at == made.arb_at + 0.8 * (due - made.arb_at)
    assert (whistle.state, lead.claimed_by) == ("signing", None)
    assert told("return_submitted") == ["zdb-officer"]
    assert told("return_forwarded") == ["duty"]  # who has asked need not be told
    entry = Entry.objects.get(verb="return_asked")
    assert entry.what == "市场监管局申请退哨：不属本部门法定职责，送指导办仲裁，时限 1 个工作日"
    assert (entry.from_state, entry.to_state, entry.stage) == ("sent", "arbitration", "dispatch")


def test_way_ahead_has_no_due_times_until_it_is_decided(cast: Cast, lead: Dispatch) -> None:
    asked(cast, lead)
    lead.refresh_from_db()
    ahead = [step for step in dispatch_steps(lead) if step.at is None]
    assert [step.name for step in ahead if step.due] == ["指导办仲裁"]
    upheld(cast, lead)
    lead.refresh_from_db()
    assert {"到场", "反馈"} <= {step.name for step in dispatch_steps(lead) if step.due}


def test_ask_of_an_emergency_is_arbitrated_in_half_an_hour(cast: Cast) -> None:
    with minutes(0):
        part = walk.part(walk.approved(cast, "emergency"), cast.scjg)
    made = asked(cast, part)
    assert made.arb_due == NOW + timedelta(minutes=40)


def test_ask_is_arbitrated_by_the_limit_of_the_kind_where_there_is_one(cast: Cast, lead: Dispatch) -> None:
    said = {"unit": "work_minutes", "amount": 120, "valid_from": NOW.date(), "reason": "试行"}
    Limit.objects.create(kind="routine", step="arbitrate", **said)
    assert asked(cast, lead).arb_due == at("2026-11-24 14:46")


def test_ask_clears_the_claim_and_keeps_who_was_named(cast: Cast, lead: Dispatch) -> None:
    dispatches.assign(lead, by=cast.scjg_liaison, assigned_unit=None, assigned_officer=cast.scjg_officer)
    asked(cast, lead)
    assert lead.assigned_officer == cast.scjg_officer
    assert told("return_forwarded") == ["duty", "scjg-officer"]


def test_ask_up_to_the_sign_limit(cast: Cast, lead: Dispatch) -> None:
    with time_machine.travel(lead.sign_due, tick=False):
        returns.ask(lead, by=cast.scjg_liaison, request_id=uuid4(), seen_state="sent", **WORDS)
    assert lead.state == "arbitration"


def test_ask_after_the_sign_limit_is_refused_in_a_sentence(cast: Cast, lead: Dispatch) -> None:
    late = lead.sign_due + timedelta(seconds=1)
    with time_machine.travel(late, tick=False), pytest.raises(Refused, match="签收期限已过，不能再退哨。请先签收"):
        returns.ask(lead, by=cast.scjg_liaison, request_id=uuid4(), seen_state="sent", **WORDS)
    assert not Return.objects.exists()


def test_ask_after_signing_is_refused(cast: Cast, lead: Dispatch) -> None:
    walk.signed(cast, lead)
    with pytest.raises(WrongState, match="市场监管局签收"):
        asked(cast, lead)


def test_ask_twice_with_one_form_is_once(cast: Cast, lead: Dispatch) -> None:
    form = uuid4()
    first = asked(cast, lead, request_id=form)
    assert asked(cast, lead, request_id=form) == first
    assert Return.objects.count() == Message.objects.filter(kind="return_submitted").count() == 1


def test_ask_once_a_whistle(cast: Cast, whistle: Whistle, lead: Dispatch) -> None:
    """A department that gets the same whistle again, after another has returned it too, has to sign."""
    asked(cast, lead)
    second = reassigned(cast, lead, cast.zfj, after=20)
    asked(cast, second, after=30)
    third = reassigned(cast, second, cast.scjg, after=40)
    assert third.department == cast.scjg
    with pytest.raises(Refused, match="一张哨单只能退一次"):
        asked(cast, third, after=50)
    counted(whistle)


def test_ask_of_a_joint_action_by_a_township(cast: Cast, whistle: Whistle) -> None:
    """Nothing of it needs an event."""
    Whistle.objects.filter(pk=whistle.pk).update(
        event=None, area="东湖路", assemble_at=NOW + timedelta(days=3), assemble_place="广场", tasks={}
    )
    Dispatch.objects.filter(whistle=whistle).update(event=None)
    part = walk.part(Whistle.objects.get(pk=whistle.pk), cast.scjg)
    asked(cast, part)
    heir = reassigned(cast, part, cast.zfj)
    assert heir.event is None
    assert heir.arrive_due == NOW + timedelta(days=3)


# --- the department's leader ----------------------------------------------------------------------------------------
def test_ask_waits_for_the_leader_where_the_unit_wants_it(cast: Cast, whistle: Whistle, lead: Dispatch) -> None:
    wants_leader(lead)
    made = asked(cast, lead)
    whistle.refresh_from_db()
    assert (lead.state, lead.return_due, lead.next_due) == ("returning", lead.sign_due, lead.sign_due)
    assert (made.state, made.arb_at, whistle.state, whistle.next_due) == ("leader", None, "signing", lead.sign_due)
    assert told("return_asked") == ["scjg-leader"]
    assert not Message.objects.filter(kind="return_submitted").exists()
    assert Entry.objects.get(verb="return_asked").what.endswith("，待部门领导同意")


def test_ask_by_the_leader_goes_straight_on(cast: Cast, lead: Dispatch) -> None:
    wants_leader(lead)
    made = asked(cast, lead, by=cast.scjg_leader)
    assert (lead.state, made.leader_by) == ("arbitration", cast.scjg_leader)
    assert told("return_forwarded") == ["duty", "scjg-liaison"]


def test_agree_sends_it_on_even_after_the_sign_limit(cast: Cast, lead: Dispatch) -> None:
    """It was asked in time; the leader's delay is the department's."""
    wants_leader(lead)
    made = asked(cast, lead)
    moment = lead.sign_due + timedelta(hours=1)
    with time_machine.travel(moment, tick=False):
        returns.agree(lead, by=cast.scjg_leader, seen_state="returning")
    made.refresh_from_db()
    assert (made.state, made.leader_by, made.arb_at) == ("arbitration", cast.scjg_leader, moment)
    assert (lead.state, lead.return_due) == ("arbitration", made.arb_due)
    assert told("return_submitted") == ["zdb-officer"]
    assert told("return_forwarded") == ["duty", "scjg-liaison"]


def test_decline_leaves_the_first_sign_limit(cast: Cast, whistle: Whistle, lead: Dispatch) -> None:
    wants_leader(lead)
    made, alarm = asked(cast, lead), Dispatch.objects.get(pk=lead.pk).sent_at
    with minutes(30):
        returns.decline(lead, by=cast.scjg_leader, seen_state="returning", text="就是我们的职责。")
    made.refresh_from_db()
    whistle.refresh_from_db()
    assert (lead.state, lead.return_due, lead.next_due, whistle.next_due) == ("sent", None, *[lead.sign_due] * 2)
    assert lead.alarm_at == alarm + 0.8 * (lead.sign_due - alarm)
    assert (made.state, made.leader_text) == ("declined", "就是我们的职责。")
    assert told("return_declined") == ["scjg-liaison"]
    with pytest.raises(Refused, match="只能退一次"):
        asked(cast, lead, after=40)
    walk.signed(cast, lead)


# --- upheld ---------------------------------------------------------------------------------------------------------
def test_uphold_counts_as_signed_when_asked(cast: Cast, whistle: Whistle, lead: Dispatch) -> None:
    before = (lead.sign_due, lead.arrive_due, lead.finish_due)
    asked(cast, lead)
    upheld(cast, lead)
    whistle.refresh_from_db()
    assert (lead.state, lead.signed_at, lead.signed_by) == ("signed", NOW + timedelta(minutes=10), cast.scjg_liaison)
    assert (lead.sign_due, lead.arrive_due, lead.finish_due) == before
    assert (lead.return_due, lead.next_due) == (None, lead.arrive_due)
    assert lead.returning.state == "upheld"
    assert told("return_upheld") == ["duty", "scjg-liaison"]
    assert "申请时即视同签收" in Entry.objects.get(verb="return_upheld").what
    counted(whistle)
    walk.part(whistle, cast.scjg)


def test_uphold_gives_back_what_the_arbitrator_took_beyond_the_limit(cast: Cast, whistle: Whistle) -> None:
    with minutes(0):
        emergency = walk.approved(cast, "emergency")
    lead, helper = walk.part(emergency, cast.scjg), walk.part(emergency, cast.zrzy)
    total = emergency.finish_due
    arrive, finish = lead.arrive_due, lead.finish_due
    asked(cast, lead)  # decided until minute 40
    upheld(cast, lead, after=100)
    hour = timedelta(hours=1)
    assert lead.arrive_due == arrive  # which was over before the arbitrator was late
    assert lead.finish_due == finish + hour
    assert walk.part(emergency, cast.zrzy).arrive_due == helper.arrive_due
    emergency.refresh_from_db()
    assert emergency.finish_due == total
    assert "（超期）" in Entry.objects.get(verb="return_upheld").what
    counted(emergency)


# --- reassigned -----------------------------------------------------------------------------------------------------
def test_reassign_starts_new_clocks_while_the_whistles_total_runs_on(
    cast: Cast, whistle: Whistle, lead: Dispatch
) -> None:
    total, judged = whistle.finish_due, whistle.eval_due
    made = asked(cast, lead)
    heir = reassigned(cast, lead, cast.zfj, after=3 * 1440)  # on Friday
    decided = NOW + timedelta(days=3)
    whistle.refresh_from_db()
    made.refresh_from_db()
    dues, _ = whistle_clocks("routine", decided).dues(decided)
    assert (heir.number, heir.state, heir.is_lead, heir.sent_at) == (f"{whistle.number}/3", "sent", True, decided)
    assert (heir.sign_due, heir.arrive_due, heir.finish_due) == (dues.sign_due, dues.arrive_due, dues.finish_due)
    assert (heir.next_due, heir.alarm_at) == (heir.sign_due, decided + 0.8 * (heir.sign_due - decided))
    assert (whistle.finish_due, whistle.state, whistle.departments) == (total, "signing", [cast.zfj.pk, cast.zrzy.pk])
    assert whistle.eval_due == dues.eval_due > judged
    assert (lead.state, lead.next_due, lead.alarm_at, lead.return_due) == ("returned", None, None, None)
    assert (made.state, made.to_unit, made.decision, made.decided_by) == (
        "reassigned", cast.zfj, REASON, cast.zdb_officer,
    )  # fmt: skip
    assert told("return_granted") == ["duty", "scjg-liaison"]
    assert Message.objects.get(kind="dispatch_sent", recipient=cast.zfj_liaison).data["number"] == heir.number
    counted(whistle)


def test_reassign_by_the_limits_of_that_day(cast: Cast, whistle: Whistle, lead: Dispatch) -> None:
    said = {"unit": "work_minutes", "amount": 60, "valid_from": NOW.date() + timedelta(days=1), "reason": "试行"}
    Limit.objects.create(kind="routine", step="sign", **said)
    asked(cast, lead)
    assert reassigned(cast, lead, cast.zfj, after=1440).sign_due == at("2026-11-25 11:36")
    counted(whistle)


def test_reassign_to_a_helper_makes_it_the_lead(cast: Cast, whistle: Whistle, lead: Dispatch, helper: Dispatch) -> None:
    with minutes(5):
        walk.arrived(cast, helper)
    asked(cast, lead)
    heir = reassigned(cast, lead, cast.zrzy, after=1440)
    decided = NOW + timedelta(days=1)
    whistle.refresh_from_db()
    dues, _ = whistle_clocks("routine", decided).dues(decided)
    assert (heir.pk, heir.is_lead, heir.state, heir.lead_at) == (helper.pk, True, "arrived", decided)
    assert (heir.sign_due, heir.arrive_due) == (helper.sign_due, helper.arrive_due)  # it was there by its own clock
    assert (heir.finish_due, heir.next_due) == (dues.finish_due, dues.finish_due)
    assert heir.alarm_at == decided + 0.8 * (heir.finish_due - decided)
    assert (whistle.departments, whistle.state) == ([cast.zrzy.pk], "handling")
    assert whistle.dispatches.count() == 2
    assert told("lead_taken_over") == ["zrzy-liaison"]
    assert Entry.objects.get(verb="dispatch_lead").what == "自然资源局由协办改为主办"
    counted(whistle)
    walk.report(cast, heir)
    whistles.close(Whistle.objects.get(pk=whistle.pk), by=cast.duty, seen_state="reported")
    assert Dispatch.objects.get(pk=lead.pk).state == "returned"
    assert Event.objects.get(pk=whistle.event_id).result == "自然资源局：已解决"


def test_reassign_to_a_helper_that_has_not_signed(cast: Cast, whistle: Whistle, lead: Dispatch) -> None:
    asked(cast, lead)
    heir = reassigned(cast, lead, cast.zrzy, after=60)
    assert (heir.state, heir.next_due) == ("sent", heir.sign_due)
    with minutes(70):
        walk.arrived(cast, heir)
    assert heir.alarm_at == heir.lead_at + 0.8 * (heir.finish_due - heir.lead_at)
    counted(whistle)


def test_reassign_a_helper_sends_to_another_helper(cast: Cast, whistle: Whistle, helper: Dispatch) -> None:
    asked(cast, helper)
    heir = reassigned(cast, helper, cast.zfj)
    whistle.refresh_from_db()
    assert (heir.is_lead, heir.finish_due, whistle.departments) == (False, None, [cast.scjg.pk, cast.zfj.pk])
    counted(whistle)


def test_reassign_is_refused_to_whoever_is_asked_already_or_closed(
    cast: Cast, whistle: Whistle, lead: Dispatch, helper: Dispatch
) -> None:
    asked(cast, helper)
    closed = UnitFactory(short_name="原安监局", valid_to=NOW.date() - timedelta(days=1))
    for unit in (cast.scjg, cast.zrzy, closed, cast.ganlin, cast.changle, cast.zdb):
        with pytest.raises(Refused, match="不能改派给它"):
            reassigned(cast, helper, unit)
    assert Return.objects.get().state == "arbitration"
    offered = returns.may_take_over(helper)
    assert offered.filter(pk=cast.zfj.pk).exists()
    assert not offered.filter(pk__in=[cast.scjg.pk, cast.zrzy.pk, closed.pk, cast.zdb.pk]).exists()


def test_reassign_offers_no_helper_that_returns_it_too(
    cast: Cast, whistle: Whistle, lead: Dispatch, helper: Dispatch
) -> None:
    asked(cast, lead)
    assert returns.may_take_over(lead).filter(pk=cast.zrzy.pk).exists()
    asked(cast, helper)
    assert not returns.may_take_over(lead).filter(pk=cast.zrzy.pk).exists()


def test_reassign_takes_the_task_along(cast: Cast, whistle: Whistle, lead: Dispatch) -> None:
    Dispatch.objects.filter(pk=lead.pk).update(task="查证照")
    asked(cast, walk.part(whistle, cast.scjg))
    assert reassigned(cast, walk.part(whistle, cast.scjg), cast.zfj).task == "查证照"


# --- released -------------------------------------------------------------------------------------------------------
def test_release_of_a_helper_asks_nobody_else(cast: Cast, whistle: Whistle, lead: Dispatch, helper: Dispatch) -> None:
    walk.signed(cast, lead)
    asked(cast, helper)
    whistle.refresh_from_db()
    assert whistle.state == "signing"
    with minutes(60):
        returns.release(helper, by=cast.zdb_officer, seen_state="arbitration", decision="不涉及用地。")
    whistle.refresh_from_db()
    assert (helper.state, helper.returning.state, whistle.departments) == ("returned", "released", [cast.scjg.pk])
    assert (whistle.state, whistle.next_due) == ("signed", lead.arrive_due)
    assert told("return_granted") == ["duty", "zrzy-liaison"]
    counted(whistle)


def test_release_of_the_lead_is_refused(cast: Cast, lead: Dispatch) -> None:
    asked(cast, lead)
    with pytest.raises(Refused, match="主办部门不能只准予退出"):
        returns.release(lead, by=cast.zdb_officer, seen_state="arbitration", decision=REASON)


# --- whatever else happens to the whistle ---------------------------------------------------------------------------
def test_close_ends_what_is_not_decided(cast: Cast, whistle: Whistle, lead: Dispatch, helper: Dispatch) -> None:
    """The lead has reported, the township confirms: nobody waits for the arbitrator any more."""
    made = asked(cast, helper)
    with minutes(15):
        walk.reported(cast, lead)
    whistle.refresh_from_db()
    whistles.close(whistle, by=cast.duty, seen_state="reported")
    made.refresh_from_db()
    helper.refresh_from_db()
    assert (made.state, helper.state, helper.return_due, helper.next_due) == ("void", "closed", None, None)
    with pytest.raises(WrongState):
        upheld(cast, helper)


def test_hands_of_a_returned_dispatch_read_off_the_timeline(cast: Cast, lead: Dispatch) -> None:
    wants_leader(lead)
    asked(cast, lead, after=10)
    with minutes(20):
        returns.agree(lead, by=cast.scjg_leader, seen_state="returning")
    reassigned(cast, lead, cast.zfj, after=60)
    walked = Entry.objects.about(lead).exclude(to_state="").values_list("at", "to_state")
    found = [(stint.hands, stint.until) for stint in stints(walked)]
    ends = [NOW + timedelta(minutes=n) for n in (10, 20, 60)]
    assert found == list(zip((Hands.DEPARTMENT, Hands.LEADER, Hands.ARBITRATOR), ends, strict=True))


def test_arbitration_is_provisional_at_the_end_of_the_year(cast: Cast, tmp_path: Any) -> None:
    with time_machine.travel(at("2026-12-31 16:00"), tick=False):
        part = walk.part(walk.approved(cast), cast.scjg)
        made = returns.ask(part, by=cast.scjg_liaison, request_id=uuid4(), seen_state="sent", **WORDS)
        assert (made.provisional, made.arb_due) == (["arb_due"], at("2027-01-01 23:59:59"))
        assert "return_due" in part.provisional
        load_2027(cast)
        recompute()
    made.refresh_from_db()
    part.refresh_from_db()
    assert (made.arb_due, made.provisional) == (part.return_due, [])
    assert part.next_due == part.return_due == at("2027-01-04 23:59:59")
    assert part.provisional == []


def load_2027(cast: Cast) -> None:
    file = "日期,种类,名称\n2027-01-01,放假,元旦\n2027-01-02,放假,元旦\n2027-01-03,放假,元旦\n"
    holidays.load_file(file.encode(), by=cast.bureau_admin, source="演示")


# --- whose party the arbitrator is ----------------------------------------------------------------------------------
def test_own_bureaus_are_the_offices_parent_and_further_posts(cast: Cast) -> None:
    assert returns.own_bureaus(cast.zdb_officer) == {cast.zfj.pk}
    PostFactory(user=cast.zdb_officer, unit=cast.scjg, role=Role.LIAISON)
    assert returns.own_bureaus(cast.zdb_officer) == {cast.zfj.pk, cast.scjg.pk}
    assert not returns.own_bureaus(PostFactory(user=UserFactory(), unit=cast.zrzy_station).user) - {cast.zrzy.pk}


def test_decision_says_where_the_arbitrators_bureau_is_a_party(cast: Cast, lead: Dispatch) -> None:
    asked(cast, lead)
    reassigned(cast, lead, cast.zfj)
    assert "综合执法局是当事一方" in Entry.objects.get(verb="return_reassigned").what
