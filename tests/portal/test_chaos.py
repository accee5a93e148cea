"""`make chaos` in small: whistles through the web server while the worker is killed with -9; each receiver gets each."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from bench import receipts
from bench.load import Call, answer
from bench.measure import CSRF, client_for
from bench.sinks import MailSink, WebSink, mail_sink
from enforcement.models import Event, Whistle
from notifications.models import Delivery
from notifications.services import outbox
from tests.cast import Cast
from tests.enforcement import walk
from tests.notifications.test_worker import Worker, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("calendar_2026")]
WHISTLES = 6


@pytest.fixture
def mails() -> Iterator[MailSink]:
    with mail_sink() as sink:
        yield sink


@pytest.fixture
def start(tmp_path: Path, mails: MailSink) -> Iterator[Callable[[], Worker]]:
    """Starts a worker that sends to `mails`; all of them end with the test."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    with ExitStack() as started:

        def make() -> Worker:
            worker = Worker(
                tmp_path,
                EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
                EMAIL_HOST="127.0.0.1",
                EMAIL_PORT=str(mails.port),
                CHANNEL_HOSTS=f"127.0.0.1:{mails.port}",
            )
            started.callback(worker.kill)
            return worker

        yield make


def blow(server: LiveServer, event: Event, cast: Cast) -> None:
    """An emergency, posted twice with one form, as somebody does who got no answer."""
    form = {
        "csrfmiddlewaretoken": CSRF,
        "request_id": str(uuid4()),
        "seen_state": "reported",
        "kind": "emergency",
        "facts": walk.FACTS,
        "why": "emergency",
        "lead": str(cast.scjg.pk),
        "helpers": str(cast.zrzy.pk),
    }
    call = Call(f"/events/{event.pk}/whistle/", client_for("duty")[1], form=form)
    for _ in range(2):
        assert answer(server.thread.port, call, 20)[0] == 302


def minutes_pass() -> None:
    """With no worker alive: what the dead one had in hand counts as stuck, and the sweep of the next minute finds it."""
    Delivery.objects.exclude(claimed_at=None).update(claimed_at=timezone.now() - timedelta(minutes=3))
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    outbox.sweep()


def drained() -> bool:
    """Whether all is out, half a minute later: then what a burst has gathered goes as one message."""
    time.sleep(0.5)
    Delivery.objects.filter(state="retry").update(next_at=timezone.now())
    outbox.sweep()
    return receipts.waiting() == 0


def in_hand() -> bool:
    return Delivery.objects.filter(state="sending").exists()


def test_each_receiver_gets_each_message_while_the_worker_is_killed(
    cast: Cast, live_server: LiveServer, mails: MailSink, start: Callable[[], Worker]
) -> None:
    events = [walk.event(cast) for _ in range(WHISTLES)]
    mails.mute = True  # it takes the call and says nothing: whoever sends, hangs
    worker = start()
    for event in events[:2]:
        blow(live_server, event, cast)
    until(in_hand)
    worker.kill()  # between the claim and the sending

    mails.mute = False
    before = len(mails.mails)
    minutes_pass()
    worker = start()
    for event in events[2:4]:
        blow(live_server, event, cast)
    until(lambda: len(mails.mails) > before)
    worker.kill()  # between the sending and the mark, or near it

    for event in events[4:]:
        blow(live_server, event, cast)  # there is no worker
    minutes_pass()
    start()
    until(drained)

    count = receipts.count([event.pk for event in events], mails, WebSink(), groups=())
    assert count.is_good, count
    assert count.messages == WHISTLES * 3  # the leader, and a liaison of each of two departments
    assert Whistle.objects.count() == WHISTLES
