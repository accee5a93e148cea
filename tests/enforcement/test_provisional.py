"""The last days of 2026, before the holidays of 2027 are known: nothing stops, and what was guessed is counted anew."""

from datetime import date, datetime

import pytest
import time_machine
from django.db import connection, transaction

from enforcement.models import Dispatch, Event, Limit, Whistle
from enforcement.rules.deadlines import Step
from enforcement.services import dispatch as dispatches
from enforcement.services import event as events
from enforcement.services import provisional
from enforcement.services import whistle as whistles
from enforcement.services.rating import Rating
from notifications.models import Message
from records.models import Entry
from tests.cast import Cast
from tests.command_room.rows import make_whistles
from tests.enforcement import walk
from tests.enforcement.walk import at
from townships.models import CalendarYear, Holiday

pytestmark = pytest.mark.usefixtures("calendar_2026")
NOW = at("2026-12-30 10:00")  # a Wednesday


def load_2027() -> None:
    """As the State Council might have it: the first three days of the year are off."""
    CalendarYear.objects.create(year=2027, source="test")
    Holiday.objects.bulk_create(Holiday(date=date(2027, 1, day), kind="holiday", name="元旦") for day in (1, 2, 3))
    Holiday.objects.bulk_create(Holiday(date=date(2027, 1, day), kind="holiday") for day in (4, 5))


def recomputed(*objects: Event | Whistle | Dispatch) -> list[int]:
    return [Entry.objects.about(obj).filter(verb="due_recomputed").count() for obj in objects]


def guessed() -> dict[str, int]:
    return {model.__name__: model.objects.exclude(provisional=[]).count() for model in (Event, Whistle, Dispatch)}


def whistle_dues(whistle: Whistle) -> tuple[datetime | None, datetime | None]:
    whistle.refresh_from_db()
    return whistle.finish_due, whistle.eval_due


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("kind", Whistle.Kind.values)
def test_every_verb_of_the_walk_works_without_the_year(cast: Cast, kind: str) -> None:
    event = walk.event(cast)
    events.verify(event, by=cast.duty, seen_state="reported")
    whistle = walk.submitted(cast, kind, of=event)
    if kind == Whistle.Kind.EMERGENCY:
        whistles.confirm_emergency(whistle, by=cast.leader)
    else:
        whistles.reject(whistle, by=cast.leader, seen_state="submitted", reason="请补充")
        event.refresh_from_db()
        whistle = walk.submitted(cast, kind, of=event)
        whistles.approve(whistle, by=cast.leader, seen_state="submitted")
    lead, helper = walk.part(whistle, cast.scjg), walk.part(whistle, cast.zrzy)
    dispatches.assign(helper, by=cast.zrzy_liaison, assigned_unit=cast.zrzy_station, assigned_officer=None)
    walk.reported(cast, helper)
    walk.arrived(cast, lead)
    dispatches.report_interim(lead, by=cast.scjg_liaison, request_id=event.request_id, measures="在查")
    walk.report(cast, lead)
    walk.reworked(cast, lead)
    walk.report(cast, lead)
    whistle.refresh_from_db()
    whistles.close(whistle, by=cast.duty, seen_state="reported", ratings={lead.pk: Rating(5)})
    event.refresh_from_db()
    assert event.state == "settled"
    assert not Entry.objects.filter(what__contains="超期").exists()


@time_machine.travel(NOW, tick=False)
def test_the_squads_limit_works_without_the_year(cast: Cast) -> None:
    event = walk.event(cast)
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=Step("work_days", 5))
    assert event.provisional == ["squad_due"]
    assert event.next_due == event.squad_due == at("2027-01-06 23:59:59")
    events.settle(event, by=cast.officer, seen_state="squad", result="已清理")
    assert event.state == "settled"


@time_machine.travel(NOW, tick=False)
def test_only_what_needed_the_year_is_provisional(cast: Cast) -> None:
    urgent = walk.approved(cast, "urgent")
    lead, helper = walk.part(urgent, cast.scjg), walk.part(urgent, cast.zrzy)
    assert lead.provisional == ["finish_due"]  # signed and arrived within hours, reported on New Year's Eve
    assert helper.provisional == []
    assert urgent.provisional == ["eval_due", "finish_due"]
    assert (lead.finish_due, urgent.eval_due) == (at("2027-01-04 23:59:59"), at("2027-01-07 23:59:59"))


@time_machine.travel(NOW, tick=False)
def test_recompute_without_the_year_changes_nothing(cast: Cast) -> None:
    whistle = walk.approved(cast, "campaign")
    before = (Entry.objects.count(), Message.objects.count(), whistle_dues(whistle))
    assert provisional.recompute() == 0
    assert (Entry.objects.count(), Message.objects.count(), whistle_dues(whistle)) == before
    assert guessed() == {"Event": 0, "Whistle": 1, "Dispatch": 2}


@time_machine.travel(NOW, tick=False)
def test_recompute_counts_anew_once_the_year_is_known(cast: Cast) -> None:
    whistle = walk.approved(cast, "routine")
    lead, helper = walk.part(whistle, cast.scjg), walk.part(whistle, cast.zrzy)
    assert whistle_dues(whistle) == (at("2027-01-08 23:59:59"), at("2027-01-13 23:59:59"))
    load_2027()
    assert provisional.recompute() == 2
    lead.refresh_from_db()
    assert whistle_dues(whistle) == (at("2027-01-13 23:59:59"), at("2027-01-18 23:59:59"))
    assert (lead.finish_due, lead.next_due, lead.provisional) == (whistle.finish_due, lead.sign_due, [])
    assert whistle.provisional == []
    assert recomputed(whistle, lead, helper) == [1, 1, 0]
    assert walk.told("provisional_due_changed") == ["duty", "duty", "scjg-liaison"]
    assert guessed() == {"Event": 0, "Whistle": 0, "Dispatch": 0}


