"""Keys change, seals stay true: `manage.py reseal`."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from records.models import Attachment, ClearedFile, Reseal
from records.services.attachment import attach
from records.services.seal import is_intact, reseal
from tests.enforcement.events import make_event, photo

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(tmp_path, settings):
    settings.MEDIA_ROOT, settings.SEAL_KEYS = tmp_path, ["old"]


@pytest.fixture
def kept(cast) -> list[Attachment]:
    event = make_event(cast)
    return [attach(event, photo(), by=cast.grid, phase="before") for _ in range(3)]


def test_rotated_key_reseals_and_then_needs_the_old_one_no_more(kept, settings):
    settings.SEAL_KEYS = ["new"]
    assert not is_intact(kept[0])
    settings.SEAL_KEYS = ["new", "old"]
    assert is_intact(kept[0])
    out = StringIO()
    call_command("reseal", stdout=out)
    assert "3" in out.getvalue()
    settings.SEAL_KEYS = ["new"]
    assert all(is_intact(one) for one in Attachment.objects.all())
    assert list(reseal()) == []


def test_reseal_goes_on_where_it_was_stopped(kept, settings):
    settings.SEAL_KEYS = ["new", "old"]
    running = reseal()
    next(running)
    running.close()
    assert Reseal.objects.count() == 1
    assert len(list(reseal())) == 2
    assert Reseal.objects.count() == 3


def test_changed_file_is_never_sealed_anew(kept, settings):
    stored = Path(settings.MEDIA_ROOT) / kept[0].original
    stored.chmod(0o600)
    stored.write_bytes(b"another photo")
    settings.SEAL_KEYS = ["new", "old"]
    with pytest.raises(CommandError, match="keep the earlier key"):
        call_command("reseal", stdout=StringIO(), stderr=StringIO())
    settings.SEAL_KEYS = ["new"]
    assert not is_intact(Attachment.objects.get(pk=kept[0].pk))


def test_key_in_use_is_not_sealed_twice(kept):
    assert list(reseal()) == []


def test_reseals_cannot_be_changed(kept, settings):
    settings.SEAL_KEYS = ["new", "old"]
    list(reseal())
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM records_reseal")


def test_file_that_was_cleared_after_its_time_is_no_fault(kept, settings, tmp_path):
    ClearedFile.objects.create(attachment=kept[0])
    (tmp_path / kept[0].original).unlink()
    settings.SEAL_KEYS = ["new", "old"]
    assert kept[0] not in [attachment for attachment, _ in reseal()]
