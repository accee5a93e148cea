"""Back up and restore, on databases of the test's own beside the tests': what `make restore-drill` does at full size."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from portal import backup, embedded
from portal.settings import BASE_DIR
from records.models import Attachment, ClearedFile
from records.services.attachment import attach
from tests.enforcement.events import make_event, photo
from tests.settings import SHARED, WORKER

FRESH = f"restored_{WORKER or 'main'}"


def manage(database: str, files: Path, *command: str, key: str = "k") -> subprocess.CompletedProcess[str]:
    told = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": embedded.database_url(SHARED, database=database),
    }
    told |= {"MEDIA_ROOT": str(files), "SEAL_KEY": key}
    argv = [sys.executable, "manage.py", *command]
    return subprocess.run(argv, cwd=BASE_DIR, env=told, capture_output=True, text=True, check=False)


@pytest.fixture
def fresh() -> Iterator[str]:
    """An empty database, as an operator makes one on a new server."""
    with closing(embedded.Postgres(SHARED, SHARED / "x.log").connect("postgres")) as link, link.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {FRESH}")
        cursor.execute(f"CREATE DATABASE {FRESH} OWNER portal_owner")
        yield FRESH
        cursor.execute(f"DROP DATABASE {FRESH} WITH (FORCE)")


@pytest.fixture
def kept(committed_cast, tmp_path, settings) -> Attachment:
    settings.MEDIA_ROOT, settings.SEAL_KEYS = tmp_path / "files", ["k"]
    return attach(make_event(committed_cast), photo(), by=committed_cast.grid, phase="before")


@pytest.mark.slow
def test_backup_restores_every_row_file_and_trigger(kept: Attachment, fresh: str, tmp_path: Path) -> None:
    with connection.cursor() as cursor:  # nobody's but a misused role's: it may not end the backups
        cursor.execute("SELECT lo_from_bytea(0, 'x')")
        (stray,) = cursor.fetchone()
    made = backup.back_up(tmp_path / "backups", keep=2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT lo_unlink(%s)", [stray])
    connection.close()
    done = manage(fresh, tmp_path / "other", "restore", str(made))
    assert (done.returncode, done.stderr) == (0, "")
    assert "every file intact" in done.stdout
    assert (tmp_path / "other" / kept.original).read_bytes() == (tmp_path / "files" / kept.original).read_bytes()
    with closing(psycopg2.connect(embedded.database_url(SHARED, database=fresh))) as link, link.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT sha256 FROM records_attachment")
        assert cursor.fetchall() == [(kept.sha256,)]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="append-only"):
            cursor.execute("UPDATE records_entry SET what = ''")


@pytest.mark.django_db(transaction=True)
def test_backup_keeps_the_last_ones_and_every_file_once(kept: Attachment, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(backup, "dump", lambda to, _: to.write_bytes(b"dump"))
    root = tmp_path / "backups"
    (root / "20200101T000000Z").mkdir(parents=True)
    (root / "20200101T000000Z/manifest.json").write_text("{}")
    (root / ".20200102T000000Z.partial").mkdir()
    made = backup.back_up(root, keep=1)
    assert backup.backups(root) == [made]
    assert not list(root.glob(".*"))
    assert len(list((root / "files").rglob("*.jpg"))) == 1
    assert json.loads((made / "manifest.json").read_text())["files_copied"] == 2
    assert sum(backup.copy_new(tmp_path / "files", root / "files")) == 0


@pytest.mark.django_db(transaction=True)
def test_verify_tells_a_lost_row_a_lost_trigger_and_a_changed_file(kept: Attachment, tmp_path: Path) -> None:
    with backup.snapshot():
        before = {"tables": backup.measure(), "schema": backup.schema_facts()}
    assert backup.verify(before) == []
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM townships_workinghours")
    before["schema"].append("trigger records_entry append_only_too O")
    stored = tmp_path / "files" / kept.original
    stored.chmod(0o600)
    stored.write_bytes(b"another")
    told = "\n".join(backup.verify(before))
    assert "table townships_workinghours" in told and "append_only_too" in told and "is not intact" in told


@pytest.mark.django_db(transaction=True)
def test_file_that_was_cleared_is_no_fault_and_leaves_the_backups_with_the_last_dump_that_needs_it(
    kept: Attachment, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(backup, "dump", lambda to, _: to.write_bytes(b"dump"))
    root, files = tmp_path / "backups", tmp_path / "files"
    backup.back_up(root, keep=2).rename(root / "20200101T000000Z")
    ClearedFile.objects.create(attachment=kept, at=timezone.now() - timedelta(days=2))
    backup.forget(files, timezone.now())
    assert not (files / kept.original).exists()
    assert backup.verify({"tables": backup.measure(), "schema": []}) == []
    backup.back_up(root, keep=2).rename(root / "20200102T000000Z")
    assert (root / "files" / kept.original).exists(), "the first dump may still need it"
    backup.back_up(root, keep=1)
    assert not (root / "files" / kept.original).exists()


@pytest.mark.django_db(transaction=True)
def test_damaged_original_is_not_taken_into_a_backup(kept: Attachment, tmp_path: Path) -> None:
    stored = tmp_path / "files" / kept.original
    stored.chmod(0o600)
    stored.write_bytes(b"another")
    with pytest.raises(backup.Unfit, match="is damaged"):
        list(backup.copy_new(tmp_path / "files", tmp_path / "backups/files"))


@pytest.mark.django_db(transaction=True)
def test_restore_refuses_a_foreign_key_a_damaged_dump_and_a_full_database(
    kept: Attachment, tmp_path: Path, settings
) -> None:
    made = backup.back_up(tmp_path / "backups", keep=2)
    with pytest.raises(backup.Unfit, match="not empty"):
        backup.restore(made)
    settings.SEAL_KEYS = ["another"]
    with pytest.raises(backup.Unfit, match="SEAL_KEY is another"):
        backup.restore(made)
    (made / backup.DUMP).write_bytes(b"half")
    with pytest.raises(backup.Unfit, match="not what was backed up"):
        backup.restore(made)
