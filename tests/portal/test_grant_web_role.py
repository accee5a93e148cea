"""What the web's role can do in the database, tried over a connection of its own."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command

from portal.management.commands.grant_web_role import append_only_tables


@pytest.fixture
def web(web_role_url: str) -> Iterator[Any]:
    with closing(psycopg2.connect(web_role_url)) as link, link.cursor() as cursor:
        yield cursor
        link.rollback()


def test_web_role_reads_and_writes_rows(web: Any) -> None:
    web.execute("INSERT INTO django_session VALUES ('key', 'data', now())")
    web.execute("UPDATE django_session SET session_data = 'other'; DELETE FROM django_session")
    web.execute("SELECT nextval(pg_get_serial_sequence('django_content_type', 'id'))")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE django_session ADD COLUMN more int",
        "DROP TABLE django_session",
        "TRUNCATE django_session",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('portal', '0001', now())",
    ],
)
def test_web_role_changes_no_schema(web: Any, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        web.execute(statement)


@pytest.mark.parametrize("table", append_only_tables())
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET id = id", "TRUNCATE {}"])
def test_web_role_only_adds_to_append_only_tables(web: Any, table: str, statement: str) -> None:
    web.execute(f"SELECT has_table_privilege('{table}', 'INSERT, SELECT')")
    assert web.fetchone() == (True,)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        web.execute(statement.format(table))


def test_timeline_is_append_only() -> None:
    assert "records_entry" in append_only_tables()


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "said"), [("", "not set"), ("nobody_here", "does not exist")])
def test_missing_role_is_told(settings, role: str, said: str) -> None:
    settings.WEB_DB_ROLE = role
    with pytest.raises(CommandError, match=said):
        call_command("grant_web_role")
