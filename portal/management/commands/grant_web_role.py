"""What the web's database role may do: read and write rows, never the schema, and only add to the append-only tables."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg2 import sql

READ_ONLY = ("django_migrations",)


class Command(BaseCommand):
    help = "Grants WEB_DB_ROLE what the web, the workers and beat need. Run it as the owner, after migrate."
    requires_system_checks = []

    def handle(self, *_: Any, **__: Any) -> None:
        role = settings.WEB_DB_ROLE
        if not role:
            raise CommandError("WEB_DB_ROLE is not set: there is no role to grant anything to.")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if cursor.fetchone() is None:
                raise CommandError(f"The role {role} does not exist. Create it first: CREATE ROLE {role} LOGIN;")
            for statement in grants(role):
                cursor.execute(statement)


def append_only_tables() -> list[str]:
    """Tables of every model that says `append_only = True`."""
    return sorted({model._meta.db_table for model in apps.get_models() if getattr(model, "append_only", False)})


def grants(role: str) -> list[sql.Composable]:
    """The statements, in order; in one transaction, so that no moment allows more than the end."""
    grantee = sql.Identifier(role)
    narrowed = [(table, "UPDATE, DELETE, TRUNCATE") for table in append_only_tables()]
    narrowed += [(table, "INSERT, UPDATE, DELETE, TRUNCATE") for table in READ_ONLY]
    rows = "SELECT, INSERT, UPDATE, DELETE"
    return [
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(grantee),
        sql.SQL(f"GRANT {rows} ON ALL TABLES IN SCHEMA public TO {{}}").format(grantee),
        sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(grantee),
        sql.SQL(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rows} ON TABLES TO {{}}").format(grantee),
        sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {}").format(grantee),
        *(
            sql.SQL(f"REVOKE {rights} ON {{}} FROM {{}}").format(sql.Identifier(table), grantee)
            for table, rights in narrowed
        ),
    ]
