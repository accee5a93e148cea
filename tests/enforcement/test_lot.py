"""One act on many rows: each by its own right, whole or not at all; one message a receiver; twice is once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from enforcement.models import Dispatch, Escalation, Event, Lot
from enforcement.rules.deadlines import Step
from enforcement.services import dispatch as dispatches
from enforcement.services import escalation as escalations
from enforcement.services import lot as lots
from enforcement.services.lot import Terms
from notifications.models import Delivery, Message
from records.models import Entry
from records.services import UsedForm
from tests.cast import Cast, client_for
from tests.enforcement.events import make_event
from tests.test_permissions import blow

DAY = Terms(limit=Step("work_days", 1))


@pytest.fixture
def sent(cast: Cast, rules: None) -> list[Dispatch]:
    """Three emergencies to scjg, zrzy helping."""
    found = [blow(cast, make_event(cast, title=f"第{n}件"), "emergency") for n in range(3)]
    Delivery.objects.all().delete()
    Message.objects.all().delete()
    return list(Dispatch.objects.filter(whistle__in=found, department=cast.scjg).order_by("id"))


def seen(rows: Any) -> list[tuple[int, str]]:
    return [(row.pk, row.state) for row in rows]


def run(act: str, rows: Any, terms: Terms, by: Any, **more: Any) -> Lot:
    return lots.run(act, seen(rows), terms, by=by, **{"request_id": uuid4(), **more})


def told(user: Any) -> list[tuple[str, str]]:
    rows = Message.objects.filter(recipient=user).order_by("id")
    return [(row.kind, row.data["number"]) for row in rows]


def results(lot: Lot) -> list[tuple[bool, str]]:
    return [(one["is_done"], one["words"]) for one in lot.outcomes]


# --- services -----------------------------------------------------------------------------------------------------------
def test_remind_tells_each_receiver_once_for_the_whole_lot(cast: Cast, sent: list[Dispatch]) -> None:
    lot = run("remind", Dispatch.objects.order_by("id"), Terms(), cast.duty)
    assert len(lot.outcomes) == 6
    assert all(one["is_done"] for one in lot.outcomes)
    assert told(cast.scjg_liaison) == [("many_reminded", "共 3 件")]
    assert told(cast.zrzy_liaison) == [("many_reminded", "共 3 件")]
    message = Message.objects.get(recipient=cast.scjg_liaison)
    assert message.data["due"] == min(row.next_due for row in sent).isoformat()
    assert message.data["unit"] == "甘霖镇"
    assert message.link == "/dispatches/?state=open&order=due"
    assert Delivery.objects.count() == 2
    verbs = Entry.objects.about(*sent).filter(verb="dispatch_reminded")
    assert verbs.count() == 3


def test_remind_of_one_row_says_what_a_single_reminder_says(cast: Cast, sent: list[Dispatch]) -> None:
    run("remind", sent[:1], Terms(), cast.duty)
    assert told(cast.scjg_liaison) == [("reminded", sent[0].number)]


def test_remind_leaves_out_with_a_sentence_what_was_reminded_of_has_changed_or_is_foreign(
    cast: Cast, sent: list[Dispatch]
) -> None:
    escalations.remind(sent[0], by=cast.duty, seen_state="sent")
    as_seen = seen(sent)
    dispatches.sign(sent[1], by=cast.scjg_liaison, seen_state="sent")
    foreign = 10**12
    lot = lots.run("remind", [*as_seen, (foreign, "sent")], Terms(), by=cast.duty, request_id=uuid4())
    assert results(lot) == [
        (False, mock.ANY),
        (False, "您看过以后情况已变：现在是“已签收”，没有办"),
        (True, "提醒市场监管局"),
        (False, "不在您能看到的范围里了"),
    ]
    assert "同一个期限只提醒一次" in lot.outcomes[0]["words"]
    assert Escalation.objects.filter(level=1).count() == 2


def test_run_twice_is_once_and_other_rows_under_the_same_form_are_refused(cast: Cast, sent: list[Dispatch]) -> None:
    request_id = uuid4()
    first = run("remind", sent[:2], Terms(), cast.duty, request_id=request_id)
    assert run("remind", sent[:2], Terms(), cast.duty, request_id=request_id) == first
    with pytest.raises(UsedForm):
        run("remind", sent[2:], Terms(), cast.duty, request_id=request_id)
    assert told(cast.scjg_liaison) == [("many_reminded", "共 2 件")]


def test_a_row_that_breaks_off_leaves_no_trace_and_no_message(cast: Cast, sent: list[Dispatch]) -> None:
    whole = escalations.remind

    def breaks_late(row: Dispatch, **more: Any) -> Any:
        made = whole(row, **more)
        if row.pk == sent[1].pk:
            raise lots.Refused(row, "对不上")
        return made

    with mock.patch.object(escalations, "remind", breaks_late):
        lot = run("remind", sent, Terms(), cast.duty)
    assert results(lot)[1] == (False, "对不上")
    assert Escalation.objects.filter(level=1).count() == 2
    assert told(cast.scjg_liaison) == [("many_reminded", "共 2 件")]


@pytest.mark.parametrize("part", ["scjg_liaison", "changle_duty", "zdb_officer", "officer", "zrzy_officer"])
def test_remind_is_the_waiting_desks_alone(cast: Cast, sent: list[Dispatch], part: str) -> None:
    lot = run("remind", sent, Terms(), getattr(cast, part))
    assert not any(one["is_done"] for one in lot.outcomes)
    assert not Message.objects.exists()


def test_assign_names_one_for_all_and_leaves_out_where_they_do_not_go(cast: Cast, sent: list[Dispatch]) -> None:
    helpers = list(Dispatch.objects.filter(department=cast.zrzy).order_by("id"))
    lot = run("assign", [*helpers, sent[0]], Terms(goes=cast.zrzy_station), cast.zrzy_liaison)
    assert results(lot) == [
        *[(True, "由甘霖自然资源所承办")] * 3,
        (False, "不在您能看到的范围里了"),
    ]
    assert told(cast.zrzy_officer) == [("many_assigned", "共 3 件")]
    again = run("assign", helpers, Terms(goes=cast.zrzy_station), cast.zrzy_liaison)
    assert {words for _, words in results(again)} == {"已经由甘霖自然资源所承办"}
    cast.zrzy_station.township = cast.changle
    (line, *_) = lots.preview("assign", helpers, Terms(goes=cast.zrzy_station), by=cast.zrzy_liaison)
    assert line.why_not == "甘霖自然资源所不管甘霖镇"
    (line, *_) = lots.preview("assign", helpers, Terms(goes=cast.zrzy_officer), by=cast.zrzy_liaison)
    assert line.will.startswith("由甘霖自然资源所改为") or "承办" in line.will


def test_hand_to_squad_with_one_limit(cast: Cast, rules: None) -> None:
    rows = [make_event(cast) for _ in range(3)]
    lots.run("squad", seen(rows[2:]), DAY, by=cast.duty, request_id=uuid4())
    lot = lots.run("squad", [(row.pk, "reported") for row in rows], DAY, by=cast.duty, request_id=uuid4())
    assert [done for done, _ in results(lot)] == [True, True, False]
    assert set(Event.objects.values_list("state", flat=True)) == {"squad"}
    assert told(cast.officer)[-1] == ("many_handed_to_squad", "共 2 件")


# --- pages --------------------------------------------------------------------------------------------------------------
def preview(user: Any, **query: Any) -> Any:
    return client_for(user).get(reverse("enforcement:lot-preview"), query)


def test_list_has_boxes_for_desks_alone(cast: Cast, sent: list[Dispatch]) -> None:
    box = f'value="{sent[0].pk}"'
    for part, has in (("duty", True), ("scjg_liaison", True), ("officer", False), ("zdb_officer", False)):
        page = client_for(getattr(cast, part)).get(reverse("enforcement:dispatch-list")).content.decode()
        assert ('form="lot-form"' in page and box in page) is has, part


def test_preview_then_run_then_what_became_of_each(cast: Cast, sent: list[Dispatch]) -> None:
    dispatches.sign(sent[0], by=cast.scjg_liaison, seen_state="sent")
    dispatches.arrive(
        sent[0], by=cast.scjg_liaison, seen_state="signed", officers=[cast.scjg_officer], uses_power=False
    )
    Dispatch.objects.filter(pk=sent[0].pk).update(next_due=None)
    page = preview(cast.duty, act="remind", of="dispatch", pk=[row.pk for row in sent])
    text = page.content.decode()
    assert "催办这 2 件" in text
    assert "现在是“已到场”，没有要对方赶的期限" in text
    rows = [f"{line.row.pk}:{line.row.state}" for line in page.context["to_do"]]
    form = {"act": "remind", "request_id": page.context["request_id"], "row": rows}
    client, url = client_for(cast.duty), reverse("enforcement:lot-run")
    first, second = client.post(url, form), client.post(url, form)
    assert first["Location"] == second["Location"]
    assert "办了 2 件" in client.get(first["Location"]).content.decode()
    assert client_for(cast.leader).get(first["Location"]).status_code == 404
    assert client.get(url).status_code == 405


def test_preview_of_events_reminds_their_departments(cast: Cast, sent: list[Dispatch]) -> None:
    page = preview(cast.duty, act="remind", of="event", pk=[sent[0].event_id])
    assert {line.row.event_id for line in page.context["to_do"]} == {sent[0].event_id}
    assert len(page.context["to_do"]) == 2


def test_preview_takes_all_that_the_filters_find_up_to_the_most(
    cast: Cast, sent: list[Dispatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = preview(cast.duty, act="remind", of="dispatch", scope="filtered", query="q=第1件")
    assert len(page.context["rows"]) == 2
    monkeypatch.setattr("enforcement.views.lot.MOST", 4)
    page = preview(cast.duty, act="remind", of="dispatch", scope="filtered", query="")
    assert len(page.context["rows"]) == 4
    assert "一次最多 4 件" in page.content.decode()


def test_preview_asks_who_goes_and_then_says_what_happens(cast: Cast, sent: list[Dispatch]) -> None:
    asked = {"act": "assign", "of": "dispatch", "pk": [row.pk for row in sent]}
    assert "还没有承办" in preview(cast.scjg_liaison, **asked).content.decode()
    who = f"user-{cast.scjg_officer.pk}"
    page = preview(cast.scjg_liaison, **asked, goes=who)
    assert f"由{cast.scjg_officer}承办" in page.content.decode()
    form = {"act": "assign", "request_id": str(uuid4()), "goes": who, "row": [f"{row.pk}:sent" for row in sent]}
    client_for(cast.scjg_liaison).post(reverse("enforcement:lot-run"), form)
    assert set(Dispatch.objects.filter(department=cast.scjg).values_list("assigned_officer", flat=True)) == {
        cast.scjg_officer.pk
    }
    foreign = f"user-{cast.zrzy_officer.pk}"
    page = client_for(cast.scjg_liaison).post(
        reverse("enforcement:lot-run"), {**form, "request_id": str(uuid4()), "goes": foreign}, follow=True
    )
    assert "没有办理" in page.content.decode()


@pytest.mark.parametrize("part", ["grid", "officer", "zdb_officer", "auditor", "bureau_admin", "stranger"])
def test_pages_are_for_desks(cast: Cast, part: str) -> None:
    assert preview(getattr(cast, part), act="remind", of="dispatch").status_code == 403
    assert client_for(getattr(cast, part)).post(reverse("enforcement:lot-run"), {}).status_code == 403


@pytest.mark.parametrize(
    "forged",
    [{"act": "delete"}, {"row": ["x:y"]}, {"row": ["9" * 40 + ":sent"]}, {"request_id": "1"}, {"row": []}],
)
def test_run_of_a_forged_form_does_nothing(cast: Cast, sent: list[Dispatch], forged: dict[str, Any]) -> None:
    form = {"act": "remind", "request_id": str(uuid4()), "row": [f"{sent[0].pk}:sent"], **forged}
    page = client_for(cast.duty).post(reverse("enforcement:lot-run"), form, follow=True)
    assert "没有办理" in page.content.decode()
    assert not Lot.objects.exists()


def test_preview_of_nothing_or_nonsense_says_so(cast: Cast, rules: None) -> None:
    for query in (
        {"act": "remind", "of": "dispatch"},
        {"act": "x", "of": "y"},
        {"act": "remind", "of": "event", "pk": "٣"},
    ):
        page = client_for(cast.duty).get(reverse("enforcement:lot-preview"), query, follow=True)
        assert "勾选" in page.content.decode()


def test_preview_tells_no_tick_from_ticks_that_the_act_is_not_for(cast: Cast, rules: None) -> None:
    event = make_event(cast)
    for ticked, sentence in (([], "还没有勾选"), ([event.pk], "勾选的里没有能催办的")):
        query = {"act": "remind", "of": "event", "pk": ticked}
        page = client_for(cast.duty).get(reverse("enforcement:lot-preview"), query, follow=True)
        assert sentence in page.content.decode()


def test_name_of_a_lot_has_the_time_of_the_place() -> None:
    assert str(Lot(act="remind", at=datetime(2026, 11, 24, 22, 9, tzinfo=UTC))) == "催办 2026-11-25 06:09"


def test_preview_asks_as_many_queries_for_12_rows_as_for_6(
    cast: Cast, sent: list[Dispatch], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    counts = []
    for _ in range(2):
        pks = list(Dispatch.objects.values_list("pk", flat=True))
        with django_assert_max_num_queries(30) as queries:
            preview(cast.duty, act="remind", of="dispatch", pk=pks)
        counts.append(len(queries))
        for n in range(3):
            blow(cast, make_event(cast, title=f"又{n}"), "emergency")
    assert counts[0] == counts[1]


def test_reminder_is_looked_for_under_the_lock(cast: Cast, sent: list[Dispatch]) -> None:
    """Else one that a colleague sends in this moment would be told as this lot's."""
    with CaptureQueriesContext(connection) as asked:
        run("remind", sent[:1], Terms(), cast.duty)
    said = [query["sql"] for query in asked]
    locked = next(at for at, sql in enumerate(said) if "FOR NO KEY UPDATE" in sql and '"enforcement_dispatch"' in sql)
    assert locked < next(at for at, sql in enumerate(said) if 'FROM "enforcement_escalation"' in sql)
