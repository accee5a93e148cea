"""Two people at the same moment, on real PostgreSQL: exactly one gets through, the other hears what happened."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from enforcement.models import Dispatch, Extension, Report, Return, Suspension, Whistle
from enforcement.services import claim, returns, withdrawal
from enforcement.services import dispatch as dispatches
from enforcement.services import extension as extensions
from enforcement.services import suspension as suspensions
from enforcement.services import whistle as whistles
from notifications.models import Message
from records.models import Entry
from records.services import Refused, WrongState
from tests.cast import Cast
from tests.enforcement import joint, walk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("calendar_2026")]
Act = Callable[[], object]


def at_once(*acts: Act) -> list[str]:
    """Run them in threads of their own; "done" or the name of the refusal, sorted."""
    barrier, outcomes = Barrier(len(acts)), []

    def run(act: Act) -> None:
        try:
            barrier.wait(10)
            act()
            outcomes.append("done")
        except Refused as refusal:
            outcomes.append(type(refusal).__name__)
        except Exception as error:
            outcomes.append(repr(error))
        finally:
            connection.close()

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(outcomes)


def fresh(dispatch: Dispatch) -> Dispatch:
    """As each browser's request reads it for itself."""
    return walk.part(dispatch.whistle, dispatch.department)


def entries(verb: str) -> int:
    return Entry.objects.filter(verb=verb).count()


