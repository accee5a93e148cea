"""Whose clock runs, and where a whistle stands: every combination of up to three departments against plain properties."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcement.models import Dispatch, Whistle
from enforcement.rules.clocks import GONE, PROGRESS, Part, next_due, stints, whistle_next_due, whistle_state

SENT = datetime(2026, 11, 24, 10, tzinfo=UTC)
SIGN, ARRIVE, REPORT, FINISH, REWORK, EVAL, RETURN, RESUME = (SENT + timedelta(hours=n) for n in range(1, 9))
STATES = [state.value for state in Dispatch.State]


def part(state: str, *, lead: bool = True, interim: bool = False, report: bool = True) -> Part:
    return Part(
        state=state,
        is_lead=lead,
        sign_due=SIGN,
        arrive_due=ARRIVE,
        report_due=REPORT if lead and report else None,
        finish_due=FINISH if lead else None,
        rework_due=REWORK if state == "rework" else None,
        return_due=RETURN if state in ("returning", "arbitration") else None,
        has_interim=interim,
    )


def combinations() -> list[list[Part]]:
    """A lead and up to two helpers in every state; one at least, and the lead, is still asked."""
    asked = [state for state in STATES if state not in GONE]
    return [
        [part(state, lead=index == 0) for index, state in enumerate((lead, *others))]
        for count in (0, 1, 2)
        for lead in asked
        for others in product(STATES, repeat=count)
    ]


@pytest.mark.parametrize(
    ("state", "lead", "helper"),
    [
        ("sent", SIGN, SIGN),
        ("signed", ARRIVE, ARRIVE),
        ("arrived", REPORT, None),
        ("rework", REWORK, REWORK),
        ("returning", RETURN, RETURN),
        ("arbitration", RETURN, RETURN),
        ("reported", None, None),
        ("suspended", None, None),
        ("returned", None, None),
        ("withdrawn", None, None),
        ("closed", None, None),
    ],
)
def test_next_due_of_each_state(state: str, lead: datetime | None, helper: datetime | None) -> None:
    assert next_due(part(state)) == lead
    assert next_due(part(state, lead=False)) == helper


def test_next_due_after_the_interim_report_is_the_finish() -> None:
    assert next_due(part("arrived", interim=True)) == FINISH


def test_next_due_without_an_interim_limit_is_the_finish() -> None:
    assert next_due(part("arrived", report=False)) == FINISH


def test_every_state_of_a_dispatch_has_a_progress_or_is_gone_or_suspended() -> None:
    assert {*PROGRESS, *GONE, "suspended"} == set(STATES)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["sent"], "signing"),
        (["signed"], "signed"),
        (["arrived"], "handling"),
        (["rework"], "handling"),
        (["reported"], "reported"),
        (["signed", "sent"], "signing"),
        (["arrived", "signed"], "signed"),
        (["arrived", "reported"], "handling"),
        (["reported", "sent"], "reported"),
        (["reported", "rework"], "reported"),
        (["rework", "sent"], "signing"),
        (["rework", "closed"], "handling"),
        (["arbitration", "arrived"], "signing"),
        (["arrived", "returned"], "handling"),
        (["suspended", "reported"], "suspended"),
    ],
)
def test_whistle_state_lead_first(states: list[str], expected: str) -> None:
    assert whistle_state([part(state, lead=index == 0) for index, state in enumerate(states)]) == expected


def test_whistle_state_properties_hold_for_every_combination() -> None:
    order = ["signing", "signed", "handling", "reported"]
    for parts in combinations():
        state, asked = whistle_state(parts), [p for p in parts if p.state not in GONE]
        assert state in Whistle.OPEN
        assert (state == "suspended") == any(p.state == "suspended" for p in asked)
        if state != "suspended":
            assert (state == "reported") == (parts[0].state in ("reported", "closed"))
        if state not in ("reported", "suspended"):
            slowest = min(PROGRESS[p.state] for p in asked)
            assert order.index(state) == min(slowest, 2)


def test_whistle_next_due_properties_hold_for_every_combination() -> None:
    for parts in combinations():
        due = whistle_next_due(parts, EVAL, RESUME)
        if whistle_state(parts) == "suspended":
            assert due == RESUME
        elif whistle_state(parts) == "reported":
            assert due == EVAL
        else:
            running = [clock for p in parts if (clock := next_due(p))]
            assert due in running
            assert all(due <= clock for clock in running)


@given(st.lists(st.tuples(st.integers(1, 5000), st.sampled_from([s for s in STATES if s not in (*GONE, "closed")]))))
def test_stints_follow_each_other_without_a_gap(steps: list[tuple[int, str]]) -> None:
    at, walked = SENT, [(SENT, "sent")]
    for minutes, state in steps:
        at += timedelta(minutes=minutes)
        walked.append((at, state))
    end = at + timedelta(minutes=1)
    found = stints([*walked, (end, "closed")])
    assert [stint.since for stint in found[1:]] == [stint.until for stint in found[:-1]]
    assert sum(((stint.until or end) - stint.since for stint in found), timedelta()) == end - SENT
    assert all(a.hands != b.hands for a, b in pairwise(found))
    assert [stint.until for stint in stints(walked)].count(None) == 1
