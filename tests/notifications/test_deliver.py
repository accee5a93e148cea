import smtplib
import threading
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from notifications.models import Delivery, Message
from notifications.services import broker, outbox
from tests.cast import UserFactory
from tests.notifications.conftest import MakeDeliveries, message_id
from tests.notifications.transports import Scripted

Transport = type[Scripted]
REFUSED_FOR_GOOD = smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")})
REFUSED_FOR_NOW = smtplib.SMTPRecipientsRefused({"x": (450, b"greylisted")})


def keys(deliveries: list[Delivery]) -> list[int]:
    return [delivery.pk for delivery in deliveries]


def test_deliver_sends_and_marks(db: None, deliveries: MakeDeliveries) -> None:
    (delivery,) = deliveries()
    outbox.deliver([delivery.pk])
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.error) == ("sent", 1, "")
    assert delivery.sent_at is not None
    (sent,) = mail.outbox
    assert sent.to == [delivery.address]
    assert sent.extra_headers["Message-ID"] == message_id(delivery)


def test_deliver_twice_sends_once(db: None, deliveries: MakeDeliveries) -> None:
    ids = keys(deliveries(3))
    outbox.deliver(ids)
    outbox.deliver(ids)
    assert len(mail.outbox) == 3


def test_deliver_ids_that_do_not_exist_is_harmless(db: None) -> None:
    outbox.deliver([1, 2, 3])
    assert mail.outbox == []


def test_deliver_costs_one_query_a_message(
    db: None, deliveries: MakeDeliveries, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ids = keys(deliveries(20))
    with django_assert_num_queries(1 + 20):  # one claim; a mark for each
        outbox.deliver(ids)


def test_deliver_leaves_what_is_not_due(db: None, deliveries: MakeDeliveries) -> None:
    now = timezone.now()
    deliveries(key="a", state="retry", next_at=now + timedelta(minutes=1))
    deliveries(key="b", state="sending", claimed_at=now - timedelta(minutes=1))
    deliveries(key="c", state="failed")
    outbox.deliver(list(Delivery.objects.values_list("pk", flat=True)))
    assert mail.outbox == []


def test_deliver_takes_what_is_due_again_or_stuck(db: None, deliveries: MakeDeliveries) -> None:
    now = timezone.now()
    deliveries(key="a", state="retry", next_at=now)
    deliveries(key="b", state="sending", claimed_at=now - timedelta(minutes=3))
    outbox.deliver(list(Delivery.objects.values_list("pk", flat=True)))
    assert len(mail.outbox) == 2


def test_deliver_is_claimed_and_committed_before_it_is_sent(
    transactional_db: None, deliveries: MakeDeliveries, monkeypatch: pytest.MonkeyPatch, transport: Transport
) -> None:
    (delivery,) = deliveries()
    seen: list[tuple[str, bool]] = []

    def look(self: Scripted, messages: object) -> int:
        seen.append((Delivery.objects.get().state, connection.in_atomic_block))
        return 1

    monkeypatch.setattr(Scripted, "send_messages", look)
    outbox.deliver([delivery.pk])
    assert seen == [("sending", False)]


def test_two_deliverers_never_send_the_same_row(
    transactional_db: None, deliveries: MakeDeliveries, transport: Transport
) -> None:
    ids = keys(deliveries(40))
    transport.pause = 0.002
    barrier = threading.Barrier(4)

    def run() -> None:
        barrier.wait()
        for start in range(0, len(ids), 10):
            outbox.deliver(ids[start : start + 10])
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message.to[0] for message in transport.sent) == sorted(
        Delivery.objects.values_list("address", flat=True)
    )
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_the_retries_come_after_1_5_30_minutes_2_and_6_hours(
    db: None, deliveries: MakeDeliveries, transport: Transport
) -> None:
    (delivery,) = deliveries()
    waits = []
    for _ in range(5):
        transport.script = [TimeoutError("timed out")]
        outbox.deliver([delivery.pk])
        delivery.refresh_from_db()
        assert delivery.state == "retry"
        assert delivery.next_at is not None
        waits.append(round((delivery.next_at - timezone.now()).total_seconds() / 60))
        Delivery.objects.update(next_at=timezone.now())
    assert waits == [1, 5, 30, 120, 360]
    transport.script = [TimeoutError("timed out")]
    outbox.deliver([delivery.pk])
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.error) == ("failed", 6, "TimeoutError: timed out")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (REFUSED_FOR_GOOD, "failed"),
        (REFUSED_FOR_NOW, "retry"),
        (smtplib.SMTPDataError(554, b"content refused"), "failed"),
        (smtplib.SMTPDataError(451, b"try later"), "retry"),
        (smtplib.SMTPAuthenticationError(535, b"wrong password"), "retry"),
        (smtplib.SMTPServerDisconnected("gone"), "retry"),
        (ConnectionRefusedError(111, "refused"), "retry"),
        (ValueError("a line break in the subject"), "failed"),
        (RuntimeError("x" * 400), "retry"),
    ],
)
def test_a_failure_is_for_good_or_for_now(
    db: None, deliveries: MakeDeliveries, transport: Transport, error: Exception, state: str
) -> None:
    (delivery,) = deliveries()
    transport.script = [error]
    outbox.deliver([delivery.pk])
    delivery.refresh_from_db()
    assert delivery.state == state
    assert delivery.error.startswith(type(error).__name__)


