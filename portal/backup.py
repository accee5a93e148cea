"""A backup and its restoration: the database as one snapshot saw it, then the files, then what both must agree in.

Files are added before the row that names them is committed, and never changed: whatever a dump names is there when the
files are copied after it. One folder a backup holds dump and manifest; the files, named by their content, are kept once
for all of them. The keys are not in it: they belong into another safe.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from psycopg2 import sql

from command_room.services.retention_files import forgotten
from portal.embedded.postgres import binary
from records.models import Attachment
from records.services.seal import BLOCK, digest_of, is_intact, key_id

KEPT_FOLDERS = ("originals", "previews")  # what waits for a form, or was exported for a day, is no record
DUMP, MANIFEST = "database.dump", "manifest.json"
NAME = "%Y%m%dT%H%M%SZ"  # of a backup's folder
A_DAY = timedelta(days=1)
Tables = dict[str, list[int]]  # name → [rows, checksum]


class Unfit(Exception):  # noqa: N818 - a sentence to the operator
    """The backup cannot be made or restored; the text says why and what to do."""


def back_up(root: Path, keep: int) -> Path:
    """Make one backup under `root`, whole or not at all, and forget all but the last `keep`. Its folder."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    begun = datetime.now(UTC)
    partial, final = root / f".{begun:{NAME}}.partial", root / f"{begun:{NAME}}"
    for leftover in root.glob(".*.partial"):
        shutil.rmtree(leftover)
    partial.mkdir(mode=0o700)
    with snapshot() as name:
        tables = measure()
        schema = schema_facts()
        dump(partial / DUMP, name)
    copied = sum(copy_new(Path(settings.MEDIA_ROOT), root / "files"))
    manifest = {
        "at": begun.isoformat(),
        "server": connection.cursor().connection.server_version,
        "dump_sha256": digest_of(partial / DUMP),
        "key_ids": [key_id(key) for key in settings.SEAL_KEYS],
        "tables": tables,
        "schema": schema,
        "files_copied": copied,
    }
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1))
    os.sync()
    partial.rename(final)
    for old in backups(root)[:-keep]:
        shutil.rmtree(old)
    forget(root / "files", datetime.strptime(backups(root)[0].name, NAME).replace(tzinfo=UTC) - A_DAY)
    return final


def backups(root: Path) -> list[Path]:
    """Those that are whole, oldest first."""
    return sorted(folder for folder in root.glob("2*Z") if (folder / MANIFEST).exists())


def restore(folder: Path) -> dict[str, Any]:
    """Restore into the empty database that the settings name, and to MEDIA_ROOT; then `verify`. Its manifest.

    Raises Unfit; the database is then as empty as it was.
    """
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    if digest_of(folder / DUMP) != manifest["dump_sha256"]:
        raise Unfit(f"{folder / DUMP} is not what was backed up: take another backup.")
    if not {key_id(key) for key in settings.SEAL_KEYS} & set(manifest["key_ids"]):
        raise Unfit("SEAL_KEY is another than when this was backed up: take the keys of that day out of the safe.")
    if connection.introspection.table_names():
        raise Unfit("The database is not empty: nothing was touched. Restore into a fresh one.")
    list(copy_new(folder.parent / "files", Path(settings.MEDIA_ROOT)))
    load(folder / DUMP)
    forget(Path(settings.MEDIA_ROOT), datetime.now(UTC))
    if settings.WEB_DB_ROLE:
        call_command("grant_web_role")
    return manifest


def forget(files: Path, before: datetime) -> None:
    """What was cleared for good before that moment is not kept here either."""
    for name in forgotten(before):
        (files / name).unlink(missing_ok=True)


def verify(manifest: dict[str, Any]) -> list[str]:
    """What differs from the moment of the backup, in sentences."""
    found = measure()
    wrong = [
        f"table {name}: {found.get(name)} instead of {wanted} (rows, checksum)"
        for name, wanted in manifest["tables"].items()
        if found.get(name) != wanted
    ]
    files = Attachment.objects.filter(cleared=None).iterator()
    wrong += [f"missing: {fact}" for fact in set(manifest["schema"]) - set(schema_facts())]
    wrong += [f"file of attachment {a.pk} is not intact" for a in files if not is_intact(a)]
    return wrong


