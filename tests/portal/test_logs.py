"""Logs say what happened, and nothing of what somebody typed, searched for or saved."""

import os
import subprocess
import sys

import pytest
import structlog
from django.db import IntegrityError, connection, transaction
from structlog.testing import capture_logs

from portal.logs import without_rows
from tests.cast import Cast, client_for
from townships.models import Unit

SAVED = ("不该进日志的", "第二行")


def test_access_log_has_the_path_without_the_query(cast: Cast) -> None:
    with capture_logs() as lines:
        client_for(cast.duty).get("/events/", {"q": "张三 13800000000"})
    said = [line["request"] for line in lines if "request" in line]
    assert said == ["GET /events/", "GET /events/"]


def test_traceback_of_a_refused_row_does_not_show_the_row(cast: Cast) -> None:
    first, second = SAVED
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Unit.objects.create(code="x", name=f"{first}\n\n{second}", short_name="x", kind="grid")
    assert first in str(caught.value)
    info = (caught.type, caught.value, caught.tb)
    event = structlog.processors.format_exc_info(None, "error", {"event": "x", "exc_info": info})
    said = without_rows(None, "error", event)["exception"]
    assert not [word for word in SAVED if word in said]
    assert "IntegrityError" in said


def test_log_of_the_database_has_no_statements(db: None) -> None:
    with connection.cursor() as cursor:
        for name, value in (("log_min_error_statement", "panic"), ("log_error_verbosity", "terse")):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == (value,)
        cursor.execute("SHOW log_min_duration_statement")
        assert cursor.fetchone() == ("-1",)


def test_most_talkative_log_has_no_address_of_a_wall() -> None:
    told = {**os.environ, "LOG_LEVEL": "DEBUG", "DJANGO_SETTINGS_MODULE": "portal.settings"}
    asked = "from portal.settings import LOGGING; print(LOGGING['loggers']['gunicorn.error']['level'])"
    done = subprocess.run([sys.executable, "-c", asked], env=told, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "INFO"


def test_error_that_is_the_event_itself_does_not_show_the_row_either() -> None:
    event = {"event": "duplicate key value\nDETAIL:  Key (username)=(不该进日志的) already exists.\n"}
    assert without_rows(None, "error", event)["event"] == "duplicate key value\nDETAIL: …\n"
