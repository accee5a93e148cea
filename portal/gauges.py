"""What is asked for when /metrics is read: the outbox, the scheduled tasks, the database, the queues, the disk.

Each part is asked for by itself: one that does not answer leaves its own figures out, and says so.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import redis
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Count, Max
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.registry import Collector
from redis.backoff import NoBackoff
from redis.retry import Retry

from notifications.models import Delivery
from notifications.services import outbox
from portal.health import BROKER_S, QUEUES
from records.services import job_run
from townships.models import CalendarYear

PATIENCE_MS = 2000  # a statement of ours may take; a database in need is not asked for more
WATCHED = (*Delivery.OPEN, Delivery.State.FAILED)


class Gauges(Collector):
    """All of them, at the moment of reading."""

    def collect(self) -> Iterable[Gauge]:
        up = Gauge("portal_up", "Whether the part answers.", labels=["part"])
        for part, ask in {"database": from_database, "broker": from_broker, "disk": from_disk}.items():
            found = attempt(ask)
            up.add_metric([part], float(found is not None))
            yield from found or []
        yield up


def attempt(ask: Callable[[], Iterator[Gauge]]) -> list[Gauge] | None:
    """What this part answers; None if it does not."""
    try:
        return list(ask())
    except (Error, redis.RedisError, OSError):
        return None


def from_database() -> Iterator[Gauge]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
        yield from outbox_gauges()
        yield from task_gauges()
        yield from server_gauges()
        last_year = CalendarYear.objects.aggregate(last=Max("year"))["last"]
        yield Gauge("portal_holidays_last_year", "The last year whose holidays are known.", value=last_year or 0)


def outbox_gauges() -> Iterator[Gauge]:
    swept, oldest = outbox.health()
    if swept is not None:
        yield Gauge("portal_sweep_age_seconds", "Since the outbox was last swept.", value=swept)
    yield Gauge("portal_outbox_oldest_seconds", "Age of the oldest open delivery; 0: none.", value=oldest or 0)
    counted = dict(Delivery.objects.filter(state__in=WATCHED).values_list("state").annotate(Count("id")))
    deliveries = Gauge("portal_outbox_deliveries", "Deliveries that are open or have failed.", labels=["state"])
    for state in WATCHED:
        deliveries.add_metric([state], counted.get(state, 0))
    yield deliveries


def task_gauges() -> Iterator[Gauge]:
    """Of each task in the schedule; one that has never succeeded ages from when it was first awaited."""
    success = Gauge("portal_task_success_age_seconds", "Since the task last succeeded.", labels=["task"])
    took = Gauge("portal_task_seconds", "What its last run took.", labels=["task"])
    late = Gauge("portal_task_late", "Whether its next run should have begun long ago.", labels=["task"])
    now = timezone.now()
    for job in job_run.jobs(now):
        late.add_metric([job.task], float(job.is_late))
        if job.run is None:
            continue
        success.add_metric([job.task], (now - (job.run.succeeded_at or job.run.known_at)).total_seconds())
        if job.run.started_at:
            took.add_metric([job.task], job.run.took_ms / 1000)
    yield from (success, took, late)


def server_gauges() -> Iterator[Gauge]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), current_setting('max_connections')::int, pg_database_size(current_database()),"
            " extract(epoch FROM clock_timestamp()) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        used, most, size, clock = cursor.fetchone() or (0, 0, 0, 0)
    yield Gauge("portal_database_connections", "Connections of all clients.", value=used)
    yield Gauge("portal_database_connections_max", "Connections the server allows.", value=most)
    yield Gauge("portal_database_bytes", "Size of the database.", value=size)
    ahead = timezone.now().timestamp() - float(clock)
    yield Gauge("portal_clock_ahead_seconds", "This machine's clock against the database's.", value=ahead)


def from_broker() -> Iterator[Gauge]:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=BROKER_S, socket_timeout=BROKER_S, retry=Retry(NoBackoff(), 0)
    )
    try:
        lengths = Gauge("portal_queue_length", "Tasks that wait for a worker.", labels=["queue"])
        for queue in QUEUES:
            lengths.add_metric([queue], client.llen(queue))
    finally:
        client.close()
    yield lengths


def from_disk() -> Iterator[Gauge]:
    """Where files are kept; of the database's disk its server's own exporter tells."""
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    found = shutil.disk_usage(folder)
    yield Gauge("portal_files_free_bytes", "Free bytes where files are kept.", value=found.free)
    yield Gauge("portal_files_total_bytes", "All bytes where files are kept.", value=found.total)
