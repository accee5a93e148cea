"""Whose clock runs, and where a whistle stands: every combination of up to three departments against plain properties."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from enforcement.models import Dispatch, Whistle
from enforcement.rules.clocks import PROGRESS, Part, next_due, whistle_next_due, whistle_state

SENT = datetime(2026, 11, 24, 10, tzinfo=UTC)
SIGN, ARRIVE, REPORT, FINISH, REWORK, EVAL = (SENT + timedelta(hours=hours) for hours in (1, 2, 3, 4, 5, 6))
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
        has_interim=interim,
    )


def combinations() -> list[list[Part]]:
    """A lead and up to two helpers in every state."""
    return [
        [part(state, lead=index == 0) for index, state in enumerate(states)]
        for count in (1, 2, 3)
        for states in product(STATES, repeat=count)
    ]


@pytest.mark.parametrize(
    ("state", "lead", "helper"),
    [
        ("sent", SIGN, SIGN),
        ("signed", ARRIVE, ARRIVE),
        ("arrived", REPORT, None),
        ("rework", REWORK, REWORK),
        ("reported", None, None),
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


def test_every_state_of_a_dispatch_has_a_progress() -> None:
    assert set(PROGRESS) == set(STATES)


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
    ],
)
def test_whistle_state_lead_first(states: list[str], expected: str) -> None:
    assert whistle_state([part(state, lead=index == 0) for index, state in enumerate(states)]) == expected


def test_whistle_state_properties_hold_for_every_combination() -> None:
    order = ["signing", "signed", "handling", "reported"]
    for parts in combinations():
        state = whistle_state(parts)
        assert state in Whistle.OPEN
        assert (state == "reported") == (parts[0].state in ("reported", "closed"))
        if state != "reported":
            slowest = min(PROGRESS[p.state] for p in parts)
            assert order.index(state) == min(slowest, 2)


def test_whistle_next_due_properties_hold_for_every_combination() -> None:
    for parts in combinations():
        due = whistle_next_due(parts, EVAL)
        if whistle_state(parts) == "reported":
            assert due == EVAL
        else:
            running = [clock for p in parts if (clock := next_due(p))]
            assert due in running
            assert all(due <= clock for clock in running)
