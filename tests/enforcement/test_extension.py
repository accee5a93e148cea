"""延期: who may ask when, what an answer moves, and that a late answer takes nothing from who asked in time."""

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction

from enforcement import permissions as may
from enforcement.models import Dispatch, Extension, Whistle
from enforcement.rules.extension import Standing, most, refusal
from enforcement.services import extension as extensions
from enforcement.services import whistle as whistles
from records.models import Entry
from records.services import Refused, UsedForm, WrongState
from tests.cast import Cast
from tests.enforcement import walk
from tests.enforcement.walk import at
from townships.worktime import Due

NOW = at("2026-11-24 10:36")
REASON = "检测结果下周才出。"


def lead(cast: Cast, kind: str = "routine") -> Dispatch:
    """On site since the morning of 24 November."""
    with time_machine.travel(NOW, tick=False):
        return walk.arrived(cast, walk.part(walk.approved(cast, kind), cast.scjg))


def asked(dispatch: Dispatch, by: Any, when: str = "2026-11-24 11:00", **over: Any) -> Extension:
    with time_machine.travel(at(when), tick=False):
        return extensions.ask(dispatch, by=by, **{"request_id": uuid4(), "reason": REASON, **over})


def answered(extension: Extension, by: Any, when: str = "2026-11-24 12:00") -> None:
    with time_machine.travel(at(when), tick=False):
        extensions.grant(Extension.objects.get(pk=extension.pk), by=by)


# --- the rule -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", Whistle.Kind.values)
def test_refusal_every_combination(kind: str) -> None:
    due = NOW.replace(tzinfo=None)
    moments = (due - timedelta(minutes=1), due, due + timedelta(seconds=1))
    for asked_before, is_open, is_reworked, now in product(range(4), (False, True), (False, True), moments):
        sentence = refusal(Standing(kind, due, asked_before, is_open, is_reworked), now)
        may_ask = now <= due and not is_open and not is_reworked and asked_before < (2 if kind == "campaign" else 1)
        assert (sentence == "") == may_ask
        assert may_ask or sentence.endswith("。")


def test_refusal_after_the_last_says_how_often() -> None:
    due = NOW.replace(tzinfo=None)
    assert "攻坚哨最多申请延期 2 次" in refusal(Standing("campaign", due, 2, False, False), due)
    assert most("routine") == 1


# --- asking ---------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("calendar_2026")
def test_ask_tells_the_desk_and_moves_nothing(cast: Cast) -> None:
    dispatch = lead(cast)
    extension = asked(dispatch, cast.scjg_liaison)
    assert (extension.turn, extension.unit, extension.amount) == (1, "work_days", 4)
    dispatch.refresh_from_db()
    assert dispatch.finish_due == at("2026-12-03 23:59:59")
    assert walk.told("extension_asked") == ["duty"]
    entry = Entry.objects.filter(verb="extension_asked").get()
    assert entry.what == "市场监管局申请延期 4 个工作日，等指挥室答复"
    assert REASON not in entry.what


@pytest.mark.usefixtures("calendar_2026")
def test_ask_marks_the_whistle_as_changed(cast: Cast) -> None:
    dispatch = lead(cast)
    before = Whistle.objects.get(pk=dispatch.whistle_id).changed_at
    asked(dispatch, cast.scjg_liaison)
    assert Whistle.objects.get(pk=dispatch.whistle_id).changed_at > before


@pytest.mark.usefixtures("calendar_2026")
def test_ask_twice_with_one_form_is_once(cast: Cast) -> None:
    dispatch, form = lead(cast), uuid4()
    first = asked(dispatch, cast.scjg_liaison, request_id=form)
    assert asked(dispatch, cast.scjg_liaison, request_id=form) == first
    with pytest.raises(UsedForm):
        asked(dispatch, cast.scjg_liaison, request_id=form, reason="别的理由。")
    assert walk.told("extension_asked") == ["duty"]


@pytest.mark.usefixtures("calendar_2026")
def test_ask_while_one_waits_is_refused(cast: Cast) -> None:
    dispatch = lead(cast)
    asked(dispatch, cast.scjg_liaison)
    with pytest.raises(Refused, match="等答复"):
        asked(dispatch, cast.scjg_liaison)


@pytest.mark.usefixtures("calendar_2026")
def test_ask_in_the_last_second_passes_and_a_second_later_is_refused(cast: Cast) -> None:
    dispatch = lead(cast)
    with pytest.raises(Refused, match="办结期限已过"):
        asked(dispatch, cast.scjg_liaison, "2026-12-04 00:00:00")
    assert asked(dispatch, cast.scjg_liaison, "2026-12-03 23:59:59").pk


