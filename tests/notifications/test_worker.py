"""The outbox with a real worker process and a real broker: killed, away, emptied."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from bench.sinks import mail_sink, web_sink
from notifications import kinds
from notifications.models import Delivery, MessagePreference
from notifications.services import broker, outbox
from portal import embedded
from tests.cast import PostFactory, UserFactory
from tests.notifications.conftest import MakeDeliveries
from tests.notifications.test_notify import app_at

pytestmark = pytest.mark.slow


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for the condition, or fail."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


class Worker:
    """A worker of one queue on the test's database and broker, writing mails to `folder`/mail."""

    def __init__(self, folder: Path, queue: str = "messages", **more: str) -> None:
        self.mail = folder / "mail"
        self.hang = folder / "hang"
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DATABASE_URL": embedded.database_url(
                Path(os.environ["PORTAL_TEST_DIR"]), database=connection.settings_dict["NAME"]
            ),
            "WEB_DB_ROLE": "",
            "VAR_DIR": str(folder),
            "EMAIL_BACKEND": "tests.notifications.transports.Hanging",
            "MAIL_ALLOW": "*",
            "HANG_FILE": str(self.hang),
            **more,
        }
        command = [sys.executable, "-m", "celery", "-q", "-A", "portal", "worker", "-Q", queue, "-c", "1"]
        with (folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=settings.BASE_DIR, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until_ready(self) -> None:
        until(lambda: bool(current_app.control.ping(timeout=0.3)))

    def kill(self) -> None:
        """kill -9 of the worker and its child."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def mails(self) -> int:
        return len(list(self.mail.glob("*.eml")))

    def texts(self) -> list[str]:
        mails = [BytesParser(policy=policy.default).parsebytes(file.read_bytes()) for file in self.mail.glob("*.eml")]
        return [mail.get_content() for mail in mails]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts a worker; all of them end with the test."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    with ExitStack() as started:

        def make(**more: str) -> Worker:
            worker = Worker(tmp_path, **more)
            started.callback(worker.kill)
            return worker

        yield make


def state() -> tuple[str, int]:
    delivery = Delivery.objects.get()
    return delivery.state, delivery.attempts


def test_a_worker_killed_between_claim_and_send_loses_nothing_and_sends_once(
    transactional_db: None, tmp_path: Path, start: Callable[..., Worker]
) -> None:
    (tmp_path / "hang").touch()
    worker = start()
    with transaction.atomic():
        outbox.notify(kinds.DispatchSent.sample(), to=[UserFactory()], key="k")
    until((tmp_path / "hang.reached").exists)
    worker.kill()
    assert state() == ("sending", 1)
    assert worker.mails() == 0

    (tmp_path / "hang").unlink()
    second = start()
    second.wait_until_ready()
    outbox.sweep()  # too early: for all it knows, the first one is still sending
    assert state() == ("sending", 1)
    past = timezone.now() - timedelta(minutes=3)
    Delivery.objects.update(claimed_at=past, created_at=past)
    outbox.sweep()
    until(lambda: state() == ("sent", 2))
    outbox.sweep()
    time.sleep(0.5)
    assert second.mails() == 1
    assert state() == ("sent", 2)


def test_a_worker_killed_with_a_batch_in_hand_loses_nothing_and_sends_it_as_one(
    transactional_db: None, tmp_path: Path, start: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = UserFactory()
    with broker_away(monkeypatch):
        for number in range(6):
            with transaction.atomic():
                outbox.notify(kinds.DispatchSent.sample(), to=[user], key=f"k{number}")
    (tmp_path / "hang").touch()
    worker = start()
    past = timezone.now() - timedelta(minutes=3)
    Delivery.objects.update(created_at=past)
    outbox.sweep()
    until((tmp_path / "hang.reached").exists)
    worker.kill()
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sending", 1)}
    assert worker.mails() == 0

    (tmp_path / "hang").unlink()
    second = start()
    Delivery.objects.update(claimed_at=past)
    outbox.sweep()
    until(lambda: not Delivery.objects.exclude(state="sent", attempts=2).exists())
    outbox.sweep()
    time.sleep(0.5)
    assert second.mails() == 1
    assert Delivery.objects.values("batch").distinct().count() == 1


def test_from_the_commit_to_the_receiver_takes_moments(
    transactional_db: None,
    start: Callable[..., Worker],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """Over a socket of this machine, by the worker of `make run`."""
    answered = '{"errcode":0,"errmsg":"ok","code":0}'
    with web_sink() as web, mail_sink() as post:
        web.answers = [(200, answered)]
        unit = PostFactory().unit
        people = {channel: PostFactory(unit=unit).user for channel in ("mail", "robot", "sms")}
        group = {unit.code: {"url": f"{web.origin}/send?access_token=t", "secret": "SEC"}}
        monkeypatch.setattr(settings, "ROBOT_SECRETS", group)
        monkeypatch.setattr(settings, "SMS_URL", f"{web.origin}/sms")
        for channel, user in people.items():
            MessagePreference.objects.create(user=user, channels=[channel])
        worker = start(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=str(post.port),
            ROBOT_SECRETS=json.dumps(group),
            SMS_URL=f"{web.origin}/sms",
            SMS_ALLOW="*",
            CHANNEL_HOSTS=f"{web.origin},127.0.0.1:{post.port}",
        )
        worker.wait_until_ready()
        took = []
        for number, (channel, user) in enumerate([*people.items()] * 3, 1):
            with transaction.atomic():
                outbox.notify(kinds.DispatchSent.sample(), to=[user], key=f"k{number}")
            committed = time.monotonic()
            until(lambda count=number: len(post.at) + len(web.got) == count)
            took.append((post.at[-1] if channel == "mail" else web.got[-1].at) - committed)
        until(lambda: Delivery.objects.filter(state="sent").count() == len(took))
    assert Counter(Delivery.objects.values_list("channel", flat=True)) == dict.fromkeys(people, 3)
    record_property("ms", [round(seconds * 1000) for seconds in took])
    assert max(took) < 5


@contextmanager
def broker_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(broker, "current_app", app_at("redis://127.0.0.1:1/0"))
        yield


def test_what_was_written_while_the_broker_was_away_arrives_afterwards(
    transactional_db: None, deliveries: MakeDeliveries, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Worker]
) -> None:
    with broker_away(monkeypatch):
        for step in range(5):
            deliveries(3, key=f"step{step}")
        Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=1))
        outbox.sweep()
    assert Delivery.objects.filter(state="pending").count() == 15
    worker = start()
    outbox.sweep()
    until(lambda: Delivery.objects.filter(state="sent").count() == 15)
    assert worker.mails() == 15


def test_an_emptied_broker_loses_nothing(
    transactional_db: None, deliveries: MakeDeliveries, start: Callable[..., Worker]
) -> None:
    deliveries(4)
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    worker = start()
    worker.wait_until_ready()
    assert Delivery.objects.filter(state="pending").count() == 4
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    current_app.send_task("notifications.sweep")
    until(lambda: Delivery.objects.filter(state="sent").count() == 4)
    assert worker.mails() == 4
    assert outbox.Sweep.objects.get().poked == 4


def test_a_worker_keeps_its_database_connection_and_survives_its_loss(
    transactional_db: None, deliveries: MakeDeliveries, start: Callable[..., Worker]
) -> None:
    start().wait_until_ready()
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    def of_the_worker() -> set[int]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pid {others}")
            return {pid for (pid,) in cursor.fetchall()}

    seen = []
    for key in "abc":
        deliveries(key=key)
        until(lambda: not Delivery.objects.exclude(state="sent").exists())
        seen.append(of_the_worker())
        if key == "b":
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_terminate_backend(pid) {others}")
    first, second, after_the_loss = seen
    assert first == second
    assert len(after_the_loss) == 1
    assert after_the_loss != second
