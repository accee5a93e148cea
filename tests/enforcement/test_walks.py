"""Random walks over everything that is permitted, with one to four departments: what must always hold, holds."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enforcement import permissions as may
from enforcement.models import Dispatch, Whistle
from enforcement.rules.clocks import next_due, whistle_next_due, whistle_state
from enforcement.services import claim
from enforcement.services import dispatch as dispatches
from enforcement.services import whistle as whistles
from enforcement.services.clocks import part_of
from notifications.models import Message
from records.models import Entry
from records.services import Refused
from tests.cast import Cast, PostFactory
from tests.enforcement import walk
from townships.models import Role, Unit, User

pytestmark = pytest.mark.usefixtures("calendar_2026")
Act = tuple[str, str, Callable[[], object]]  # verb of the entry, kind of message or "", the act


@pytest.fixture
def fourth(cast: Cast) -> tuple[Unit, User]:
    unit = Unit.objects.get(code="yjgl")
    return unit, PostFactory(unit=unit, role=Role.LIAISON).user


def permitted(cast: Cast, whistle: Whistle, desks: dict[int, User]) -> Iterator[Act]:
    """Every act that somebody may do now, as the pages would offer it."""
    state = whistle.state
    if may.can_approve(cast.leader, whistle):
        yield "whistle_approved", "dispatch_sent", lambda: whistles.approve(whistle, by=cast.leader, seen_state=state)
    if may.can_confirm_emergency(cast.leader, whistle):
        yield "emergency_confirmed", "", lambda: whistles.confirm_emergency(whistle, by=cast.leader)
    if may.can_claim(cast.leader, whistle):
        yield "claimed", "", lambda: claim.take(whistle, by=cast.leader)
    if may.can_close(cast.duty, whistle):
        yield "whistle_closed", "event_closed", lambda: whistles.close(whistle, by=cast.duty, seen_state=state)
    for dispatch in whistle.dispatches.select_related("whistle").order_by("id"):
        yield from permitted_on(cast, dispatch, desks[dispatch.department_id])


def permitted_on(cast: Cast, dispatch: Dispatch, by: User) -> Iterator[Act]:
    seen: dict[str, Any] = {"by": by, "seen_state": dispatch.state}
    made: dict[str, Any] = {"by": by, "request_id": uuid4()}
    if may.can_sign(by, dispatch):
        yield "dispatch_signed", "", lambda: dispatches.sign(dispatch, **seen)
    if may.can_assign(by, dispatch):
        who: dict[str, Any] = {"by": by, "assigned_unit": None, "assigned_officer": by}
        yield "dispatch_assigned", "dispatch_assigned", lambda: dispatches.assign(dispatch, **who)
    if may.can_arrive(by, dispatch):
        came: dict[str, Any] = {"officers": [by], "uses_power": False}
        yield "dispatch_arrived", "dispatch_arrived", lambda: dispatches.arrive(dispatch, **seen, **came)
    if may.can_report_back(by, dispatch):
        yield "dispatch_interim", "", lambda: dispatches.report_interim(dispatch, **made, measures="在查")
        final: dict[str, Any] = {"request_id": uuid4(), "result": "solved", "measures": "已查"}
        yield "dispatch_reported", "dispatch_reported", lambda: dispatches.report_back(dispatch, **seen, **final)
    if may.can_remark(by, dispatch):
        yield "dispatch_remarked", "remark_written", lambda: dispatches.remark(dispatch, **made, text="到了")
    if may.can_rework(cast.duty, dispatch):
        again: dict[str, Any] = {"by": cast.duty, "seen_state": dispatch.state, "reason": "请再去"}
        yield "dispatch_rework", "rework_asked", lambda: whistles.rework(dispatch, **again)


def check(whistle: Whistle) -> None:
    """What is stored equals what is computed, for the whistle and every department."""
    whistle.refresh_from_db()
    parts = [part_of(dispatch) for dispatch in whistle.dispatches.all()]
    for dispatch, part in zip(whistle.dispatches.all(), parts, strict=True):
        assert dispatch.next_due == next_due(part)
    if whistle.state in ("submitted", "closed"):
        assert whistle.next_due == (whistle.approve_due if whistle.state == "submitted" else None)
        assert not parts or {part.state for part in parts} == {"closed"}
    else:
        assert whistle.eval_due is not None
        assert whistle.state == whistle_state(parts)
        assert whistle.next_due == whistle_next_due(parts, whistle.eval_due)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_permitted_walk_keeps_the_whole_consistent(
    cast: Cast, fourth: tuple[Unit, User], data: st.DataObject
) -> None:
    unit, liaison = fourth
    desks = {cast.scjg.pk: cast.scjg_liaison, cast.zrzy.pk: cast.zrzy_liaison, cast.zfj.pk: cast.zfj_liaison}
    desks[unit.pk] = liaison
    with transaction.atomic():
        helpers = [cast.zrzy, cast.zfj, unit][: data.draw(st.integers(0, 3), label="helpers")]
        kind = data.draw(st.sampled_from(Whistle.Kind.values), label="kind")
        whistle = walk.submitted(cast, kind, helpers=helpers)
        for _ in range(data.draw(st.integers(4, 24), label="steps")):
            acts = list(permitted(cast, whistle, desks))
            if not acts:
                break
            verb, message, act = data.draw(st.sampled_from(acts), label="act")
            step(whistle, verb, message, act)
        transaction.set_rollback(True)


def step(whistle: Whistle, verb: str, message: str, act: Callable[[], object]) -> None:
    """One act: its entry is there, its message is there, and the arrow of the whistle is a drawn one; or it is refused."""
    entries, messages = Entry.objects.filter(verb=verb), Message.objects.filter(kind=message)
    before = (whistle.state, Entry.objects.count(), entries.count(), messages.count())
    try:
        act()
    except Refused:  # a rework before the lead has reported, a close while a helper reworks
        assert verb in ("dispatch_rework", "whistle_closed")
        check(whistle)
        assert Entry.objects.count() == before[1]
        return
    check(whistle)
    assert whistle.state == before[0] or whistle.state in Whistle.NEXT[before[0]]
    assert entries.count() > before[2]
    assert not message or messages.count() > before[3]
