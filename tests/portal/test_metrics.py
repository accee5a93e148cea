"""/metrics: what it counts, who may read it, and that it holds nobody's data."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from unittest.mock import Mock

import pytest
import yaml
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal import gauges
from portal.settings import BASE_DIR
from records.models import JobRun
from records.services import job_run
from tests.cast import Cast, client_for

pytestmark = pytest.mark.django_db
TOKEN = {"headers": {"Authorization": "Bearer let-me-read"}}


@pytest.fixture(autouse=True)
def _token(settings) -> None:
    settings.METRICS_TOKEN = "let-me-read"


def read(client: Client) -> dict[str, float]:
    """Series → value."""
    response = client.get("/metrics", **TOKEN)
    assert response.status_code == 200
    lines = [line for line in response.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize(
    ("allow", "asked", "status"),
    [
        ([], {}, 404),
        ([], {"headers": {"Authorization": "Bearer other"}}, 404),
        ([], {"headers": {"Authorization": "Bearer 令牌"}}, 404),
        ([], TOKEN, 200),
        (["10.1.0.0/16"], {"REMOTE_ADDR": "10.1.2.3"}, 200),
        (["10.1.0.0/16"], {"REMOTE_ADDR": "10.2.2.3"}, 404),
        (["10.1.0.0/16"], {"REMOTE_ADDR": ""}, 404),
        (["10.1.0.0/16"], {"REMOTE_ADDR": "10.1.2.3", "headers": {"X-Forwarded-For": "10.1.2.3"}}, 404),
    ],
)
def test_metrics_are_read_by_token_or_address(client: Client, settings, allow, asked, status) -> None:
    settings.METRICS_ALLOW, settings.PROXY_COUNT = allow, 1
    assert client.get("/metrics", **asked).status_code == status


def test_empty_token_lets_nobody_in(client: Client, settings) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_requests_are_counted_by_view_and_status(cast: Cast) -> None:
    client = client_for(cast.duty)
    name = 'portal_requests_total{method="GET",status="200",view="command_room:worklist"}'
    before = read(client).get(name, 0)
    client.get("/worklist/?q=13800000001")
    after = read(client)
    assert after[name] == before + 1
    assert after['portal_request_seconds_count{method="GET",view="command_room:worklist"}'] >= 1


def test_strange_addresses_and_methods_make_no_new_series(client: Client) -> None:
    client.get("/metrics", **TOKEN)
    before = read(client)
    for number in range(5):
        client.get(f"/no-such-page-{number}")
        client.generic(f"ODD{number}", "/livez")
    fresh = read(client).keys() - before.keys()
    labels = {re.sub(r'.*view="([^"]+)".*', r"\1", name) for name in fresh}
    assert labels <= {"none", "livez", "metrics"}
    assert not [name for name in fresh if "no-such" in name or "ODD" in name]


def test_gauges_tell_outbox_tasks_database_and_queues(client: Client) -> None:
    job_run.note("notifications.sweep", started_at=timezone.now(), took=timedelta(seconds=0.5))
    found = read(client)
    assert found['portal_up{part="database"}'] == found['portal_up{part="broker"}'] == 1
    assert found['portal_outbox_deliveries{state="failed"}'] == 0
    assert found['portal_task_success_age_seconds{task="notifications.sweep"}'] < 60
    assert found['portal_queue_length{queue="messages"}'] >= 0
    assert 0 < found["portal_database_connections"] <= found["portal_database_connections_max"]
    assert abs(found["portal_clock_ahead_seconds"]) < 5


def test_periodic_job_ages_from_its_last_good_run_or_from_when_it_was_awaited(client: Client) -> None:
    """All of the schedule is told: one that beat has never heard of is late, one that fails each time grows old."""
    now, hour = timezone.now(), timedelta(hours=1)
    job_run.note("notifications.sweep", started_at=now - 3 * hour, took=timedelta(seconds=1))
    job_run.note("notifications.sweep", started_at=now, took=timedelta(seconds=1), error="OperationalError")
    JobRun.objects.create(task="enforcement.escalate", known_at=now - hour)
    found = read(client)
    age = {name: value for name, value in found.items() if name.startswith("portal_task_success_age")}
    assert age['portal_task_success_age_seconds{task="notifications.sweep"}'] == pytest.approx(3 * 3600, abs=60)
    assert age['portal_task_success_age_seconds{task="enforcement.escalate"}'] == pytest.approx(3600, abs=60)
    late = {task: found[f'portal_task_late{{task="{task}"}}'] for task in job_run.scheduled()}
    assert late.pop("notifications.sweep") == 0
    assert set(late.values()) == {1}


def test_part_that_is_away_leaves_the_others(client: Client, settings, monkeypatch) -> None:
    settings.REDIS_URL = "unix:///nowhere.sock?db=0"
    monkeypatch.setattr(gauges, "from_disk", Mock(side_effect=OSError("no disk")))
    found = read(client)
    assert (found['portal_up{part="broker"}'], found['portal_up{part="disk"}']) == (0, 0)
    assert found['portal_up{part="database"}'] == 1


def test_each_alarm_asks_for_a_series_that_is_told(client: Client, cast: Cast) -> None:
    job_run.note("notifications.sweep", started_at=timezone.now(), took=timedelta(seconds=1))
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO notifications_sweep (id, ran_at, poked) VALUES (1, now(), 0)")
    client.get("/livez")
    read(client)
    told = {name.partition("{")[0] for name in read(client)}
    rules = [
        rule for group in yaml.safe_load((BASE_DIR / "ops/alerts.yml").read_text())["groups"] for rule in group["rules"]
    ]
    assert len(rules) >= 10
    for rule in rules:
        asked = set(re.findall(r"portal_\w+", rule["expr"]))
        assert asked and asked <= told, rule["alert"]
        assert rule["annotations"]["summary"] and "docs/operations.md" in rule["annotations"]["do"]


PROGRAM = """
import json, os
from portal import webserver
import django; django.setup()
from portal import metrics
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
for _ in range(2):
    if os.fork() == 0:
        metrics.requests.labels("here", "GET", 200).inc()
        os._exit(0)
    os.wait()
read = CollectorRegistry(); MultiProcessCollector(read)
print(json.dumps([l for l in generate_latest(read).decode().splitlines() if l.startswith("portal_requests_total")]))
"""


def test_workers_count_together(tmp_path) -> None:
    told = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings", "VAR_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=BASE_DIR, env=told, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [
        'portal_requests_total{method="GET",status="200",view="here"} 2.0'
    ]
