"""A whole whistle over the pages while the broker is away: no officer is held up or sees an error, everything arrives."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Count
from django.utils import timezone

from enforcement.models import Category, Dispatch, Event, Whistle
from notifications.models import Delivery, Message
from notifications.services import outbox, route
from notifications.services.route import Wishes
from records.models import Entry
from tests.cast import Cast, client_for
from tests.notifications.test_worker import Worker, broker_away, start, until
from townships.models import User

pytestmark = [pytest.mark.slow]
PATIENCE_S = 2.0  # what one press may take with a dead broker, on a busy machine
__all__ = ["start"]


class Hands:
    """Somebody's browser, which counts how long the slowest answer took."""

    slowest = 0.0

    def __init__(self, user: User) -> None:
        self.client = client_for(user)

    def press(self, path: str, **form: Any) -> None:
        begun = time.monotonic()
        response = self.client.post(path, form)
        Hands.slowest = max(Hands.slowest, time.monotonic() - begun)
        assert response.status_code == 302, response.content.decode()[:1000]


def walk(cast: Cast) -> Whistle:
    """Report, submit, approve, sign, arrive, report back, rework, report back, confirm: every form over HTTP."""
    category = Category.objects.exclude(parent=None).first()
    assert category is not None
    report = {"category_text": category.name, "category": category.pk, "place": "东湖路 18 号", "facts": "夜市占道"}
    Hands(cast.grid).press("/events/report/", request_id=uuid4(), is_urgent="no", **report)
    event = Event.objects.get()
    asked = {"lead": cast.scjg.pk, "helpers": [cast.zrzy.pk], "why": "joint", "facts": "请查", "kind": "routine"}
    Hands(cast.duty).press(f"{event.get_absolute_url()}whistle/", request_id=uuid4(), seen_state="reported", **asked)
    whistle = Whistle.objects.get()
    Hands(cast.leader).press(f"{whistle.get_absolute_url()}approve/", seen_state="submitted")
    lead, helper = Dispatch.objects.order_by("id")
    for dispatch, liaison, officer in (
        (lead, cast.scjg_liaison, cast.scjg_officer),
        (helper, cast.zrzy_liaison, cast.zrzy_officer),
    ):
        hands, page = Hands(liaison), dispatch.get_absolute_url()
        hands.press(f"{page}sign/", seen_state="sent")
        hands.press(f"{page}arrive/", seen_state="signed", officers=[officer.pk], uses_power="on")
    back, result = f"{lead.get_absolute_url()}report/", {"result": "solved", "measures": "摊位已撤"}
    Hands(cast.scjg_liaison).press(back, request_id=uuid4(), seen_state="arrived", **result)
    Hands(cast.duty).press(f"{lead.get_absolute_url()}rework/", seen_state="reported", reason="净化器未装")
    Hands(cast.scjg_liaison).press(back, request_id=uuid4(), seen_state="rework", **result)
    Hands(cast.duty).press(f"{whistle.get_absolute_url()}close/", seen_state="reported")
    return whistle


def test_walk_with_the_broker_away_is_not_held_up_and_everything_arrives_afterwards(
    committed_cast: Cast, monkeypatch: pytest.MonkeyPatch, start: Callable[[], Worker]
) -> None:
    monkeypatch.setattr(route, "house_wishes", lambda _row: Wishes(("mail",), None, None))  # the test may run at night
    with broker_away(monkeypatch):
        whistle = walk(committed_cast)
    whistle.refresh_from_db()
    assert whistle.state == "closed"
    assert Hands.slowest < PATIENCE_S
    told = dict(Message.objects.values_list("kind").annotate(Count("pk")))
    assert told == {
        "event_reported": 1, "whistle_submitted": 1, "whistle_approved": 1, "dispatch_sent": 2, "dispatch_arrived": 2,
        "dispatch_reported": 2, "rework_asked": 1, "dispatch_closed": 2, "event_closed": 1,
        "check_asked": 2,
    }  # fmt: skip
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending"}
    assert Delivery.objects.count() == Message.objects.count() == sum(told.values())
    assert Entry.objects.about(whistle).filter(verb="whistle_closed").exists()

    worker = start()
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    outbox.sweep()
    until(lambda: not Delivery.objects.exclude(state="sent").exists())
    assert worker.mails() == Message.objects.values("recipient").distinct().count()  # what waited is one mail a person
    said = (
        Message.objects.values("recipient", "kind", "data").distinct().count()
    )  # what is word for word the same, once
    assert sum(text.count("打开办理：") for text in worker.texts()) == said
