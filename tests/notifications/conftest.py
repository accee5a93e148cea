from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from pytest_django import Settings

from notifications import kinds
from notifications.models import Delivery
from notifications.services import broker, outbox
from notifications.services.batch import mark
from notifications.transports import mail
from tests.cast import UserFactory
from tests.notifications.transports import Scripted

MakeDeliveries = Callable[..., list[Delivery]]


def message_id(*deliveries: Delivery) -> str:
    """The Message-ID of these deliveries as one mail."""
    return mail.message_id(mark(deliveries))


@pytest.fixture(autouse=True)
def willing_broker() -> Iterator[None]:
    """No test inherits the silence after another one's dead broker."""
    broker._Breaker.quiet_until = 0
    yield
    broker._Breaker.quiet_until = 0


@pytest.fixture
def transport(settings: Settings) -> type[Scripted]:
    settings.EMAIL_BACKEND = "tests.notifications.transports.Scripted"
    Scripted.script, Scripted.sent, Scripted.pause = [], [], 0
    return Scripted


@pytest.fixture
def deliveries() -> MakeDeliveries:
    """Makes `count` deliveries to as many people, with any fields set."""

    def make(count: int = 1, key: str = "k", **fields: object) -> list[Delivery]:
        with transaction.atomic():
            outbox.notify(kinds.DispatchSent.sample(), to=UserFactory.create_batch(count), key=key)
        made = Delivery.objects.filter(message__key__startswith=f"{key}:")
        if fields:
            made.update(**fields)
        return list(made.order_by("pk"))

    return make
