from dataclasses import FrozenInstanceError, fields
from datetime import datetime

import pytest
from pytest_django import Settings

from notifications import kinds
from notifications.kinds import KINDS, Kind
from notifications.transports import mail
from notifications.transports.letter import Letter

ALLOWED = {"number", "matter", "unit", "due", "link"}
EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def subject(kind: Kind) -> str:
    return mail.subject(Letter("", (kind,), ""))


def test_the_kinds_are_these() -> None:
    assert set(KINDS) == {
        "event_reported", "event_handed_to_squad", "event_closed", "event_dismissed",
        "whistle_submitted", "whistle_approved", "whistle_rejected", "emergency_blown",
        "dispatch_sent", "dispatch_assigned", "dispatch_arrived", "dispatch_reported", "rework_asked", "dispatch_closed",
        "return_asked", "return_declined", "return_submitted", "return_forwarded", "return_upheld", "return_granted",
        "lead_taken_over", "desk_missing",
        "check_asked", "check_answered", "appeal_asked", "appeal_decided",
        "event_merged", "event_handed_over",
        "handover_asked", "handover_accepted", "handover_refused", "handover_ended",
        "extension_asked", "extension_granted", "extension_refused",
        "suspension_asked", "suspension_refused", "whistle_suspended", "whistle_resumed", "whistle_withdrawn",
        "remark_written", "reminded", "turned_yellow", "turned_red", "shift_note_left",
        "feedback_answered",
        "provisional_due_changed", "deliveries_failed", "job_done", "job_failed",
        "many_reminded", "many_assigned", "many_handed_to_squad",
        "second_factor_set_up", "second_factor_off", "second_factor_reset",
        "administrator_added", "matters_taken_over",
    }  # fmt: skip


@EACH
def test_a_kind_holds_the_five_fields_and_nothing_else(kind: type[Kind]) -> None:
    assert {field.name for field in fields(kind)} == ALLOWED
    assert set(kind.sample().as_data()) == ALLOWED


@EACH
def test_a_kind_is_frozen_and_has_a_short_title(kind: type[Kind]) -> None:
    with pytest.raises(FrozenInstanceError):
        kind.sample().number = "x"  # type: ignore[misc]
    assert 0 < len(kind.title) <= 14
    assert kind.clock_label.endswith("期限")


@EACH
def test_the_mail_says_the_five_things(kind: type[Kind], settings: Settings) -> None:
    text = mail.body(kind("N-1", "M&M", "U<1>", "2026-11-24T16:30:00+08:00", "/x/7/"))
    assert "编号：N-1\n" in text
    assert "事项：M&M\n" in text
    assert "单位：U<1>\n" in text
    assert f"{kind.clock_label}：2026年11月24日 16:30\n" in text
    assert "http://localhost:8000/x/7/\n" in text
    assert subject(kind.sample()) == f"{kind.title} {kind.sample().number}"


@EACH
def test_the_mail_leaves_out_a_due_time_that_is_not_there(kind: type[Kind]) -> None:
    assert kind.clock_label + "：" not in mail.body(kind("N-1", "M", "U", None, "/x/7/"))


def test_a_due_time_is_shown_in_local_time() -> None:
    assert "2026年11月24日 16:30" in mail.body(kinds.DispatchSent("N", "M", "U", "2026-11-24T08:30:00+00:00", "/"))


def test_the_subject_carries_the_prefix(settings: Settings) -> None:
    settings.EMAIL_SUBJECT_PREFIX = "[演练] "
    assert subject(kinds.DispatchSent.sample()).startswith("[演练] 派单等您签收 ")


def test_a_due_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        kinds.DispatchSent("N", "M", "U", datetime(2026, 11, 24).isoformat(), "/x/")  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("link", ["https://example.invalid/x", "//example.invalid/x", "javascript:alert(1)", ""])
def test_a_link_out_of_the_portal_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match="inside the portal"):
        kinds.DispatchSent("N", "M", "U", None, link)


def test_an_unknown_kind_is_a_bare_message() -> None:
    assert kinds.restore("gone", kinds.DispatchSent.sample().as_data()).title == "消息"


@pytest.mark.parametrize("kind", [kinds.TurnedYellow, kinds.TurnedRed])
def test_a_limit_in_days_that_is_over_at_midnight_wakes_nobody(kind: type[Kind]) -> None:
    at_midnight = kind("N", "M", "U", "2026-11-24T23:59:59+08:00", "/")
    in_the_night = kind("N", "M", "U", "2026-11-24T23:10:00+08:00", "/")
    assert (at_midnight.has_clock, in_the_night.has_clock) == (False, True)
