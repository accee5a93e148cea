"""/livez and /healthz: what they say when a part is down, and that they say it soon."""

import time
from unittest.mock import Mock

import pytest
from django.db import OperationalError, connection
from django.test import Client

from portal import health

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "cursor", Mock(side_effect=OperationalError("gone")))


def test_livez_needs_no_login_and_no_session(client: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response["Cache-Control"]


def test_livez_without_database(client: Client, no_database: None) -> None:
    assert client.get("/livez").status_code == 503


@pytest.mark.parametrize("path", ["/livez", "/healthz"])
def test_only_questions_are_answered(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


def test_proxy_is_not_sent_to_https(client: Client, settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/livez").status_code == 200


def test_healthz_when_all_is_well(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "worker_answers", lambda _queue: True)
    monkeypatch.setattr(health.outbox, "health", lambda: (12.5, None))
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "database": "ok",
        "broker": "ok",
        "worker": "ok",
        "last_sweep_age_s": 12.5,
        "oldest_pending_s": None,
    }


def test_healthz_without_workers(client: Client) -> None:
    begun = time.monotonic()
    response = client.get("/healthz")
    assert time.monotonic() - begun < 2
    assert response.status_code == 503
    assert (response.json()["broker"], response.json()["worker"]) == ("ok", "down")


def test_healthz_when_the_sweep_is_late(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "worker_answers", lambda _queue: True)
    monkeypatch.setattr(health.outbox, "health", lambda: (health.SWEEP_LATE_S + 1.0, 5.0))
    assert client.get("/healthz").json()["status"] == "down"


@pytest.mark.parametrize("url", ["unix:///nowhere/valkey.sock?db=0", "redis://127.0.0.1:1/0"])
def test_healthz_without_broker(client: Client, settings, url: str) -> None:
    settings.REDIS_URL = url
    begun = time.monotonic()
    response = client.get("/healthz")
    assert time.monotonic() - begun < 2
    assert response.status_code == 503
    assert response.json() | {"last_sweep_age_s": None, "oldest_pending_s": None} == {
        "status": "down",
        "database": "ok",
        "broker": "down",
        "worker": "down",
        "last_sweep_age_s": None,
        "oldest_pending_s": None,
    }


def test_healthz_without_database(client: Client, no_database: None) -> None:
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json()["database"] == "down"
    assert response.json()["oldest_pending_s"] is None