def test_a_refused_recipient_does_not_hold_the_others_up(
    db: None, deliveries: MakeDeliveries, transport: Transport
) -> None:
    ids = keys(deliveries(3))
    transport.script = [None, REFUSED_FOR_GOOD, None]
    outbox.deliver(ids)
    assert list(Delivery.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "failed", "sent"]


def test_a_transport_that_is_down_is_asked_once(db: None, deliveries: MakeDeliveries, transport: Transport) -> None:
    ids = keys(deliveries(3))
    transport.script = [ConnectionRefusedError()] * 3
    outbox.deliver(ids)
    assert len(transport.script) == 2
    assert list(Delivery.objects.order_by("pk").values_list("state", "attempts")) == [
        ("retry", 1),
        ("retry", 0),
        ("retry", 0),
    ]


def test_what_is_held_too_long_is_put_back_before_it_counts_as_stuck(
    db: None, deliveries: MakeDeliveries, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = keys(deliveries(3))
    monkeypatch.setattr(outbox, "HOLD", timedelta(seconds=0.05))
    transport.pause = 0.06
    outbox.deliver(ids)
    assert list(Delivery.objects.order_by("pk").values_list("state", "attempts")) == [
        ("sent", 1),
        ("retry", 0),
        ("retry", 0),
    ]
    outbox.deliver(ids[1:2])
    assert Delivery.objects.filter(state="sent").count() == 2


def test_a_claim_that_somebody_took_over_is_not_overwritten(
    db: None, deliveries: MakeDeliveries, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    (delivery,) = deliveries()
    later = timezone.now() + timedelta(minutes=3)

    def lose(self: Scripted, messages: object) -> int:
        return Delivery.objects.update(claimed_at=later)

    monkeypatch.setattr(Scripted, "send_messages", lose)
    outbox.deliver([delivery.pk])
    assert Delivery.objects.get().state == "sending"


def test_outside_production_only_listed_addresses_are_written_to(
    db: None, deliveries: MakeDeliveries, transport: Transport, settings: Settings
) -> None:
    one, domain, other = deliveries(3)
    Delivery.objects.filter(pk=one.pk).update(address="tester@example.invalid")
    Delivery.objects.filter(pk=domain.pk).update(address="anybody@test.invalid")
    settings.MAIL_ALLOW = ["tester@example.invalid", "@test.invalid"]
    outbox.deliver([one.pk, domain.pk, other.pk])
    assert [message.to[0] for message in transport.sent] == ["tester@example.invalid", "anybody@test.invalid"]
    other.refresh_from_db()
    assert other.state == "failed"
    assert "MAIL_ALLOW" in other.error


def test_the_message_id_is_the_same_for_every_try(db: None, deliveries: MakeDeliveries) -> None:
    one, other = deliveries(2)
    again = Delivery.objects.get(pk=one.pk)
    assert message_id(one) == message_id(again) != message_id(other)


# --- sweep and health -------------------------------------------------------------------------------------------------
@pytest.fixture
def poked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    sent: list[list[int]] = []
    monkeypatch.setattr(broker, "send", lambda ids: sent.append(list(ids)) or True)
    return sent


def test_sweep_pokes_what_waits_and_nothing_else(db: None, deliveries: MakeDeliveries, poked: list[list[int]]) -> None:
    now = timezone.now()
    old = {"created_at": now - timedelta(hours=1)}
    wanted = [
        *deliveries(key="lost", **old),
        *deliveries(key="due", state="retry", next_at=now, **old),
        *deliveries(key="stuck", state="sending", claimed_at=now - timedelta(minutes=3), **old),
    ]
    deliveries(key="fresh")
    deliveries(key="later", state="retry", next_at=now + timedelta(minutes=1), **old)
    deliveries(key="busy", state="sending", claimed_at=now, **old)
    deliveries(key="done", state="sent", sent_at=now, **old)
    deliveries(key="failed", state="failed", **old)
    outbox.sweep()
    assert sorted(pk for chunk in poked for pk in chunk) == keys(wanted)
    assert outbox.Sweep.objects.get().poked == 3


def test_sweep_pokes_in_chunks(db: None, deliveries: MakeDeliveries, poked: list[list[int]]) -> None:
    deliveries(401, created_at=timezone.now() - timedelta(minutes=1))
    outbox.sweep()
    assert [len(chunk) for chunk in poked] == [200, 200, 1]


def test_sweep_without_a_broker_loses_nothing_and_still_counts_as_run(
    db: None, deliveries: MakeDeliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []
    monkeypatch.setattr(broker, "send", lambda ids: bool(tried.append(ids)))
    deliveries(401, created_at=timezone.now() - timedelta(minutes=1))
    outbox.sweep()
    assert len(tried) == 1
    assert Delivery.objects.filter(state="pending").count() == 401
    assert outbox.Sweep.objects.get().poked == 0


def test_sweep_gives_up_on_a_message_that_kills_its_worker_each_time(
    db: None, deliveries: MakeDeliveries, poked: list[list[int]]
) -> None:
    deliveries(
        state="sending",
        attempts=6,
        claimed_at=timezone.now() - timedelta(minutes=3),
        created_at=timezone.now() - timedelta(hours=9),
    )
    outbox.sweep()
    assert poked == []
    assert Delivery.objects.get().state == "failed"


def test_sweep_keeps_one_row(db: None, poked: list[list[int]]) -> None:
    outbox.sweep()
    outbox.sweep()
    assert outbox.Sweep.objects.count() == 1


def test_sweep_uses_the_index_of_open_deliveries(db: None) -> None:
    now = timezone.now()
    due = Delivery.objects.due(now, now).filter(state__in=Delivery.OPEN, created_at__lte=now).order_by("created_at")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "delivery_open" in due.explain()


def test_health_tells_both_ages(db: None, deliveries: MakeDeliveries, poked: list[list[int]]) -> None:
    assert outbox.health() == (None, None)
    deliveries(2, created_at=timezone.now() - timedelta(seconds=90))
    outbox.sweep()
    sweep_age, oldest = outbox.health()
    assert sweep_age == pytest.approx(0, abs=2)
    assert oldest == pytest.approx(90, abs=2)


# --- send again -------------------------------------------------------------------------------------------------------
def test_resend_queues_a_failed_delivery_again(
    db: None,
    deliveries: MakeDeliveries,
    poked: list[list[int]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    (delivery,) = deliveries(state="failed", attempts=6, error="x")
    with django_capture_on_commit_callbacks(execute=True):
        assert outbox.resend(delivery, by=UserFactory())
    assert poked == [[delivery.pk]]
    outbox.deliver([delivery.pk])
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.error) == ("sent", 1, "")
    assert Message.objects.count() == 1
    assert LogEntry.objects.get().change_message == "重新发送"


@pytest.mark.parametrize("state", ["pending", "sending", "retry"])
def test_resend_what_is_on_its_way_does_nothing(db: None, deliveries: MakeDeliveries, state: str) -> None:
    (delivery,) = deliveries(state=state)
    assert not outbox.resend(delivery, by=UserFactory())
    assert Delivery.objects.get().state == state
