"""Two questions from outside: may this process be sent requests (/livez), and does the whole portal work (/healthz)?"""

from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

from notifications.services import outbox

BROKER_S = 0.5  # seconds the broker may take
WORKER_S = 0.7  # seconds a worker may take; with the broker's, all parts together answer within two
QUEUES = ("messages", "jobs")
SWEEP_LATE_S = 300  # the sweep comes each minute; beat or the messages' worker has stopped when it is this late


@never_cache
@require_safe
@login_not_required
def livez(_request: HttpRequest) -> HttpResponse:
    """200 while this process can read the database, else 503. For a proxy: it asks for nothing else."""
    return HttpResponse("ok\n", content_type="text/plain") if database_answers() else HttpResponse(status=503)


@never_cache
@require_safe
@login_not_required
def healthz(_request: HttpRequest) -> JsonResponse:
    """The state of every part, ages in seconds; 503 when one is down. For a person or an alarm, not for a proxy."""
    database = database_answers()
    broker = broker_answers()
    worker = broker and all(worker_answers(queue) for queue in QUEUES)
    sweep_age, oldest_pending = outbox.health() if database else (None, None)
    is_up = database and broker and worker and (sweep_age is None or sweep_age < SWEEP_LATE_S)
    body: dict[str, Any] = {
        "status": word(is_up),
        "database": word(database),
        "broker": word(broker),
        "worker": word(worker),
        "last_sweep_age_s": sweep_age,
        "oldest_pending_s": oldest_pending,
    }
    return JsonResponse(body, status=200 if is_up else 503)


def word(up: object) -> str:
    return "ok" if up else "down"


def database_answers() -> bool:
    """Whether this process can read a table."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
            return cursor.fetchone() is not None
    except Error:
        return False


def broker_answers() -> bool:
    """Whether Valkey answers within BROKER_S, without redis-py's retries."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=BROKER_S, socket_timeout=BROKER_S, retry=Retry(NoBackoff(), 0)
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def worker_answers(queue: str) -> bool:
    """Whether a worker of this queue answers within WORKER_S; the first answer ends the wait."""
    try:
        with current_app.connection_for_write(connect_timeout=BROKER_S) as link:
            replies = current_app.control.broadcast(
                "ping",
                connection=link,
                reply=True,
                timeout=WORKER_S,
                limit=1,
                pattern=f"{queue}@*",
                matcher="glob",  # type: ignore[arg-type]  # kombu sends the name; a function could not travel
            )
    except Exception:  # whatever the transport throws: nobody answered
        return False
    return bool(replies)