@contextmanager
def snapshot() -> Iterator[str]:
    """A transaction that sees one moment, by a name that pg_dump can take it up by."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def measure() -> Tables:
    """Rows of every table and a checksum over them, whatever their order."""
    found: Tables = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL extra_float_digits = 1")
        for table in sorted(connection.introspection.table_names()):
            query = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} t"
            cursor.execute(sql.SQL(query).format(sql.Identifier(table)))
            rows, total = cursor.fetchone()
            found[table] = [rows, int(total)]
    return found


def schema_facts() -> list[str]:
    """Triggers, indexes, constraints, functions and extensions by name: what makes the rows safe beside the rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text FROM pg_trigger"
            " WHERE NOT tgisinternal"
            " UNION SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || convalidated::text"
            " FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0"
            " UNION SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = 'public'"
            " UNION SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " UNION SELECT 'extension ' || extname FROM pg_extension"
            " UNION SELECT 'sequence ' || sequencename FROM pg_sequences ORDER BY 1"
        )
        return [fact for (fact,) in cursor.fetchall()]


def dump(to: Path, snapshot_name: str) -> None:
    # The portal keeps no large objects. One that the web's role were made to create is not readable for the owner of the
    # tables, and would end every backup from then on.
    options = ("--format=custom", "--no-owner", "--no-privileges", "--no-large-objects")
    run_tool("pg_dump", *options, f"--snapshot={snapshot_name}", f"--file={to}")


def load(dumped: Path) -> None:
    """All in one transaction: a restoration that breaks off leaves nothing."""
    name = str(connection.settings_dict["NAME"])
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", f"--dbname={name}")
    run_tool("pg_restore", *options, str(dumped))


def run_tool(name: str, *arguments: str) -> None:
    """A program of PostgreSQL's on the database of the settings, its password not among the arguments."""
    given = connection.settings_dict
    host, port = given["HOST"] or given["OPTIONS"].get("host", ""), given["PORT"]
    told = {"PGHOST": host, "PGPORT": str(port), "PGUSER": given["USER"], "PGPASSWORD": given["PASSWORD"]}
    told |= {"PGDATABASE": given["NAME"], "PGCONNECT_TIMEOUT": "10"}
    environment = {**os.environ, **{key: value for key, value in told.items() if value}}
    done = subprocess.run([tool(name), *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise Unfit(f"{name} failed: {done.stderr.strip()[-2000:]}")


def tool(name: str) -> str:
    """The program that came with the portal, of the server's own version; else the machine's."""
    ours = binary(name)
    found = str(ours) if ours.exists() else shutil.which(name)
    if not found:
        raise Unfit(f"{name} is not installed here.")
    return found


def copy_new(source: Path, target: Path) -> Iterator[int]:
    """Copy what `target` has not yet, each file checked against the name that its content gave it; 1 for each.

    Raises Unfit at an original that is not what its name says: a backup must not take damage over in silence.
    """
    for folder in KEPT_FOLDERS:
        for file in sorted((source / folder).glob("*/*")):
            to = target / file.relative_to(source)
            if to.exists() and to.stat().st_size == file.stat().st_size:
                continue
            to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = to.with_name(f".{to.name}.partial")
            if copy(file, partial) != file.stem:
                partial.unlink()
                raise Unfit(
                    f"{file} is damaged: its content is not what its name says. Take it from an earlier backup."
                )
            partial.chmod(0o400)
            partial.replace(to)
            yield 1


def copy(source: Path, target: Path) -> str:
    """The SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as write:
        for block in iter(lambda: read.read(BLOCK), b""):
            digest.update(block)
            write.write(block)
        write.flush()
        os.fsync(write.fileno())
    return digest.hexdigest()
