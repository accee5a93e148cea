"""Pause, extension and resumption lose no minute and double none: counted by hand, for every unit, over random courses."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enforcement.models import Dispatch, Extension, Suspension, Whistle
from enforcement.rules.deadlines import SHIPPED_EVAL, SHIPPED_LIMITS, Kind, Step, WhistleLimits
from enforcement.rules.deadlines import whistle_dues_or_provisional as count
from enforcement.services import dispatch as dispatches
from enforcement.services import extension as extensions
from enforcement.services import suspension as suspensions
from enforcement.services import withdrawal
from records.services import Refused
from tests.cast import Cast
from tests.enforcement import walk
from townships.rules.worktime import Span, Unit
from townships.worktime import shipped_calendar, to_aware, to_local

CAL = shipped_calendar()
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
HOURS = ((time(8, 30), time(12)), (time(14), time(17, 30)))
moments = st.datetimes(datetime(2025, 1, 2), datetime(2025, 9, 30)).map(lambda at: at.replace(microsecond=0))  # noqa: DTZ001


# --- counted by hand --------------------------------------------------------------------------------------------------
def overlap(a: Span, b: Span) -> timedelta:
    return max(timedelta(), min(a[1], b[1]) - max(a[0], b[0]))


def standing(span: Span, pauses: Sequence[Span]) -> timedelta:
    """How much of a span lies in the pauses, which are disjoint."""
    return sum((overlap(span, pause) for pause in pauses), timedelta())


def days(since: date, until: date) -> list[date]:
    """After the first, up to the second."""
    return [since + DAY * n for n in range(1, (until - since).days + 1)]


def used(unit: str, start: datetime, due: datetime, pauses: Sequence[Span]) -> float:
    """How much of `unit` was used up from `start` to `due`."""
    if unit == Unit.CONTINUOUS_MINUTES:
        return (due - start - standing((start, due), pauses)) / MINUTE
    if unit == Unit.WORK_MINUTES:
        total = timedelta()
        for day in [start.date(), *days(start.date(), due.date())]:
            for opens, closes in HOURS if CAL.is_workday(day) else ():
                window = (max(start, datetime.combine(day, opens)), min(due, datetime.combine(day, closes)))
                if window[0] < window[1]:
                    total += window[1] - window[0] - standing(window, pauses)
        return total / MINUTE
    whole = [
        day
        for day in days(start.date(), due.date())
        if CAL.is_workday(day)
        and standing((datetime.combine(day, time()), datetime.combine(day, time()) + DAY), pauses) < DAY
    ]
    return len(whole)


@st.composite
def pauses_after(draw: Any, start: datetime) -> list[Span]:
    """Up to five, disjoint and in order; some begin before, some touch midnight or each other."""
    found, at = [], start - timedelta(hours=draw(st.integers(0, 30)))
    for _ in range(draw(st.integers(0, 5))):
        at += timedelta(minutes=draw(st.integers(0, 5000)))
        if draw(st.booleans()):
            at = datetime.combine(at.date() + DAY, time())
        until = at + timedelta(minutes=draw(st.integers(1, 9000)))
        found.append((at, until))
        at = until
    return found


# --- the rules --------------------------------------------------------------------------------------------------------
steps = st.one_of(
    st.builds(Step, st.just(Unit.CONTINUOUS_MINUTES.value), st.integers(1, 5000)),
    st.builds(Step, st.just(Unit.WORK_MINUTES.value), st.integers(1, 3000)),
    st.builds(Step, st.just(Unit.WORK_DAYS.value), st.integers(1, 15)),
)


@settings(max_examples=300, deadline=None)
@given(st.data(), moments, steps, steps)
def test_every_clock_uses_up_its_limit_and_no_more(
    data: st.DataObject, start: datetime, sign: Step, finish: Step
) -> None:
    pauses = data.draw(pauses_after(start))
    half = Step(finish.unit, (finish.amount + 1) // 2)
    granted = [half] * data.draw(st.integers(0, 2))
    limits = WhistleLimits(sign=sign, arrive=finish, report=sign, finish=finish)
    dues, guessed = count(Kind.ROUTINE, start, limits, SHIPPED_EVAL, CAL, granted=granted, paused=pauses)
    assert not guessed
    assert used(sign.unit, start, dues.sign_due, pauses) == sign.amount
    assert used(finish.unit, start, dues.finish_due, pauses) == finish.amount + half.amount * len(granted)
    assert used(SHIPPED_EVAL.unit, dues.finish_due, dues.eval_due, pauses) == SHIPPED_EVAL.amount
    assert dues.report_due == dues.sign_due


@settings(max_examples=200, deadline=None)
@given(st.data(), moments, steps)
def test_no_clock_ends_while_it_stands_still(data: st.DataObject, start: datetime, finish: Step) -> None:
    """It may end as a pause begins: what is left then is nothing."""
    pauses = data.draw(pauses_after(start))
    limits = WhistleLimits(sign=finish, arrive=finish, report=None, finish=finish)
    dues, _ = count(Kind.ROUTINE, start, limits, SHIPPED_EVAL, CAL, paused=pauses)
    if finish.unit != Unit.WORK_DAYS:  # a day that stood still in part counts whole
        assert not any(begins < dues.finish_due < ends for begins, ends in pauses)


# --- the whole course, in the database ----------------------------------------------------------------------------------
def spans(whistle: Whistle) -> list[Span]:
    rows = Suspension.objects.filter(whistle=whistle, state="ended").order_by("decided_at")
    return [(to_local(row.decided_at), to_local(row.ended_at)) for row in rows if row.decided_at and row.ended_at]


def check(whistle: Whistle) -> None:
    """Each stored due time of the open dispatches, counted by hand from the moments, extensions and pauses."""
    whistle.refresh_from_db()
    limits, pauses = SHIPPED_LIMITS[whistle.kind], spans(whistle)
    for dispatch in whistle.dispatches.all():
        sent = to_local(dispatch.sent_at)
        for name, step in (("sign_due", limits.sign), ("arrive_due", limits.arrive), ("report_due", limits.report)):
            due = getattr(dispatch, name)
            if due is not None:
                assert step is not None
                assert used(step.unit, sent, to_local(due), pauses) == step.amount, name
        if dispatch.is_lead:
            granted = Extension.objects.filter(dispatch=dispatch, state="granted").values_list("amount", flat=True)
            assert dispatch.finish_due is not None
            wanted = limits.finish.amount + sum(granted)
            assert used(limits.finish.unit, sent, to_local(dispatch.finish_due), pauses) == wanted
            assert whistle.finish_due == dispatch.finish_due
        is_still = whistle.state == "suspended"
        assert (dispatch.next_due is None) == (is_still or (dispatch.state == "arrived" and not dispatch.is_lead))
    assert (whistle.next_due == whistle.resume_due) == (whistle.state == "suspended")


def act(cast: Cast, whistle: Whistle, verb: str, at: datetime) -> None:
    """One act, if it may be done now."""
    lead = walk.part(whistle, cast.scjg)
    if verb == "suspend":
        until = to_local(at).date() + timedelta(days=6)
        words = {"reason": "works", "text": "等施工。", "until": until}
        suspension = suspensions.ask(whistle, by=cast.duty, request_id=uuid4(), **words)
        suspensions.approve(suspension, by=cast.leader)
    elif verb == "resume":
        suspensions.resume(whistle, by=cast.duty)
    elif verb == "extend":
        extensions.grant(extensions.ask(lead, by=cast.scjg_liaison, request_id=uuid4(), reason="等。"), by=cast.duty)
    elif verb == "sign":
        walk.signed(cast, lead)
    elif verb == "arrive":
        came: dict[str, Any] = {"officers": [cast.scjg_officer], "uses_power": True}
        dispatches.arrive(lead, by=cast.scjg_liaison, seen_state="signed", **came)


VERBS = ("suspend", "suspend", "resume", "resume", "extend", "sign", "arrive", "wait")


@pytest.mark.usefixtures("calendar_2026")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_random_course_loses_and_doubles_no_minute(cast: Cast, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(Whistle.Kind.values), label="kind")
    at = to_aware(data.draw(moments, label="start").replace(year=2026))
    with transaction.atomic():
        with time_machine.travel(at, tick=False):
            whistle = walk.approved(cast, kind)
        for verb in data.draw(st.lists(st.sampled_from(VERBS), max_size=10), label="verbs"):
            at += timedelta(minutes=data.draw(st.integers(0, 9000), label="later"))
            with time_machine.travel(at, tick=False):
                suspensions.resume_due_ones()  # as each minute
                whistle.refresh_from_db()
                before = list(Dispatch.objects.values("state", "finish_due", "sign_due"))
                try:
                    act(cast, whistle, verb, at)
                except Refused:
                    assert list(Dispatch.objects.values("state", "finish_due", "sign_due")) == before
            check(whistle)
        if whistle.is_open:
            withdrawal.withdraw(whistle, by=cast.duty, seen_state=whistle.state, reason="完")
        transaction.set_rollback(True)
