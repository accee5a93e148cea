"""What Django's own checks cannot know. Ids: portal.E001 …"""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.db import connections

KNOWS_LETTERS = "SELECT '城' ~ '[[:alpha:]]'"


def database_reads_chinese(databases: Sequence[str] | None, **_: Any) -> list[CheckMessage]:
    """In the libc locale C, pg_trgm takes Chinese characters for blanks, and every search by trigram finds nothing."""
    return [found for alias in databases or [] if (found := blind(alias))]


def blind(alias: str) -> Error | None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()")
        (encoding,) = cursor.fetchone()
        cursor.execute(KNOWS_LETTERS)
        (knows_letters,) = cursor.fetchone()
    if encoding == "UTF8" and knows_letters:
        return None
    return Error(
        f"Database {alias!r} ({encoding}) does not know Chinese characters as letters.",
        hint="Make the cluster with initdb --encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8.",
        id="portal.E001",
    )


def owner_is_not_the_web(**_: Any) -> list[CheckMessage]:
    """The web must not be able to change the schema or the append-only timeline."""
    if settings.WEB_DB_ROLE:
        return []
    return [
        Caution(
            "The web reaches the database as the owner of its tables.",
            hint="Set WEB_DB_ROLE and WEB_DATABASE_URL, see .env.example.",
            id="portal.W001",
        )
    ]


def second_factor_is_for_roles(**_: Any) -> list[CheckMessage]:
    """A slip in a role's name would leave that role without a second factor, and nobody would notice."""
    known = {value for value, _ in apps.get_model("townships.Post")._meta.get_field("role").flatchoices}
    strange = set(settings.OTP_REQUIRED_ROLES) - known
    if not strange:
        return []
    hint = f"Known are: {', '.join(sorted(known))}."
    return [
        Error(f"OTP_REQUIRED_ROLES names what is no role: {', '.join(sorted(strange))}.", hint=hint, id="portal.E002")
    ]
