import socket
import time
from collections.abc import Iterator

import pytest
from celery import Celery, current_app
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from notifications import kinds
from notifications.models import Delivery, Message
from notifications.services import broker, outbox
from portal.celery import app as portal_app
from tests.cast import UserFactory

SENT = kinds.DispatchSent.sample()


def app_at(url: str) -> Celery:
    """The portal's Celery settings, with another broker."""
    app = Celery("elsewhere", set_as_current=False)
    app.conf.update({**portal_app.conf.changes, "broker_url": url})
    app.conf.broker_transport_options = portal_app.conf.broker_transport_options
    app.conf.task_publish_retry = portal_app.conf.task_publish_retry
    return app


@pytest.fixture
def dead_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "current_app", app_at("redis://127.0.0.1:1/0"))


@pytest.fixture
def mute_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(broker, "current_app", app_at(f"redis://127.0.0.1:{server.getsockname()[1]}/0"))
        yield


def test_notify_writes_a_message_and_a_delivery_for_each_person(db: None) -> None:
    one, other = UserFactory.create_batch(2)
    outbox.notify(SENT, to=[one, other], key="dispatch_sent:7")
    message = Message.objects.get(recipient=one)
    assert (message.key, message.kind) == (f"dispatch_sent:7:{one.pk}", "dispatch_sent")
    assert kinds.restore(message.kind, message.data) == SENT
    assert message.link == SENT.link
    delivery = message.deliveries.get()
    assert (delivery.channel, delivery.address, delivery.state) == ("mail", one.email, "pending")
    assert Delivery.objects.count() == 2


def test_notify_somebody_without_an_address_reaches_the_inbox_only(db: None) -> None:
    outbox.notify(SENT, to=[UserFactory(email="")], key="k")
    assert Message.objects.count() == 1
    assert not Delivery.objects.exists()


def test_notify_nobody_asks_nothing(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        outbox.notify(SENT, to=[], key="k")


def test_notify_with_the_same_key_is_harmless(
    db: None, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    one, other = UserFactory.create_batch(2)
    outbox.notify(SENT, to=[one, one], key="k")
    with django_capture_on_commit_callbacks() as pokes:
        outbox.notify(SENT, to=[one], key="k")
    assert pokes == []
    outbox.notify(SENT, to=[one, other], key="k")
    assert Message.objects.count() == Delivery.objects.count() == 2


def test_notify_outside_a_transaction_is_refused(transactional_db: None) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        outbox.notify(SENT, to=[UserFactory()], key="k")


def test_notify_rolls_back_with_the_caller(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    poked: list[list[int]] = []
    monkeypatch.setattr(broker, "poke", poked.append)
    user = UserFactory()

    def act() -> None:
        with transaction.atomic():
            user.name = "changed"
            user.save()
            outbox.notify(SENT, to=[user], key="k")
            raise IntegrityError

    with pytest.raises(IntegrityError):
        act()
    user.refresh_from_db()
    assert user.name != "changed"
    assert not Message.objects.exists()
    assert poked == []


@pytest.mark.parametrize(("notices", "people"), [(1, 1), (1, 60), (5, 12)])
def test_notify_costs_three_queries_for_any_number(
    db: None, django_assert_num_queries: DjangoAssertNumQueries, notices: int, people: int
) -> None:
    users = UserFactory.create_batch(people)
    with django_assert_num_queries(3):
        outbox.notify_many([(SENT, users, f"k{number}") for number in range(notices)])
    assert Delivery.objects.count() == notices * people


def test_notify_pokes_once_after_the_commit(
    db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    poked: list[list[int]] = []
    monkeypatch.setattr(broker, "send", lambda ids: poked.append(list(ids)) or True)
    with django_capture_on_commit_callbacks(execute=True):
        outbox.notify_many([(SENT, UserFactory.create_batch(3), f"k{number}") for number in range(2)])
        assert poked == []
    assert len(poked) == 1
    assert set(poked[0]) == set(Delivery.objects.values_list("pk", flat=True))


def test_a_poke_reaches_the_queue_of_the_messages(db: None) -> None:
    with current_app.connection_for_write() as connection:
        queue = connection.SimpleQueue("messages")
        queue.clear()
        broker.poke(list(range(1, 451)))
        chunks = [queue.get(timeout=5) for _ in range(3)]
        assert [len(chunk.payload[0][0]) for chunk in chunks] == [200, 200, 50]
        for chunk in chunks:
            chunk.ack()
        queue.close()


def test_a_dead_broker_is_not_felt(transactional_db: None, dead_broker: None) -> None:
    user = UserFactory()
    started = time.monotonic()
    with transaction.atomic():
        outbox.notify(SENT, to=[user], key="k")
    assert time.monotonic() - started < 1
    assert Delivery.objects.get().state == "pending"


def test_a_mute_broker_is_felt_once(transactional_db: None, mute_broker: None) -> None:
    user = UserFactory()
    started = time.monotonic()
    for key in "abc":
        with transaction.atomic():
            outbox.notify(SENT, to=[user], key=key)
    assert time.monotonic() - started < 2.5  # one time-out of 1.5 s
    assert Delivery.objects.filter(state="pending").count() == 3


def test_after_a_failed_poke_the_broker_is_left_alone(dead_broker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.poke([1])
    tried: list[object] = []
    monkeypatch.setattr(broker, "send", tried.append)
    broker.poke([2])
    assert tried == []
    monkeypatch.setattr(broker._Breaker, "quiet_until", time.monotonic() - 1)
    broker.poke([3])
    assert tried == [[3]]
