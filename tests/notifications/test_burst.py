"""What waits for one receiver is one message: never a flood, never lost, never half marked."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from notifications import kinds
from notifications.models import Delivery
from notifications.services import broker, outbox
from tests.cast import UserFactory
from tests.notifications.conftest import message_id
from tests.notifications.transports import Scripted
from townships.models import User

FEW = settings.BURST_AFTER


@pytest.fixture(autouse=True)
def _awake(settings: Any) -> None:
    settings.QUIET_HOURS = ""  # what has no clock is not held back, at whatever hour this runs


def kind(number: int, due: str | None = None) -> kinds.Kind:
    return kinds.DispatchSent(f"派-{number:02}", "日常哨", "甘霖镇", due, f"/d/{number}/")


def tell(user: User, number: int, due: str | None = "2026-11-24T16:30:00+08:00") -> Delivery:
    with transaction.atomic():
        outbox.notify(kind(number, due), to=[user], key=f"k{number}")
    return Delivery.objects.get(message__key=f"k{number}:{user.pk}")


def test_what_waits_at_the_moment_of_sending_is_one_message_the_urgent_first(db: None) -> None:
    user, other = UserFactory.create_batch(2)
    made = [tell(user, 1, None), tell(user, 2, "2026-11-25T10:00:00+08:00"), tell(user, 3, "2026-11-24T10:00:00+08:00")]
    tell(other, 4)
    outbox.deliver(list(Delivery.objects.values_list("pk", flat=True)))
    together, single = sorted(mail.outbox, key=lambda sent: sent.to != [user.email])
    assert together.subject == "派单等您签收 派-03 等 3 条"
    assert [together.body.index(f"编号：派-0{number}") for number in (3, 2, 1)] == sorted(
        together.body.index(f"编号：派-0{number}") for number in (1, 2, 3)
    )
    assert single.subject == "派单等您签收 派-04"
    batches = dict(Delivery.objects.values_list("message__data__number", "batch"))
    assert {batches[f"派-0{number}"] for number in (1, 2, 3)} == {made[0].pk}


def test_a_burst_is_a_few_messages_and_then_one(db: None) -> None:
    user = UserFactory()
    for number in range(20):
        outbox.deliver([tell(user, number).pk])
    assert len(mail.outbox) == FEW
    waiting = Delivery.objects.filter(state="retry")
    assert waiting.count() == 20 - FEW
    assert set(waiting.values_list("attempts", flat=True)) == {0}
    assert all(row.next_at < timezone.now() + timedelta(minutes=1) for row in waiting)
    waiting.update(next_at=timezone.now())
    outbox.deliver([row.pk for row in Delivery.objects.filter(state="retry")])
    assert len(mail.outbox) == FEW + 1
    assert mail.outbox[-1].body.count("打开办理：") == 20 - FEW
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_what_presses_goes_at_once_in_a_burst_too(db: None) -> None:
    user = UserFactory()
    for number in range(FEW):
        outbox.deliver([tell(user, number).pk])
    soon = (timezone.now() + timedelta(minutes=15)).isoformat()
    outbox.deliver([tell(user, 9, soon).pk])
    assert [sent.subject for sent in mail.outbox][FEW:] == ["派单等您签收 派-09"]


def test_one_message_of_many_rows_counts_as_one(db: None) -> None:
    user = UserFactory()
    outbox.deliver([tell(user, number).pk for number in range(10)])
    outbox.deliver([tell(user, 11).pk])
    assert len(mail.outbox) == 2


def test_a_burst_of_two_minutes_ago_is_forgotten(db: None) -> None:
    user = UserFactory()
    for number in range(FEW):
        outbox.deliver([tell(user, number).pk])
    Delivery.objects.update(sent_at=timezone.now() - timedelta(minutes=2, seconds=1))
    outbox.deliver([tell(user, 9).pk])
    assert len(mail.outbox) == FEW + 1


def test_the_sweep_never_parts_what_waits_for_one_receiver(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    poked: list[list[int]] = []
    monkeypatch.setattr(broker, "send", lambda ids: poked.append(list(ids)) or True)
    monkeypatch.setattr(broker, "CHUNK", 4)
    users = UserFactory.create_batch(3)
    for number in range(9):
        tell(users[number % 3], number)
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    poked.clear()
    outbox.sweep()
    assert [len(chunk) for chunk in poked] == [3, 3, 3]
    for chunk in poked:
        assert Delivery.objects.filter(pk__in=chunk).values("address").distinct().count() == 1


def test_the_rows_of_one_message_are_marked_together(
    transactional_db: None, transport: type[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "send", lambda ids: True)
    user = UserFactory()
    pks = [tell(user, number).pk for number in range(5)]
    seen: list[object] = []

    def look(self: Scripted, messages: object) -> int:
        seen.append((set(Delivery.objects.values_list("state", flat=True)), connection.in_atomic_block))
        return 1

    monkeypatch.setattr(Scripted, "send_messages", look)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox.claim, "mark_sent", lambda rows: None)  # the worker dies before it can mark
        outbox.deliver(pks)
    assert seen == [({"sending"}, False)]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sending"}


def test_a_repeated_batch_has_the_same_message_id(db: None, transport: type[Scripted]) -> None:
    user = UserFactory()
    made = [tell(user, number) for number in range(3)]
    pks = [delivery.pk for delivery in made]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox.claim, "mark_sent", lambda rows: None)
        outbox.deliver(pks)
    Delivery.objects.update(claimed_at=timezone.now() - timedelta(minutes=3))
    outbox.deliver(pks)
    first, second = (sent.extra_headers["Message-ID"] for sent in transport.sent)
    assert first == second == message_id(*made) != message_id(*made[:2])
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 2)}


def test_a_batch_that_fails_is_tried_again_row_by_row_as_its_tries_say(db: None, transport: type[Scripted]) -> None:
    user = UserFactory()
    old, fresh = tell(user, 1), tell(user, 2)
    Delivery.objects.filter(pk=old.pk).update(state="retry", attempts=5, next_at=timezone.now())
    transport.script = [TimeoutError("timed out")]
    outbox.deliver([old.pk, fresh.pk])
    assert dict(Delivery.objects.values_list("pk", "state")) == {old.pk: "failed", fresh.pk: "retry"}
