"""撤哨: everything of a whistle ends at once, and its event is the desk's again."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from command_room.services import worklist
from enforcement import permissions as may
from enforcement.models import Dispatch, Extension, Suspension, Whistle
from enforcement.services import extension as extensions
from enforcement.services import suspension as suspensions
from enforcement.services import whistle as whistles
from enforcement.services import withdrawal
from enforcement.services.steps import dispatch_steps, whistle_steps
from records.models import Entry
from records.services import Refused, WrongState
from tests.cast import Cast
from tests.enforcement import walk
from townships.models import DESKS

pytestmark = pytest.mark.usefixtures("calendar_2026")
REASON = "当事人已自行清理，不用部门来了。"


def withdrawn(whistle: Whistle, by: Any) -> Whistle:
    fresh = Whistle.objects.get(pk=whistle.pk)
    withdrawal.withdraw(fresh, by=by, seen_state=fresh.state, reason=REASON)
    return Whistle.objects.get(pk=whistle.pk)


def suspended(cast: Cast) -> Whistle:
    whistle = walk.approved(cast)
    until = timezone.localdate() + timezone.timedelta(days=9)
    words = {"reason": "works", "text": "等施工。", "until": until}
    suspensions.approve(suspensions.ask(whistle, by=cast.duty, request_id=uuid4(), **words), by=cast.leader)
    return whistle


STATES = {
    "submitted": walk.submitted,
    "signing": walk.approved,
    "reported": walk.ready,
    "suspended": suspended,
}


@pytest.mark.parametrize("state", STATES)
def test_withdraw_ends_all_of_it_in_any_open_state(cast: Cast, state: str) -> None:
    before = Whistle.objects.get(pk=STATES[state](cast).pk)
    assert before.state == state
    whistle = withdrawn(before, cast.duty)
    assert (whistle.state, whistle.withdrawal, whistle.withdrawn_by) == ("withdrawn", REASON, cast.duty)
    assert (whistle.next_due, whistle.alarm_at, whistle.resume_due) == (None, None, None)
    for part in whistle.dispatches.all():
        assert (part.state, part.next_due, part.alarm_at, part.suspended_from) == ("withdrawn", None, None, "")
    event = whistle.event
    assert event is not None
    assert (event.state, event.next_due) == ("verified", event.accept_due)
    assert Entry.objects.about(event).last().what == "已撤哨，回到已核实"  # type: ignore[union-attr]


def test_withdraw_tells_the_departments_and_no_leader_who_had_said_yes(cast: Cast) -> None:
    withdrawn(walk.approved(cast), cast.duty)
    assert walk.told("whistle_withdrawn") == ["scjg-liaison", "zrzy-liaison"]
    assert not any("清理" in entry.what for entry in Entry.objects.filter(verb="whistle_withdrawn"))


def test_withdraw_before_the_approval_tells_the_leader(cast: Cast) -> None:
    withdrawn(walk.submitted(cast), cast.duty)
    assert walk.told("whistle_withdrawn") == ["leader"]


def test_an_emergency_that_is_withdrawn_needs_no_confirmation(cast: Cast) -> None:
    whistle = walk.submitted(cast, "emergency")
    assert whistle.awaits_confirmation
    whistle = withdrawn(whistle, cast.duty)
    assert not whistle.awaits_confirmation
    assert not may.can_confirm_emergency(cast.leader, whistle)
    assert walk.told("whistle_withdrawn") == ["leader", "scjg-liaison", "zrzy-liaison"]
    assert [act.number for act in worklist.acts(cast.leader, timezone.now())] == []
    steps = whistle_steps(whistle, list(whistle.dispatches.order_by("id")))
    assert "已事后确认" not in " ".join(step.note for step in steps)
    with pytest.raises(Refused):
        whistles.confirm_emergency(whistle, by=cast.leader)


def test_withdraw_ends_what_waits_for_an_answer(cast: Cast) -> None:
    whistle = walk.approved(cast)
    lead = walk.arrived(cast, walk.part(whistle, cast.scjg))
    extensions.ask(lead, by=cast.scjg_liaison, request_id=uuid4(), reason="等检测。")
    until = timezone.localdate() + timezone.timedelta(days=9)
    whistle.refresh_from_db()
    suspensions.ask(whistle, by=cast.duty, request_id=uuid4(), reason="works", text="等施工。", until=until)
    withdrawn(whistle, cast.duty)
    assert (Extension.objects.get().state, Suspension.objects.get().state) == ("void", "void")


def test_withdraw_ends_a_suspension(cast: Cast) -> None:
    withdrawn(suspended(cast), cast.duty)
    suspension = Suspension.objects.get()
    assert suspension.state == "ended"
    assert suspensions.resume_due_ones(suspension.resume_due + timezone.timedelta(days=1)) == 0


def test_withdraw_twice_is_told_who_was_faster(cast: Cast) -> None:
    whistle = walk.approved(cast)
    withdrawn(whistle, cast.duty)
    with pytest.raises(WrongState, match=r"甘霖镇·指挥室值班员已于 .* 撤哨，各部门不用再办"):
        withdrawal.withdraw(whistle, by=cast.leader, seen_state="signing", reason=REASON)


def test_withdraw_of_another_state_than_the_one_seen_is_refused(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    stale = Whistle.objects.get(pk=whistle.pk)
    whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    with pytest.raises(WrongState, match="批准吹哨"):
        withdrawal.withdraw(stale, by=cast.duty, seen_state="submitted", reason=REASON)
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"sent"}


def test_the_event_may_be_whistled_for_again(cast: Cast) -> None:
    whistle = withdrawn(walk.approved(cast), cast.duty)
    assert whistle.event is not None
    second = walk.submitted(cast, of=whistle.event)
    assert (second.state, Whistle.objects.count()) == ("submitted", 2)


def test_who_may_withdraw(cast: Cast) -> None:
    whistle = walk.approved(cast)
    allowed = {
        name
        for name in vars(cast)
        if getattr(getattr(cast, name), "username", "") and may.can_withdraw(getattr(cast, name), whistle)
    }
    assert allowed == {"duty", "leader"}
    assert all(getattr(cast, name).acting.role in DESKS for name in allowed)
    assert not may.can_withdraw(cast.duty, withdrawn(whistle, cast.duty))


def test_steps_end_with_the_withdrawal(cast: Cast) -> None:
    whistle = walk.approved(cast)
    walk.signed(cast, walk.part(whistle, cast.scjg))
    whistle = withdrawn(whistle, cast.duty)
    parts = list(whistle.dispatches.select_related("whistle__by_unit", "event", "by_unit").order_by("id"))
    names = [step.name for step in whistle_steps(whistle, parts)]
    assert names == ["提交", "镇领导审核", "撤哨"]
    assert [step.name for step in dispatch_steps(parts[0])] == ["上报", "吹哨", "签收", "撤哨"]
    assert dispatch_steps(parts[0])[-1].note == REASON
