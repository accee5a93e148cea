"""挂账: everything stands still and goes on where it stood; nobody is left untold, nothing acts meanwhile."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction

from enforcement import permissions as may
from enforcement.models import Dispatch, Extension, Return, Suspension, Whistle
from enforcement.services import dispatch as dispatches
from enforcement.services import extension as extensions
from enforcement.services import suspension as suspensions
from enforcement.tasks import resume_suspended
from records.models import Entry
from records.services import Refused, UsedForm, WrongState
from tests.cast import Cast
from tests.enforcement import walk
from tests.enforcement.walk import at

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-11-24 10:36")
UNTIL = date(2026, 12, 18)
WORDS = {"reason": "approval", "text": "等市里批复设计方案。"}


def whistle_at(cast: Cast, kind: str = "routine", *, helpers: Any = None) -> Whistle:
    """Sent on the morning of 24 November; the lead is on site."""
    with time_machine.travel(NOW, tick=False):
        whistle = walk.approved(cast, kind, helpers=helpers)
        walk.arrived(cast, walk.part(whistle, cast.scjg))
    return Whistle.objects.get(pk=whistle.pk)


def asked(whistle: Whistle, by: Any, when: str = "2026-11-24 12:00", **over: Any) -> Suspension:
    with time_machine.travel(at(when), tick=False):
        return suspensions.ask(whistle, by=by, **{"request_id": uuid4(), "until": UNTIL, **WORDS, **over})


def suspended(cast: Cast, whistle: Whistle, when: str = "2026-11-24 14:00") -> Suspension:
    suspension = asked(whistle, cast.duty)
    with time_machine.travel(at(when), tick=False):
        suspensions.approve(Suspension.objects.get(pk=suspension.pk), by=cast.leader)
    whistle.refresh_from_db()
    suspension.refresh_from_db()
    return suspension


def resumed(whistle: Whistle, by: Any, when: str) -> None:
    with time_machine.travel(at(when), tick=False):
        suspensions.resume(whistle, by=by)


# --- asking ---------------------------------------------------------------------------------------------------------
def test_ask_tells_the_leaders_and_stops_nothing(cast: Cast) -> None:
    whistle = whistle_at(cast)
    suspension = asked(whistle, cast.scjg_liaison)
    assert suspension.resume_due == at("2026-12-18 23:59:59")
    assert suspension.asked_office == "市场监管局·部门联络员"
    whistle.refresh_from_db()
    assert (whistle.state, whistle.resume_due) == ("signing", None)
    assert walk.told("suspension_asked") == ["leader"]
    entry = Entry.objects.filter(verb="suspension_asked").get()
    assert entry.what == "申请挂账到 12 月 18 日：等待上级批复，等镇领导批准"


def test_ask_twice_with_one_form_is_once(cast: Cast) -> None:
    whistle, form = whistle_at(cast), uuid4()
    first = asked(whistle, cast.duty, request_id=form)
    assert asked(whistle, cast.duty, request_id=form) == first
    with pytest.raises(UsedForm):
        asked(whistle, cast.duty, request_id=form, text="别的。")
    assert walk.told("suspension_asked") == ["leader"]


def test_ask_while_one_waits_is_refused(cast: Cast) -> None:
    whistle = whistle_at(cast)
    asked(whistle, cast.scjg_liaison)
    with pytest.raises(Refused, match="等批准"):
        asked(whistle, cast.duty)


def test_ask_after_the_lead_has_reported_is_refused(cast: Cast) -> None:
    whistle = walk.ready(cast)
    assert not may.can_ask_suspension(cast.duty, whistle)
    with pytest.raises(WrongState):
        asked(whistle, cast.duty)


def returning(cast: Cast, whistle: Whistle) -> Return:
    """The helper says that it is not its matter, and waits for its leader."""
    helper = walk.part(whistle, cast.zrzy)
    made = Return.objects.create(
        dispatch=helper,
        ground="unclear",
        text="地点不清",
        state="leader",
        asked_by=cast.zrzy_liaison,
        request_id=uuid4(),
    )
    Dispatch.objects.filter(pk=helper.pk).update(state="returning", return_due=helper.sign_due)
    return made


def test_ask_and_approve_wait_for_an_open_return(cast: Cast) -> None:
    whistle = whistle_at(cast)
    suspension = asked(whistle, cast.duty)
    returning(cast, whistle)
    with pytest.raises(Refused, match="有部门在退哨"):
        suspensions.approve(suspension, by=cast.leader)
    Suspension.objects.update(state="refused", decided_at=NOW, decided_by=cast.leader)
    with pytest.raises(Refused, match="有部门在退哨"):
        asked(whistle, cast.duty)


# --- standing still -------------------------------------------------------------------------------------------------
def test_approve_stops_every_clock(cast: Cast) -> None:
    whistle = whistle_at(cast)
    suspended(cast, whistle)
    assert (whistle.state, whistle.next_due, whistle.alarm_at) == ("suspended", at("2026-12-18 23:59:59"), None)
    lead, helper = whistle.dispatches.order_by("id")
    assert (lead.state, lead.suspended_from) == ("suspended", "arrived")
    assert (helper.state, helper.suspended_from) == ("suspended", "sent")
    assert {lead.next_due, lead.alarm_at, helper.next_due, helper.alarm_at} == {None}


def test_approve_tells_everybody_once(cast: Cast) -> None:
    suspended(cast, whistle_at(cast))
    assert walk.told("whistle_suspended") == ["duty", "scjg-liaison", "zrzy-liaison"]


def test_approve_leaves_a_helper_that_has_reported(cast: Cast) -> None:
    whistle = whistle_at(cast)
    walk.reported(cast, walk.part(whistle, cast.zrzy))
    suspended(cast, whistle)
    assert list(whistle.dispatches.order_by("id").values_list("state", flat=True)) == ["suspended", "reported"]
    assert walk.told("whistle_suspended") == ["duty", "scjg-liaison"]


def test_approve_keeps_who_was_on_it(cast: Cast) -> None:
    whistle = whistle_at(cast)
    lead = walk.part(whistle, cast.scjg)
    Dispatch.objects.filter(pk=lead.pk).update(claimed_by=cast.scjg_leader, claimed_at=NOW)
    suspended(cast, whistle)
    resumed(whistle, cast.duty, "2026-11-25 09:00")
    lead.refresh_from_db()
    assert (lead.state, lead.claimed_by) == ("arrived", cast.scjg_leader)


def test_approve_after_the_day_is_refused(cast: Cast) -> None:
    suspension = asked(whistle_at(cast), cast.duty)
    with time_machine.travel(at("2026-12-19 08:00"), tick=False), pytest.raises(Refused, match="恢复期限已过"):
        suspensions.approve(suspension, by=cast.leader)


def test_approve_after_the_report_is_refused(cast: Cast) -> None:
    whistle = whistle_at(cast)
    suspension = asked(whistle, cast.scjg_liaison)
    walk.report(cast, walk.part(whistle, cast.scjg))
    with pytest.raises(Refused, match="待评价"):
        suspensions.approve(suspension, by=cast.leader)


def test_refuse_tells_who_asked_and_both_desks(cast: Cast) -> None:
    whistle = whistle_at(cast)
    suspension = asked(whistle, cast.scjg_leader)
    suspensions.refuse(suspension, by=cast.leader, decision="批复已到，请继续办。")
    assert walk.told("suspension_refused") == ["duty", "scjg-leader", "scjg-liaison"]
    whistle.refresh_from_db()
    assert whistle.state == "signing"
    with pytest.raises(WrongState, match=r"甘霖镇·镇街领导已于 .* 未批准挂账"):
        suspensions.approve(suspension, by=cast.leader)


def test_no_verb_of_the_department_works_meanwhile(cast: Cast) -> None:
    whistle = whistle_at(cast)
    suspended(cast, whistle)
    lead = walk.part(whistle, cast.scjg)
    by = cast.scjg_liaison
    verbs = (may.can_sign, may.can_assign, may.can_arrive, may.can_report_back, may.can_claim, may.can_ask_extension)
    assert not any(can(by, lead) for can in verbs)
    assert may.can_remark(by, lead)
    assert may.can_withdraw(cast.duty, whistle)
    assert may.can_resume(cast.duty, whistle)
    with pytest.raises(WrongState):
        walk.report(cast, lead, seen_state="arrived")
    with pytest.raises(Refused):
        dispatches.report_interim(lead, by=by, request_id=uuid4(), measures="在查")
    dispatches.remark(lead, by=by, request_id=uuid4(), text="批复还没有到。")
    assert walk.told("remark_written") == ["duty"]


def test_an_extension_that_waits_may_be_granted_meanwhile(cast: Cast) -> None:
    whistle = whistle_at(cast)
    with time_machine.travel(at("2026-11-24 11:00"), tick=False):
        lead = walk.part(whistle, cast.scjg)
        extension = extensions.ask(lead, by=cast.scjg_liaison, request_id=uuid4(), reason="等检测。")
    suspended(cast, whistle)
    with time_machine.travel(at("2026-11-26 10:00"), tick=False):
        extensions.grant(Extension.objects.get(pk=extension.pk), by=cast.duty)
    whistle.refresh_from_db()
    assert (whistle.state, whistle.next_due) == ("suspended", at("2026-12-18 23:59:59"))
    assert walk.part(whistle, cast.scjg).next_due is None
    resumed(whistle, cast.duty, "2026-11-26 14:00")  # 25 November lay wholly in the pause
    assert walk.part(whistle, cast.scjg).finish_due == at("2026-12-10 23:59:59")


# --- going on -------------------------------------------------------------------------------------------------------
def test_resume_counts_on_where_it_stood(cast: Cast) -> None:
    """Seven workdays from 24 November; 25, 26 and 27 November lie wholly in the pause."""
    whistle = whistle_at(cast)
    suspended(cast, whistle)
    resumed(whistle, cast.duty, "2026-11-30 09:00")
    whistle.refresh_from_db()
    lead, helper = whistle.dispatches.order_by("id")
    assert (lead.state, lead.suspended_from, lead.next_due) == ("arrived", "", at("2026-12-08 23:59:59"))
    assert whistle.finish_due == lead.finish_due
    # of the helper's 240 working minutes 84 were used up before the pause, less the lunch hours; the rest from 09:00 on
    assert (helper.state, helper.next_due) == ("sent", at("2026-11-30 11:36"))
    assert (whistle.state, whistle.next_due, whistle.resume_due) == ("signing", helper.next_due, None)
    assert lead.alarm_at is not None
    assert lead.alarm_at > NOW


def test_resume_tells_everybody_with_the_clock_that_runs(cast: Cast) -> None:
    whistle = whistle_at(cast)
    suspended(cast, whistle)
    resumed(whistle, cast.duty, "2026-11-30 09:00")
    assert walk.told("whistle_resumed") == ["duty", "scjg-liaison", "zrzy-liaison"]
    entry = Entry.objects.about(whistle).last()
    assert entry is not None
    assert (entry.verb, entry.from_state, entry.to_state) == ("whistle_resumed", "suspended", "signing")
    assert entry.what == "恢复办理，各期限顺延"


def test_resume_of_a_rework_goes_on_with_its_own_limit(cast: Cast) -> None:
    with time_machine.travel(NOW, tick=False):
        whistle = walk.ready(cast, helpers=[])
        walk.reworked(cast, walk.part(whistle, cast.scjg))  # four workdays: until 30 November
    whistle.refresh_from_db()
    suspended(cast, whistle, "2026-11-24 14:00")
    resumed(whistle, cast.duty, "2026-11-27 09:00")
    lead = walk.part(whistle, cast.scjg)
    assert (lead.state, lead.next_due) == ("rework", at("2026-12-02 23:59:59"))
    assert lead.rework_due == lead.next_due


def test_resume_twice_is_told_who_was_faster(cast: Cast) -> None:
    whistle = whistle_at(cast)
    suspended(cast, whistle)
    stale = Whistle.objects.get(pk=whistle.pk)
    resumed(whistle, cast.duty, "2026-11-30 09:00")
    with pytest.raises(WrongState, match=r"甘霖镇·指挥室值班员已于 11-30 09:00 恢复办理"):
        resumed(stale, cast.leader, "2026-11-30 09:01")


@pytest.mark.parametrize(
    ("when", "count"), [("2026-12-18 23:59:59.5", 0), ("2026-12-19 00:00:00", 1), ("2026-12-21 07:00:00", 1)]
)
def test_resume_by_itself_when_its_day_is_over(cast: Cast, when: str, count: int) -> None:
    whistle = whistle_at(cast)
    suspended(cast, whistle)
    assert suspensions.resume_due_ones(at(when)) == count
    assert suspensions.resume_due_ones(at(when)) == 0
    whistle.refresh_from_db()
    assert (whistle.state == "suspended") == (count == 0)
    if count:
        entry = Entry.objects.about(whistle).last()
        assert entry is not None
        assert (entry.by_office, entry.what) == ("系统", "挂账到期，自动恢复办理，各期限顺延")
        assert Suspension.objects.get().ended_by is None


def test_the_whole_last_day_lies_in_the_pause(cast: Cast) -> None:
    """18 November is a workday and counts for nobody: the clocks go on after midnight."""
    whistle = whistle_at(cast)
    suspended(cast, whistle)
    with time_machine.travel(at("2026-12-19 00:00:40"), tick=False):
        resume_suspended()
    lead = walk.part(whistle, cast.scjg)
    assert lead.finish_due == at("2026-12-29 23:59:59")  # 21, 22, 23, 24, 25, 28, 29: all seven of them
    assert isinstance(lead.finish_due, datetime)


def test_a_second_suspension_counts_on(cast: Cast) -> None:
    whistle = whistle_at(cast)
    suspended(cast, whistle)
    resumed(whistle, cast.duty, "2026-11-30 09:00")
    whistle.refresh_from_db()
    suspension = asked(whistle, cast.scjg_liaison, "2026-11-30 10:00")
    with time_machine.travel(at("2026-11-30 10:30"), tick=False):
        suspensions.approve(suspension, by=cast.leader)
    whistle.refresh_from_db()
    resumed(whistle, cast.duty, "2026-12-02 09:00")  # 1 December, too
    assert walk.part(whistle, cast.scjg).finish_due == at("2026-12-09 23:59:59")


# --- permissions and facts --------------------------------------------------------------------------------------------
def test_who_may_ask_decide_and_resume(cast: Cast) -> None:
    whistle = whistle_at(cast)
    names = ("duty", "leader", "officer", "scjg_liaison", "scjg_leader", "scjg_officer", "zrzy_liaison", "changle_duty",
             "changle_leader", "zdb_officer", "auditor", "stranger")  # fmt: skip

    def those(can: Any, obj: Any) -> list[str]:
        return [name for name in names if can(getattr(cast, name), obj)]

    assert those(may.can_ask_suspension, whistle) == ["duty", "leader", "scjg_liaison", "scjg_leader"]
    assert those(may.can_decide_suspension, asked(whistle, cast.duty)) == ["leader"]
    Suspension.objects.all().delete()
    suspended(cast, whistle)
    assert those(may.can_resume, whistle) == ["duty", "leader"]
    assert those(may.can_ask_suspension, whistle) == []


@pytest.mark.parametrize(
    "facts", [{"state": "running"}, {"state": "ended", "decided_at": NOW}, {"ended_at": NOW}, {"decided_at": NOW}]
)
def test_suspension_constraints_refuse_half_a_fact(cast: Cast, facts: dict[str, Any]) -> None:
    suspension = asked(whistle_at(cast), cast.duty)
    with pytest.raises(IntegrityError), transaction.atomic():
        Suspension.objects.filter(pk=suspension.pk).update(**facts)


def test_a_whistle_is_suspended_until_a_day_or_not_at_all(cast: Cast) -> None:
    whistle = whistle_at(cast)
    for facts in ({"state": "suspended"}, {"resume_due": NOW + timedelta(days=1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Whistle.objects.filter(pk=whistle.pk).update(**facts)
