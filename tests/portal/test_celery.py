"""Tasks by name, their queues, and the request id that travels with them."""

import json
import logging
import re
from pathlib import Path

import redis
import structlog
from celery.signals import setup_logging
from django.conf import settings
from structlog.contextvars import bound_contextvars

from portal.celery import app, configure_logging
from portal.settings import BASE_DIR

ROOMS = ("portal", "command_room", "enforcement", "townships", "notifications", "records")
SENT = re.compile(r"""send_task\(\s*["']([\w.]+)["']""")


def names_sent() -> set[str]:
    sources = [source for room in ROOMS for source in Path(BASE_DIR, room).rglob("*.py")]
    return {name for source in sources for name in SENT.findall(source.read_text())}


def test_every_name_that_is_sent_belongs_to_a_task() -> None:
    app.loader.import_default_modules()
    names = names_sent() | {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert "notifications.deliver" in names
    assert names <= app.tasks.keys()


def test_messages_and_jobs_have_a_queue_each() -> None:
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in names_sent()}
    assert queues["notifications.deliver"] == "messages"
    assert {queue for name, queue in queues.items() if not name.startswith("notifications.")} <= {"jobs"}


def test_task_carries_the_request_id() -> None:
    broker = redis.Redis.from_url(settings.REDIS_URL)
    broker.delete("request-id")
    with bound_contextvars(request_id="a-request"):
        app.send_task("notifications.sweep", queue="request-id")
    sent = json.loads(broker.lpop("request-id"))
    broker.close()
    assert sent["headers"]["__django_structlog__"]["request_id"] == "a-request"


def test_worker_logs_json(capsys) -> None:
    assert configure_logging in [receiver() for _, receiver in setup_logging.receivers]
    (handler,) = [handler for handler in logging.getLogger().handlers if type(handler) is logging.StreamHandler]
    with bound_contextvars(request_id="a-request"):
        record = logging.LogRecord("celery.worker", logging.WARNING, "", 0, "收到 %s", ("一件",), None)
        line = json.loads(handler.format(record))
    assert (line["event"], line["request_id"], line["level"]) == ("收到 一件", "a-request", "warning")
    assert structlog.is_configured()
