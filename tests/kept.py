"""Rows that hundreds of tests begin with: written once a worker by the portal's own services, then copied.

Whoever writes them does so in a transaction that is taken back; what was written stays in a schema of its own, from
where a test gets it in one round trip. The keys are those of the first time: the sequences have gone on beyond them.
"""

import pickle
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

SCHEMA = "kept"
Rows = dict[type[Model], str]  # of each table, as JSON


class Kept:
    """What each of `makers` has written and returned. One may build on the rows of those before it, not change them."""

    def __init__(self, makers: dict[str, Callable[[], Any]]) -> None:
        self.answers: dict[str, bytes] = {}
        written: dict[str, Rows] = {}
        with transaction.atomic():
            for name, make in makers.items():
                before = keys_of_all_tables()
                self.answers[name] = pickle.dumps(make())
                written[name] = rows_since(before)
            transaction.set_rollback(True)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
            for name, rows in written.items():
                copies = [keep(cursor, name, model, text) for model, text in rows.items()]
                cursor.execute(
                    f"CREATE FUNCTION {SCHEMA}.put_{name}() RETURNS void LANGUAGE plpgsql AS "
                    f"$$BEGIN {' '.join(copies)} END$$"
                )

    def put(self, name: str) -> Any:
        """The rows are there again; returns what their maker returned, as new objects."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {SCHEMA}.put_{name}()")
        return pickle.loads(self.answers[name])


def keys_of_all_tables() -> dict[type[Model], set[Any]]:
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return {model: set(model._base_manager.values_list("pk", flat=True)) for model in models if not model._meta.proxy}


def rows_since(before: dict[type[Model], set[Any]]) -> Rows:
    """What has come into each table since its keys were `before`."""
    found = {}
    with connection.cursor() as cursor:
        for model, keys in keys_of_all_tables().items():
            if new := keys - before[model]:
                table, key = model._meta.db_table, model._meta.pk.column
                cursor.execute(f"SELECT json_agg(r)::text FROM {table} r WHERE {key} = ANY(%s)", [list(new)])
                [found[model]] = cursor.fetchone()
    return found


def keep(cursor: Any, name: str, model: type[Model], rows: str) -> str:
    """Store `rows` and return the statement that copies them into their table."""
    table, kept = model._meta.db_table, f"{SCHEMA}.{name}_{model._meta.db_table}"
    columns = ", ".join(f'"{field.column}"' for field in model._meta.local_concrete_fields if not field.generated)
    cursor.execute(f"CREATE TABLE {kept} AS SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s)", [rows])
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {kept};"
