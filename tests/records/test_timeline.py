"""advance(), lock(), the timeline that nobody changes, numbers without gaps, and twice that is once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from enforcement.models import Category, Event
from enforcement.services import event as events
from records.models import Attachment, Entry, Serial, Stage
from records.services import WrongState, advance, entry_for, lock, once, record
from records.services.number import next_number
from tests.cast import Cast
from tests.test_permissions import new_event


@pytest.fixture
def event(cast: Cast, rules: None) -> Event:
    category = Category.objects.exclude(parent=None).first()
    assert category is not None
    return new_event(cast, category)


def verify(event: Event, cast: Cast, **more: Any) -> None:
    now = timezone.now()
    arrow = {"by": cast.duty, "verb": "event_verified", "what": "核实属实", "stage": Stage.FILE}
    advance(event, "verified", **arrow, verified_at=now, verified_by=cast.duty, **more)


def test_advance_writes_state_fields_and_entry(event: Event, cast: Cast) -> None:
    verify(event, cast, seen_state="reported")
    event.refresh_from_db()
    entry = Entry.objects.about(event).last()
    assert entry is not None
    assert (event.state, event.verified_by) == ("verified", cast.duty)
    assert (entry.from_state, entry.to_state, entry.by, entry.by_office) == (
        "reported", "verified", cast.duty, "甘霖镇·指挥室值班员",
    )  # fmt: skip


def test_advance_along_no_arrow_is_refused_and_says_what_happened(event: Event, cast: Cast) -> None:
    verify(event, cast)
    with pytest.raises(WrongState) as refusal, transaction.atomic():
        verify(event, cast)
    assert "甘霖镇·指挥室值班员已于" in str(refusal.value)
    assert "核实属实" in str(refusal.value)
    assert Entry.objects.about(event).filter(verb="event_verified").count() == 1


def test_advance_from_another_state_than_seen_is_refused(event: Event, cast: Cast) -> None:
    with pytest.raises(WrongState), transaction.atomic():
        verify(event, cast, seen_state="squad")
    event.refresh_from_db()
    assert event.state == "reported"


def test_advance_rolled_back_takes_the_entry_along(event: Event, cast: Cast) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        verify(event, cast)
        raise RuntimeError
    event.refresh_from_db()
    assert event.state == "reported"
    assert not Entry.objects.about(event).filter(verb="event_verified").exists()


def test_lock_brings_up_to_date_and_keeps_what_is_still_referred_to(
    event: Event, django_assert_num_queries: Any
) -> None:
    township = event.township
    Event.objects.filter(pk=event.pk).update(place="西街 3 号", grid=None)
    with transaction.atomic(), django_assert_num_queries(1):
        lock(event)
        assert (event.place, event.grid, event.township) == ("西街 3 号", None, township)


@pytest.mark.parametrize("sql", ["UPDATE {} SET at = now()", "DELETE FROM {}"])
@pytest.mark.parametrize("model", [Entry, Attachment])
def test_append_only_table_refuses_even_its_owner(event: Event, cast: Cast, sql: str, model: Any) -> None:
    if model is Attachment:
        Attachment.objects.create(
            target_type=ContentType.objects.get_for_model(event), target_id=event.pk, kind="photo", phase="before",
            name="a.jpg", mime="image/jpeg", size=1, sha256="0" * 64, seal="0" * 64, original="x", by=cast.grid,
        )  # fmt: skip
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.format(model._meta.db_table))


@pytest.mark.django_db(transaction=True)
def test_web_role_may_only_insert_and_select_the_timeline(web_role_url: str) -> None:
    def refused(statement: str) -> bool:
        with psycopg2.connect(web_role_url) as link, link.cursor() as cursor:
            try:
                cursor.execute(statement)
            except psycopg2.errors.InsufficientPrivilege as error:
                return "append-only" not in str(error)  # it is the role that is refused, before the trigger
        return False

    assert not refused("SELECT 1 FROM records_entry")
    assert refused("UPDATE records_entry SET what = ''")
    assert refused("DELETE FROM records_entry")
    assert refused("TRUNCATE records_entry")
    assert refused("UPDATE records_attachment SET name = ''")
    assert refused("ALTER TABLE records_entry DISABLE TRIGGER append_only")
    assert refused("CREATE TABLE mine (id int)")
    assert not refused("UPDATE records_serial SET last = last")


def test_entry_of_the_system_names_no_person(event: Event) -> None:
    entry = record(event, "due_recomputed", by=None, what="重新计算", stage=Stage.HANDLE)
    assert (entry.by, entry.by_office) == (None, "系统")
    assert entry_for(event, "x", by=None, what="y", stage=Stage.HANDLE).pk is None


def test_entries_about_several_objects_come_oldest_first(event: Event, cast: Cast) -> None:
    events.verify(event, by=cast.duty, seen_state="reported")
    record(cast.ganlin, "noted", by=None, what="记", stage=Stage.HANDLE)
    found = [entry.verb for entry in Entry.objects.about(event, cast.ganlin)]
    assert found == ["event_reported", "event_verified", "noted"]
    assert not Entry.objects.about().exists()


@pytest.mark.django_db(transaction=True)
def test_numbers_given_out_at_once_are_all_different_and_without_gaps() -> None:
    day = timezone.localdate()

    def give(_: int) -> str:
        try:
            with transaction.atomic():
                return next_number("哨", "330683100", day)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(pool.map(give, range(20)))
    assert numbers == [f"哨330683100-{day:%Y%m%d}-{index:04d}" for index in range(1, 21)]
    assert str(Serial.objects.get()) == numbers[-1]


def test_number_of_a_rolled_back_act_is_given_again(db: None) -> None:
    day = timezone.localdate()
    with pytest.raises(RuntimeError), transaction.atomic():
        next_number("事", "330683100", day)
        raise RuntimeError
    assert next_number("事", "330683100", day).endswith("-0001")


def test_once_with_a_known_request_finds_the_first_row_and_leaves_nothing(event: Event) -> None:
    before = Entry.objects.count()

    def again() -> Event:
        record(event, "noted", by=None, what="记", stage=Stage.HANDLE)
        fields = {field.attname: getattr(event, field.attname) for field in Event._meta.concrete_fields}
        return Event.objects.create(**{**fields, "id": None, "number": "事-2"})

    assert once(Event, event.request_id, again) == event
    assert Entry.objects.count() == before


def test_once_lets_a_fault_of_another_kind_through(db: None) -> None:
    def broken() -> Event:
        return Event.objects.create(request_id=uuid4())

    with pytest.raises(DatabaseError), transaction.atomic():
        once(Event, uuid4(), broken)
