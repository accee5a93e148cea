"""Rows that hundreds of tests begin with: written once a worker by the portal's own services, then copied.

Whoever writes them does so in a transaction that is taken back; what was written stays in a schema of its own, from
where a test gets it in one round trip. The keys are those of the first time: the sequences have gone on beyond them.
"""

import pickle
from collections.abc import Callable, Iterable
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

SCHEMA = "kept"
Keys = dict[type[Model], set[Any]]


class Kept:
    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")

    def make(self, name: str, write: Callable[[], Any], *, on: Iterable[str] = ()) -> None:
        """Keep what `write` adds to the rows called `on`, none of which it may change, and what it returns."""
        with transaction.atomic():
            for earlier in on:
                self.put(earlier)
            before = keys_of_all_tables()
            self.answers[name] = pickle.dumps(write())
            rows = rows_since(before)
            transaction.set_rollback(True)
        with connection.cursor() as cursor:
            copies = [keep(cursor, name, model, text) for model, text in rows.items()]
            body = f"$$BEGIN {' '.join(copies)} END$$"
            cursor.execute(f"CREATE FUNCTION {SCHEMA}.put_{name}() RETURNS void LANGUAGE plpgsql AS {body}")

    def put(self, name: str) -> Any:
        """The rows are there again; returns what their writer returned, as new objects."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {SCHEMA}.put_{name}()")
        return self.answer(name)

    def answer(self, name: str) -> Any:
        return pickle.loads(self.answers[name])


def tables_with_rows() -> set[str]:
    names = connection.introspection.django_table_names()
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (TABLE {name})" for name in names))
        return {name for (name,) in cursor.fetchall()}


def keys_of_all_tables() -> Keys:
    full = tables_with_rows()
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table in full]
    return {model: set(model._base_manager.values_list("pk", flat=True)) for model in models if not model._meta.proxy}


def rows_since(before: Keys) -> dict[type[Model], str]:
    """What has come into each table since its keys were `before`, as JSON."""
    found = {}
    with connection.cursor() as cursor:
        for model, keys in keys_of_all_tables().items():
            if new := keys - before.get(model, set()):
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