def test_two_liaisons_sign_at_once(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    acts = [
        partial(dispatches.sign, fresh(dispatch), by=by, seen_state="sent")
        for by in (cast.scjg_liaison, cast.scjg_leader)
    ]
    assert at_once(*acts) == ["WrongState", "done"]
    assert entries("dispatch_signed") == 1


def test_two_departments_sign_at_once(cast: Cast) -> None:
    """Both lock the whistle first, so neither waits for the other's row, and its stored state sees both."""
    whistle = walk.approved(cast)
    parts = [walk.part(whistle, unit) for unit in (cast.scjg, cast.zrzy)]
    acts = [partial(dispatches.sign, one, by=walk.desk(cast, one), seen_state="sent") for one in parts]
    assert at_once(*acts) == ["done", "done"]
    whistle.refresh_from_db()
    assert whistle.state == "signed"


def test_approve_twice_at_once(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    acts = [
        partial(whistles.approve, Whistle.objects.get(pk=whistle.pk), by=cast.leader, seen_state="submitted")
        for _ in range(2)
    ]
    assert at_once(*acts) == ["WrongState", "done"]
    assert (whistle.dispatches.count(), entries("whistle_approved")) == (2, 1)
    assert walk.told("dispatch_sent") == ["scjg-liaison", "zrzy-liaison"]


def test_approve_and_reject_at_once(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    first, second = (Whistle.objects.get(pk=whistle.pk) for _ in range(2))
    outcome = at_once(
        lambda: whistles.approve(first, by=cast.leader, seen_state="submitted"),
        lambda: whistles.reject(second, by=cast.leader, seen_state="submitted", reason="请补充"),
    )
    assert outcome == ["WrongState", "done"]
    whistle.refresh_from_db()
    assert (whistle.state == "rejected") != whistle.dispatches.exists()


@pytest.mark.parametrize("kind", ["routine", "emergency"])
def test_two_duty_officers_whistle_at_once(cast: Cast, kind: str) -> None:
    event = walk.event(cast)
    copies = [type(event).objects.get(pk=event.pk) for _ in range(2)]
    assert at_once(*(partial(walk.submitted, cast, kind, of=one) for one in copies)) == ["WrongState", "done"]
    assert Whistle.objects.count() == 1


def test_two_emergencies_at_once_are_both_heard(cast: Cast) -> None:
    """Of two events, for the same departments."""
    assert at_once(*(partial(walk.submitted, cast, "emergency", of=walk.event(cast)) for _ in range(2))) == ["done"] * 2
    assert walk.told("dispatch_sent") == ["scjg-liaison"] * 2 + ["zrzy-liaison"] * 2
    assert walk.told("emergency_blown") == ["leader"] * 2
    assert len(set(Whistle.objects.values_list("number", flat=True))) == 2


def test_the_second_emergency_of_an_event_is_told_who_was_faster(cast: Cast) -> None:
    event = walk.event(cast)
    stale = type(event).objects.get(pk=event.pk)
    walk.submitted(cast, "emergency", of=event)
    with pytest.raises(WrongState, match=r"指挥室值班员已于 \d\d-\d\d \d\d:\d\d 转为吹哨办理。请按现在的情况继续"):
        walk.submitted(cast, "emergency", of=stale)


def test_the_same_form_sent_twice_at_once(cast: Cast) -> None:
    dispatch = walk.arrived(cast, walk.part(walk.approved(cast), cast.scjg))
    request_id = uuid4()
    acts = [partial(walk.report, cast, fresh(dispatch), request_id=request_id, seen_state="arrived") for _ in range(2)]
    assert at_once(*acts) == ["done", "done"]
    assert (Report.objects.count(), entries("dispatch_reported")) == (1, 1)
    assert walk.told("dispatch_reported") == ["duty"]


def test_two_people_report_at_once(cast: Cast) -> None:
    dispatch = walk.arrived(cast, walk.part(walk.approved(cast), cast.scjg))
    acts = [partial(walk.report, cast, fresh(dispatch), seen_state="arrived") for _ in range(2)]
    assert at_once(*acts) == ["WrongState", "done"]
    assert Report.objects.count() == 1


def test_close_and_rework_at_once(cast: Cast) -> None:
    whistle = walk.ready(cast)
    lead = walk.part(whistle, cast.scjg)
    closing = Whistle.objects.get(pk=whistle.pk)
    outcome = at_once(
        lambda: whistles.close(closing, by=cast.duty, seen_state="reported"),
        lambda: walk.reworked(cast, lead),
    )
    assert outcome in (["Refused", "done"], ["WrongState", "done"])
    whistle.refresh_from_db()
    lead.refresh_from_db()
    assert (whistle.state, lead.state) in (("closed", "closed"), ("signing", "rework"))


def test_close_and_a_helpers_report_at_once(cast: Cast) -> None:
    whistle = walk.ready(cast)
    helper = walk.arrived(cast, walk.part(whistle, cast.zrzy))
    closing = Whistle.objects.get(pk=whistle.pk)
    outcome = at_once(
        lambda: whistles.close(closing, by=cast.duty, seen_state="reported"),
        lambda: walk.report(cast, helper, seen_state="arrived"),
    )
    assert outcome in (["done", "done"], ["WrongState", "done"])
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"closed"}


# --- a return ---------------------------------------------------------------------------------------------------------
def returned(cast: Cast, dispatch: Dispatch, *, by: Any = None, request_id: UUID | None = None) -> Return:
    said = {"ground": "unclear", "article": "", "text": "没有写是哪一家。"}
    who = by or walk.desk(cast, dispatch)
    return returns.ask(dispatch, by=who, request_id=request_id or uuid4(), seen_state="sent", **said)


def test_one_liaison_signs_while_the_other_returns(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    signing, returning = fresh(dispatch), fresh(dispatch)
    outcome = at_once(
        lambda: dispatches.sign(signing, by=cast.scjg_liaison, seen_state="sent"),
        lambda: returned(cast, returning, by=cast.scjg_leader),
    )
    assert outcome == ["WrongState", "done"]
    dispatch.refresh_from_db()
    assert (dispatch.state == "arbitration") == Return.objects.exists()
    assert dispatch.state in ("signed", "arbitration")


def test_the_same_return_sent_twice_at_once(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    form = uuid4()
    acts = [partial(returned, cast, fresh(dispatch), request_id=form) for _ in range(2)]
    assert at_once(*acts) == ["done", "done"]
    assert (Return.objects.count(), entries("return_asked")) == (1, 1)
    assert walk.told("return_submitted") == ["zdb-officer"]


def test_two_departments_return_at_once(cast: Cast) -> None:
    whistle = walk.approved(cast)
    acts = [partial(returned, cast, walk.part(whistle, unit)) for unit in (cast.scjg, cast.zrzy)]
    assert at_once(*acts) == ["done", "done"]
    assert Return.objects.count() == 2


def test_two_arbitrators_decide_at_once(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    returned(cast, fresh(dispatch))
    first, second = fresh(dispatch), fresh(dispatch)
    said = {"by": cast.zdb_officer, "seen_state": "arbitration", "decision": "职责清楚。"}
    outcome = at_once(
        lambda: returns.reassign(first, to_unit=cast.zfj, **said),
        lambda: returns.uphold(second, **said),
    )
    assert outcome == ["WrongState", "done"]
    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.whistle.dispatches.count()) in (("returned", 3), ("signed", 2))


def test_two_returned_parts_are_given_to_one_department_at_once(cast: Cast) -> None:
    """Whoever comes second finds that it is asked already; a helper it may become the lead."""
    whistle = walk.approved(cast)
    parts = [walk.part(whistle, unit) for unit in (cast.scjg, cast.zrzy)]
    for part in parts:
        returned(cast, fresh(part))
    said = {"by": cast.zdb_officer, "seen_state": "arbitration", "to_unit": cast.zfj, "decision": "职责清楚。"}
    acts = [partial(returns.reassign, fresh(part), **said) for part in parts]
    assert at_once(*acts) in (["Refused", "done"], ["done", "done"])
    assert Dispatch.objects.get(department=cast.zfj).is_lead


def test_a_helper_is_made_the_lead_while_it_signs(cast: Cast) -> None:
    whistle = walk.approved(cast)
    lead, helper = walk.part(whistle, cast.scjg), walk.part(whistle, cast.zrzy)
    returned(cast, fresh(lead))
    deciding, signing = fresh(lead), fresh(helper)
    said = {"by": cast.zdb_officer, "seen_state": "arbitration", "to_unit": cast.zrzy, "decision": "职责清楚。"}
    outcome = at_once(
        lambda: returns.reassign(deciding, **said),
        lambda: dispatches.sign(signing, by=cast.zrzy_liaison, seen_state="sent"),
    )
    assert outcome == ["done", "done"]
    helper.refresh_from_db()
    whistle.refresh_from_db()
    assert (helper.state, helper.is_lead, whistle.state) == ("signed", True, "signed")
    assert helper.next_due == helper.arrive_due


def test_the_township_closes_while_a_helpers_return_is_decided(cast: Cast) -> None:
    whistle = walk.approved(cast)
    helper = walk.part(whistle, cast.zrzy)
    returned(cast, fresh(helper))
    walk.reported(cast, walk.part(whistle, cast.scjg))
    closing, deciding = Whistle.objects.get(pk=whistle.pk), fresh(helper)
    outcome = at_once(
        lambda: whistles.close(closing, by=cast.duty, seen_state="reported"),
        lambda: returns.release(deciding, by=cast.zdb_officer, seen_state="arbitration", decision="不需要。"),
    )
    assert outcome in (["done", "done"], ["WrongState", "done"])
    helper.refresh_from_db()
    assert (helper.state, helper.returning.state) in (("returned", "released"), ("closed", "void"))


def test_claim_by_two_at_once(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    acts = [partial(claim.take, fresh(dispatch), by=by) for by in (cast.scjg_liaison, cast.scjg_leader)]
    assert at_once(*acts) == ["done", "done"]
    whats = Entry.objects.filter(verb="claimed").order_by("id").values_list("what", flat=True)
    assert list(whats) == ["认领办理", "接手办理"]


def test_a_joint_action_is_submitted_once(cast: Cast) -> None:
    request_id, when = uuid4(), {"kind": "emergency", "assemble_at": timezone.now() + timedelta(hours=1)}
    act = partial(joint.submitted, cast, request_id=request_id, **when)
    assert at_once(act, act, act) == ["done"] * 3
    assert Whistle.objects.count() == 1
    assert Message.objects.filter(kind="dispatch_sent").count() == 3


def test_a_joint_actions_four_units_sign_at_once(cast: Cast) -> None:
    """And one of them is a township."""
    whistle = joint.approved(
        cast,
        by=cast.scjg_liaison,
        units=[cast.ganlin, cast.changle, cast.zrzy, cast.zfj],
        assemble_at=timezone.now() + timedelta(days=1),
    )
    desks = {cast.ganlin: cast.duty, cast.changle: cast.changle_duty, cast.zrzy: cast.zrzy_liaison}
    acts = [
        partial(dispatches.sign, fresh(part), by=desks.get(part.department, cast.zfj_liaison), seen_state="sent")
        for part in whistle.dispatches.select_related("department").order_by("id")
    ]
    assert at_once(*acts) == ["done"] * 4
    whistle.refresh_from_db()
    assert whistle.state == "signed"


def test_no_number_is_given_twice(cast: Cast) -> None:
    events = [walk.event(cast) for _ in range(4)]
    assert at_once(*(partial(walk.submitted, cast, "emergency", of=one) for one in events)) == ["done"] * 4
    numbers = sorted(Whistle.objects.values_list("number", flat=True))
    assert [number[-4:] for number in numbers] == ["0001", "0002", "0003", "0004"]
    assert Message.objects.filter(kind="dispatch_sent").count() == 8


def test_a_refusal_says_who_and_when(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    stale = fresh(dispatch)
    walk.signed(cast, dispatch)
    with pytest.raises(WrongState, match=r"市场监管局·部门联络员已于 \d\d-\d\d \d\d:\d\d 市场监管局签收"):
        dispatches.sign(stale, by=cast.scjg_leader, seen_state="sent")


def test_leader_approves_while_the_desk_withdraws(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    first, second = (Whistle.objects.get(pk=whistle.pk) for _ in range(2))
    outcome = at_once(
        lambda: whistles.approve(first, by=cast.leader, seen_state="submitted"),
        lambda: withdrawal.withdraw(second, by=cast.duty, seen_state="submitted", reason="已自行解决"),
    )
    assert outcome == ["WrongState", "done"]
    whistle.refresh_from_db()
    assert (whistle.state == "withdrawn") != whistle.dispatches.exists()


def test_extension_is_granted_while_the_department_reports(cast: Cast) -> None:
    """Whoever is first: the finish is put off and the report is there."""
    dispatch = walk.arrived(cast, walk.part(walk.approved(cast), cast.scjg))
    extension = extensions.ask(dispatch, by=cast.scjg_liaison, request_id=uuid4(), reason="等检测")
    before, asked = dispatch.finish_due, Extension.objects.get(pk=extension.pk)
    reporting = fresh(dispatch)
    outcome = at_once(
        lambda: extensions.grant(asked, by=cast.duty), lambda: walk.report(cast, reporting, seen_state="arrived")
    )
    assert outcome == ["done", "done"]
    dispatch.refresh_from_db()
    assert dispatch.state == "reported"
    assert dispatch.finish_due is not None
    assert before is not None
    assert dispatch.finish_due > before
    whistle = Whistle.objects.get(pk=dispatch.whistle_id)
    assert (whistle.state, whistle.next_due, whistle.finish_due) == ("reported", whistle.eval_due, dispatch.finish_due)


def test_extension_is_granted_and_refused_at_once(cast: Cast) -> None:
    dispatch = walk.arrived(cast, walk.part(walk.approved(cast), cast.scjg))
    extension = extensions.ask(dispatch, by=cast.scjg_liaison, request_id=uuid4(), reason="等检测")
    first, second = (Extension.objects.get(pk=extension.pk) for _ in range(2))
    outcome = at_once(
        lambda: extensions.grant(first, by=cast.duty),
        lambda: extensions.refuse(second, by=cast.leader, decision="不行"),
    )
    assert outcome == ["WrongState", "done"]
    assert entries("extension_granted") + entries("extension_refused") == 1


def test_suspension_is_approved_while_a_department_signs(cast: Cast) -> None:
    """Signed first, it waits as signed; suspended first, nobody signs."""
    whistle = walk.approved(cast)
    suspension = suspended(cast, whistle, approved=False)
    dispatch = walk.part(whistle, cast.scjg)
    outcome = at_once(
        lambda: suspensions.approve(suspension, by=cast.leader),
        lambda: dispatches.sign(dispatch, by=cast.scjg_liaison, seen_state="sent"),
    )
    assert outcome in (["done", "done"], ["WrongState", "done"])
    dispatch.refresh_from_db()
    assert dispatch.state == "suspended"
    assert dispatch.suspended_from == ("signed" if outcome == ["done", "done"] else "sent")


def test_resumed_by_the_desk_and_by_itself_at_once(cast: Cast) -> None:
    whistle = walk.approved(cast)
    suspension = suspended(cast, whistle, approved=True)
    mine = Whistle.objects.get(pk=whistle.pk)
    later = suspension.resume_due + timedelta(minutes=1)
    outcome = at_once(
        lambda: suspensions.resume(mine, by=cast.duty), *[partial(suspensions.resume_due_ones, later) for _ in range(2)]
    )
    assert outcome in (["WrongState", "done", "done"], ["done", "done", "done"])
    assert entries("whistle_resumed") == 1
    assert Message.objects.filter(kind="whistle_resumed").count() == 3


def suspended(cast: Cast, whistle: Whistle, *, approved: bool) -> Suspension:
    words = {"reason": "works", "text": "等施工", "until": timezone.localdate() + timedelta(days=9)}
    suspension = suspensions.ask(whistle, by=cast.duty, request_id=uuid4(), **words)
    if approved:
        suspensions.approve(suspension, by=cast.leader)
    return Suspension.objects.get(pk=suspension.pk)