@pytest.mark.usefixtures("calendar_2026")
def test_ask_before_signing_is_refused(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    assert not may.can_ask_extension(cast.scjg_liaison, dispatch)
    with pytest.raises(WrongState):
        asked(dispatch, cast.scjg_liaison)


@pytest.mark.usefixtures("calendar_2026")
def test_ask_in_a_rework_is_refused(cast: Cast) -> None:
    dispatch = walk.reworked(cast, walk.part(walk.ready(cast), cast.scjg))
    assert not may.can_ask_extension(cast.scjg_liaison, dispatch)
    with pytest.raises(Refused):
        extensions.ask(dispatch, by=cast.scjg_liaison, request_id=uuid4(), reason=REASON)


@pytest.mark.usefixtures("calendar_2026")
def test_a_helper_has_nothing_to_extend(cast: Cast) -> None:
    helper = walk.signed(cast, walk.part(walk.approved(cast), cast.zrzy))
    assert not may.can_ask_extension(cast.zrzy_liaison, helper)


# --- granting -------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("calendar_2026")
@pytest.mark.parametrize(
    ("kind", "due", "by", "when"),
    [
        ("routine", "2026-12-09 23:59:59", 4, "2026-11-24 12:00"),
        ("urgent", "2026-12-01 23:59:59", 2, "2026-11-24 12:00"),
        ("emergency", "2026-11-25 22:36:00", 720, "2026-11-24 12:00"),
        ("campaign", "2026-12-25 23:59:59", 8, "2026-11-24 12:00"),
        ("routine", "2026-12-09 23:59:59", 4, "2026-12-08 09:00"),  # answered late: it counts from the old limit
    ],
)
def test_grant_puts_the_finish_off_by_half(cast: Cast, kind: str, due: str, by: int, when: str) -> None:
    dispatch = lead(cast, kind)
    extension = asked(dispatch, cast.scjg_liaison)
    assert extension.amount == by
    outlook = extensions.outlook(cast.duty, walk.part(dispatch.whistle, cast.scjg), NOW)
    assert outlook.after == Due(at(due), provisional=False)
    answered(extension, cast.duty, when)
    dispatch.refresh_from_db()
    assert dispatch.finish_due == at(due)
    assert dispatch.next_due in (dispatch.finish_due, dispatch.report_due)


@pytest.mark.usefixtures("calendar_2026")
def test_grant_puts_the_whole_and_its_evaluation_off(cast: Cast) -> None:
    dispatch = lead(cast)
    answered(asked(dispatch, cast.scjg_liaison), cast.duty)
    whistle = Whistle.objects.get(pk=dispatch.whistle_id)
    assert whistle.finish_due == at("2026-12-09 23:59:59")
    assert whistle.eval_due == at("2026-12-14 23:59:59")
    assert walk.told("extension_granted") == ["scjg-liaison"]
    entry = Entry.objects.filter(verb="extension_granted").get()
    assert entry.what == "同意市场监管局延期 4 个工作日，办结期限 12 月 3 日 23:59 → 12 月 9 日 23:59"


@pytest.mark.usefixtures("calendar_2026")
def test_a_campaign_may_ask_twice_and_the_guidance_office_answers_the_second(cast: Cast) -> None:
    dispatch = lead(cast, "campaign")
    answered(asked(dispatch, cast.scjg_liaison), cast.duty)
    second = asked(dispatch, cast.scjg_liaison, "2026-12-20 10:00")
    assert second.turn == 2
    assert not may.can_answer_extension(cast.duty, second)
    assert may.can_answer_extension(cast.zdb_officer, second)
    assert walk.told("extension_asked") == ["duty", "zdb-officer"]
    answered(second, cast.zdb_officer, "2026-12-21 09:00")
    dispatch.refresh_from_db()
    assert (dispatch.finish_due, dispatch.provisional) == (at("2027-01-06 23:59:59"), ["finish_due"])  # 2027 is guessed
    with pytest.raises(Refused, match="攻坚哨最多申请延期 2 次"):
        asked(dispatch, cast.scjg_liaison, "2026-12-21 10:00")


@pytest.mark.usefixtures("calendar_2026")
def test_a_routine_one_may_ask_once_even_after_a_refusal(cast: Cast) -> None:
    dispatch = lead(cast)
    extension = asked(dispatch, cast.scjg_liaison)
    with time_machine.travel(at("2026-11-24 12:00"), tick=False):
        extensions.refuse(extension, by=cast.duty, decision="本周内能办完。")
    dispatch.refresh_from_db()
    assert dispatch.finish_due == at("2026-12-03 23:59:59")
    assert walk.told("extension_refused") == ["scjg-liaison"]
    with pytest.raises(Refused, match="最多申请延期 1 次"):
        asked(dispatch, cast.scjg_liaison, "2026-11-25 09:00")


@pytest.mark.usefixtures("calendar_2026")
def test_answer_twice_is_told_who_was_faster(cast: Cast) -> None:
    extension = asked(lead(cast), cast.scjg_liaison)
    stale = Extension.objects.get(pk=extension.pk)
    answered(extension, cast.duty)
    with pytest.raises(WrongState, match="甘霖镇·指挥室值班员已于 11-24 12:00 同意市场监管局延期"):
        extensions.refuse(stale, by=cast.leader, decision="不行。")
    assert Extension.objects.get().state == "granted"


@pytest.mark.usefixtures("calendar_2026")
def test_grant_after_the_report_takes_the_lateness_back(cast: Cast) -> None:
    """Asked in time, reported after the old limit, answered later still: it was not late."""
    dispatch = lead(cast)
    extension = asked(dispatch, cast.scjg_liaison, "2026-12-03 10:00")
    with time_machine.travel(at("2026-12-04 09:00"), tick=False):
        report = walk.report(cast, dispatch)
    assert report.is_late
    answered(extension, cast.duty, "2026-12-04 10:00")
    report.refresh_from_db()
    dispatch.refresh_from_db()
    assert not report.is_late
    assert (dispatch.state, dispatch.finish_due, dispatch.next_due) == ("reported", at("2026-12-09 23:59:59"), None)


@pytest.mark.usefixtures("calendar_2026")
def test_grant_leaves_a_report_late_that_came_after_the_new_limit_too(cast: Cast) -> None:
    dispatch = lead(cast)
    extension = asked(dispatch, cast.scjg_liaison, "2026-12-03 10:00")
    with time_machine.travel(at("2026-12-10 09:00"), tick=False):
        report = walk.report(cast, dispatch)
    answered(extension, cast.duty, "2026-12-10 10:00")
    report.refresh_from_db()
    assert report.is_late


@pytest.mark.usefixtures("calendar_2026")
def test_close_ends_what_was_not_answered(cast: Cast) -> None:
    dispatch = lead(cast)
    extension = asked(dispatch, cast.scjg_liaison)
    walk.report(cast, dispatch)
    whistle = Whistle.objects.get(pk=dispatch.whistle_id)
    whistles.close(whistle, by=cast.duty, seen_state="reported")
    extension.refresh_from_db()
    assert extension.state == "void"
    with pytest.raises(WrongState):
        extensions.grant(extension, by=cast.duty)


# --- permissions and facts --------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("calendar_2026")
def test_who_may_ask_and_who_answers(cast: Cast) -> None:
    dispatch = lead(cast)
    people = {name: getattr(cast, name) for name in ("duty", "leader", "scjg_liaison", "scjg_leader", "zrzy_liaison",
                                                     "changle_duty", "zdb_officer", "auditor", "stranger")}  # fmt: skip
    assert [name for name, user in people.items() if may.can_ask_extension(user, dispatch)] == [
        "scjg_liaison",
        "scjg_leader",
    ]
    extension = asked(dispatch, cast.scjg_liaison)
    assert [name for name, user in people.items() if may.can_answer_extension(user, extension)] == ["duty", "leader"]


@pytest.mark.usefixtures("calendar_2026")
def test_whoever_is_assigned_may_ask(cast: Cast) -> None:
    dispatch = lead(cast)
    assert not may.can_ask_extension(cast.scjg_officer, dispatch)
    dispatch.assigned_officer = cast.scjg_officer
    assert may.can_ask_extension(cast.scjg_officer, dispatch)


@pytest.mark.usefixtures("calendar_2026")
@pytest.mark.parametrize("facts", [{"state": "granted"}, {"turn": 3}, {"amount": 0}, {"decided_at": NOW}])
def test_extension_constraints_refuse_half_a_fact(cast: Cast, facts: dict[str, Any]) -> None:
    extension = asked(lead(cast), cast.scjg_liaison)
    with pytest.raises(IntegrityError), transaction.atomic():
        Extension.objects.filter(pk=extension.pk).update(**facts)