@time_machine.travel(NOW, tick=False)
def test_recompute_twice_is_once(cast: Cast) -> None:
    walk.approved(cast, "routine")
    load_2027()
    provisional.recompute()
    before = (Entry.objects.count(), Message.objects.count())
    assert provisional.recompute() == 0
    assert (Entry.objects.count(), Message.objects.count()) == before


@time_machine.travel(at("2026-12-31 17:00"), tick=False)
def test_recompute_of_what_waits_for_the_leader(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    assert whistle.provisional == ["approve_due"]
    assert whistle.next_due == at("2027-01-01 10:00")
    load_2027()
    provisional.recompute()
    whistle.refresh_from_db()
    assert whistle.next_due == whistle.approve_due == at("2027-01-06 10:00")


@time_machine.travel(at("2026-12-31 10:00"), tick=False)
def test_recompute_of_a_confirmation_counted_in_workdays(cast: Cast) -> None:
    Limit.objects.filter(kind="emergency", step="confirm").delete()
    Limit.objects.create(kind="emergency", step="confirm", unit="work_days", amount=1, valid_from=date(2026, 1, 1))
    whistle = walk.submitted(cast, "emergency")
    assert whistle.confirm_due == at("2027-01-01 23:59:59")
    assert "confirm_due" in whistle.provisional
    load_2027()
    provisional.recompute()
    whistle.refresh_from_db()
    assert (whistle.confirm_due, whistle.provisional) == (at("2027-01-06 23:59:59"), [])


@time_machine.travel(NOW, tick=False)
def test_recompute_of_the_evaluation_that_runs_now(cast: Cast) -> None:
    """The township's own clock: no dispatch is provisional, and the stored current due time follows all the same."""
    whistle = walk.ready(cast, "emergency")
    assert whistle.provisional == ["eval_due"]
    load_2027()
    provisional.recompute()
    whistle.refresh_from_db()
    assert whistle.next_due == whistle.eval_due == at("2027-01-08 23:59:59")


@time_machine.travel(NOW, tick=False)
def test_recompute_of_a_rework_moves_the_evaluation(cast: Cast) -> None:
    whistle = walk.ready(cast, "routine")
    dispatch = walk.reworked(cast, walk.part(whistle, cast.scjg))
    assert dispatch.rework_due == dispatch.next_due == at("2027-01-05 23:59:59")
    load_2027()
    provisional.recompute()
    dispatch.refresh_from_db()
    assert (dispatch.rework_due, dispatch.provisional) == (at("2027-01-08 23:59:59"), [])
    assert dispatch.next_due == dispatch.rework_due
    assert whistle_dues(whistle)[1] == at("2027-01-18 23:59:59")


@time_machine.travel(NOW, tick=False)
def test_recompute_keeps_an_evaluation_put_off_by_a_rework(cast: Cast) -> None:
    whistle = walk.ready(cast, "emergency")
    with time_machine.travel(at("2027-01-07 10:00"), tick=False):
        walk.reworked(cast, walk.part(whistle, cast.scjg))
        assert whistle_dues(whistle)[1] == at("2027-01-12 23:59:59")
        load_2027()
        provisional.recompute()
    assert whistle_dues(whistle)[1] == at("2027-01-12 23:59:59")
    assert guessed()["Whistle"] == 0


@time_machine.travel(at("2026-12-31 17:00"), tick=False)
def test_recompute_of_an_event_that_waits(cast: Cast) -> None:
    event = walk.event(cast)
    assert (event.provisional, event.next_due) == (["accept_due"], at("2027-01-01 10:00"))
    load_2027()
    assert provisional.recompute() == 1
    event.refresh_from_db()
    assert (event.provisional, event.next_due) == ([], at("2027-01-06 10:00"))
    assert recomputed(event) == [1]


@time_machine.travel(NOW, tick=False)
def test_recompute_of_what_is_closed_tells_nobody(cast: Cast) -> None:
    whistle = walk.ready(cast, "routine")
    whistles.close(whistle, by=cast.duty, seen_state="reported")
    load_2027()
    provisional.recompute()
    assert recomputed(whistle) == [1]
    assert walk.told("provisional_due_changed") == []
    whistle.refresh_from_db()
    assert whistle.next_due is None


@time_machine.travel(NOW, tick=False)
def test_recompute_is_written_by_the_system(cast: Cast) -> None:
    whistle = walk.approved(cast, "routine")
    load_2027()
    provisional.recompute()
    entry = Entry.objects.about(whistle).get(verb="due_recomputed")
    assert (entry.by, entry.by_office) == (None, "系统")
    assert set(entry.data) == {"finish_due", "eval_due"}


@pytest.mark.parametrize("model", [Event, Whistle, Dispatch])
def test_what_is_provisional_has_an_index_of_its_own(cast: Cast, model: type[Event | Whistle | Dispatch]) -> None:
    make_whistles(cast, 300, NOW)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ANALYZE enforcement_event, enforcement_whistle, enforcement_dispatch")
        cursor.execute("SET LOCAL enable_seqscan = off")
        rows = model.objects.filter(state__in=model.OPEN).exclude(provisional=[])
        assert f"{model.__name__.lower()}_provisional" in rows.explain()
