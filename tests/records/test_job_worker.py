"""A long job with a real worker process and a real broker: its worker is killed in the middle."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from notifications.models import Message
from records.models import Job
from records.services import job as jobs
from tests.cast import PostFactory
from tests.notifications.test_worker import Worker, start, until

__all__ = ["start"]
pytestmark = pytest.mark.slow


def state() -> tuple[str, int]:
    job = Job.objects.get()
    return job.state, job.attempts


def test_a_job_whose_worker_is_killed_is_taken_up_again_and_ends_once(
    transactional_db: None, tmp_path: Path, start: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path / "files")
    hang = tmp_path / "hang"
    hang.touch()
    settled = {"DJANGO_SETTINGS_MODULE": "tests.records.worker_settings", "MEDIA_ROOT": str(tmp_path / "files")}
    first = start(queue="jobs", **settled)
    jobs.ask("hangs", by=PostFactory().user, request_id=uuid4(), title="试一试", arguments={})
    until(lambda: Job.objects.get().done == 1)
    first.kill()
    assert state() == ("running", 1)

    hang.unlink()
    start(queue="jobs", **settled)
    jobs.sweep()  # too early: for all it knows, the first one is still at it
    assert state() == ("running", 1)
    Job.objects.update(beat_at=timezone.now() - timedelta(minutes=4), asked_at=timezone.now() - timedelta(minutes=5))
    jobs.sweep()
    until(lambda: state() == ("done", 2))
    assert (tmp_path / "files" / Job.objects.get().files[0]["path"]).read_text() == "2"
    assert Message.objects.filter(kind="job_done").count() == 1
