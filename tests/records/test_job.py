"""Long jobs: once, with the sight of the moment, never hanging, never done by two to the end."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from celery import current_app
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.models import Message
from records.models import Access, Entry, Job
from records.services import Refused, UsedForm, WrongState
from records.services import job as jobs
from records.services.job import Impossible, Outcome, Progress
from tests.cast import Cast, client_for
from tests.enforcement.test_concurrency import at_once
from townships.models import Post

WORK: dict[str, Callable[[Job, Progress], Outcome]] = {}


def work(job: Job, progress: Progress) -> Outcome:
    """What the tests' kind of job does: whatever the test says."""
    return WORK["now"](job, progress)


def writes(job: Job, progress: Progress) -> Outcome:
    progress(0, 3)
    path = progress.folder() / "结果.csv"
    path.write_text(job.by.office)
    progress(3)
    return Outcome("共 3 条。", [progress.made(path, 3)])


@pytest.fixture(autouse=True)
def kind(settings: Any, tmp_path: Path) -> None:
    settings.JOB_KINDS = {"test": "tests.records.test_job.work"}
    settings.MEDIA_ROOT = tmp_path
    WORK["now"] = writes


def ask(cast: Cast, **more: Any) -> Job:
    given = {"by": cast.duty, "request_id": uuid4(), "title": "试一试", "arguments": {"n": 1}, **more}
    return jobs.ask("test", **given)


def ended(job: Job) -> Job:
    job.refresh_from_db()
    return job


def url(name: str, *args: Any) -> str:
    return reverse(f"records:{name}", args=args)


# --- services -----------------------------------------------------------------------------------------------------------
def test_ask_twice_is_once_and_another_thing_under_the_same_form_is_refused(cast: Cast) -> None:
    request_id = uuid4()
    assert ask(cast, request_id=request_id) == ask(cast, request_id=request_id)
    with pytest.raises(UsedForm):
        ask(cast, request_id=request_id, arguments={"n": 2})
    with pytest.raises(UsedForm):
        ask(cast, request_id=request_id, by=cast.leader)


def test_ask_survives_a_broker_that_is_away(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    with (
        mock.patch.object(current_app, "send_task", side_effect=OSError),
        django_capture_on_commit_callbacks(execute=True),
    ):
        job = ask(cast)
    Job.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    with mock.patch.object(current_app, "send_task") as send:
        jobs.sweep()
    send.assert_called_once_with("records.run_job")
    jobs.run_next()
    assert ended(job).state == "done"


def test_ask_for_a_fourth_is_refused(cast: Cast) -> None:
    first, _, _ = (ask(cast) for _ in range(3))
    with pytest.raises(Refused, match="已有 3 个任务") as refusal:
        ask(cast)
    assert refusal.value.obj == first
    ask(cast, by=cast.leader)


def test_run_does_the_oldest_tells_whoever_asked_and_keeps_the_file(cast: Cast, tmp_path: Path) -> None:
    first, second = ask(cast), ask(cast, by=cast.leader)
    jobs.run_next()
    assert (ended(first).state, ended(second).state) == ("done", "waiting")
    assert (first.done, first.total, first.message) == (3, 3, "共 3 条。")
    assert (tmp_path / first.files[0]["path"]).read_text() == "甘霖镇·指挥室值班员"
    assert first.expires_at == first.finished_at + timedelta(hours=24)
    message = Message.objects.get(kind="job_done")
    assert (message.recipient, message.link) == (cast.duty, first.get_absolute_url())
    verbs = Entry.objects.about(first).values_list("verb", flat=True)
    assert list(verbs) == ["job_asked", "job_started", "job_done"]


def test_run_takes_no_more_than_there_are_places(cast: Cast, settings: Any) -> None:
    first, second = ask(cast), ask(cast)

    def meanwhile(job: Job, progress: Progress) -> Outcome:
        jobs.run_next()
        assert ended(second).state == "waiting"
        return Outcome("好")

    WORK["now"] = meanwhile
    jobs.run_next()
    assert (ended(first).state, ended(second).state) == ("done", "waiting")


def test_run_of_somebody_who_has_left_the_post_does_nothing(cast: Cast) -> None:
    job = ask(cast)
    Post.objects.filter(user=cast.duty).update(valid_to=timezone.localdate() - timedelta(days=1))
    WORK["now"] = mock.Mock()
    jobs.run_next()
    assert ended(job).state == "failed"
    assert "您已不再担任“甘霖镇·指挥室值班员”" in job.message
    WORK["now"].assert_not_called()


@pytest.mark.parametrize(
    ("error", "said"), [(Impossible("请缩小范围。"), "请缩小范围。"), (KeyError("secret"), "出了故障")]
)
def test_run_that_fails_says_so_in_a_sentence(cast: Cast, error: Exception, said: str, caplog: Any) -> None:
    job = ask(cast)
    WORK["now"] = mock.Mock(side_effect=error)
    jobs.run_next()
    assert ended(job).state == "failed"
    assert said in job.message
    assert "secret" not in job.message
    assert Message.objects.get().kind == "job_failed"


def test_cancel_ends_one_that_waits_and_stops_one_that_runs(cast: Cast, tmp_path: Path) -> None:
    waiting = ask(cast)
    jobs.cancel(waiting, by=cast.duty, seen_state="waiting")
    assert ended(waiting).state == "cancelled"
    with pytest.raises(WrongState):
        jobs.cancel(waiting, by=cast.duty, seen_state="waiting")

    running = ask(cast)

    def cancelled_half_way(job: Job, progress: Progress) -> Outcome:
        progress.folder()
        jobs.cancel(ended(running), by=cast.duty, seen_state="waiting")  # the page was drawn before it began
        return writes(job, progress)

    WORK["now"] = cancelled_half_way
    jobs.run_next()
    assert ended(running).state == "cancelled"
    assert not list(tmp_path.glob("jobs/*/*"))
    assert not Message.objects.exists()


def test_sweep_takes_up_what_a_dead_worker_left_and_its_ghost_changes_nothing(cast: Cast, tmp_path: Path) -> None:
    job = ask(cast)

    def slow(mine: Job, progress: Progress) -> Outcome:
        Job.objects.update(beat_at=timezone.now() - timedelta(minutes=4))
        jobs.sweep()
        assert ended(job).state == "waiting"
        WORK["now"] = writes
        jobs.run_next()  # another worker does it
        return Outcome("鬼", [])

    WORK["now"] = slow
    jobs.run_next()
    assert (ended(job).state, job.attempts, job.message) == ("done", 2, "共 3 条。")
    assert (tmp_path / job.files[0]["path"]).is_file()
    assert Message.objects.count() == 1


def test_sweep_gives_up_after_three_tries_with_a_sentence(cast: Cast) -> None:
    job = ask(cast)
    long_ago = timezone.now() - timedelta(minutes=4)
    Job.objects.update(state="running", attempts=3, started_at=long_ago, beat_at=long_ago)
    jobs.sweep()
    assert ended(job).state == "failed"
    assert "多次中断" in job.message
    assert Message.objects.get().kind == "job_failed"


def test_sweep_leaves_one_that_lives_alone(cast: Cast) -> None:
    job = ask(cast)
    now = timezone.now()
    Job.objects.update(state="running", attempts=1, started_at=now, beat_at=now - timedelta(minutes=2))
    jobs.sweep()
    assert ended(job).state == "running"


def test_sweep_deletes_files_after_a_day(cast: Cast, tmp_path: Path, django_capture_on_commit_callbacks: Any) -> None:
    job = ask(cast)
    jobs.run_next()
    Job.objects.update(expires_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        jobs.sweep()
    assert ended(job).state == "expired"
    assert not (tmp_path / job.files[0]["path"]).exists()


# --- pages --------------------------------------------------------------------------------------------------------------
def test_page_asks_for_itself_until_the_job_has_ended(cast: Cast) -> None:
    job, client = ask(cast), client_for(cast.duty)
    part = {"HX-Request": "true", "HX-Target": "job"}
    page = client.get(url("job-detail", job.pk))
    assert "every 2s" in page.content.decode()
    assert "取消任务" in page.content.decode()
    jobs.run_next()
    fragment = client.get(url("job-detail", job.pk), headers=part).content.decode()
    assert "hx-trigger" not in fragment
    assert "<html" not in fragment
    assert url("job-file", job.pk, 1) in fragment


def test_pages_are_the_persons_own(cast: Cast) -> None:
    job = ask(cast)
    jobs.run_next()
    for other in (cast.leader, cast.auditor, cast.bureau_admin):
        client = client_for(other)
        for name, args in (("job-detail", ()), ("job-file", (1,))):
            assert client.get(url(name, job.pk, *args)).status_code == 404
        assert client.post(url("job-cancel", job.pk), {"seen_state": "waiting"}).status_code == 404
        assert "试一试" not in client.get(url("job-list")).content.decode()
    assert Client().get(url("job-file", job.pk, 1)).status_code == 302


def test_file_is_fetched_on_record_and_only_while_the_post_is_held(cast: Cast) -> None:
    job, client = ask(cast), client_for(cast.duty)
    assert client.get(url("job-file", job.pk, 1)).status_code == 404
    jobs.run_next()
    response = client.get(url("job-file", job.pk, 1))
    assert b"".join(response.streaming_content).decode() == "甘霖镇·指挥室值班员"
    assert "attachment" in response["Content-Disposition"]
    assert client.get(url("job-file", job.pk, 2)).status_code == 404
    row = Access.objects.get()
    assert (row.what, row.by, row.count, row.object_id) == ("job_file_fetched", cast.duty, 3, job.pk)
    Post.objects.filter(user=cast.duty).update(valid_to=timezone.localdate() - timedelta(days=1))
    assert client.get(url("job-file", job.pk, 1)).status_code == 404
    assert "不能再下载" in client.get(url("job-detail", job.pk)).content.decode()
    assert Access.objects.count() == 1


def test_cancel_on_the_page(cast: Cast) -> None:
    job, client = ask(cast), client_for(cast.duty)
    assert client.get(url("job-cancel", job.pk)).status_code == 405
    page = client.post(url("job-cancel", job.pk), {"seen_state": "waiting"}, follow=True).content.decode()
    assert "已取消" in page
    again = client.post(url("job-cancel", job.pk), {"seen_state": "waiting"}, follow=True).content.decode()
    assert "没有重复办理" in again


def test_list_says_what_to_do_when_empty_and_asks_as_many_queries_for_30_as_for_1(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    client = client_for(cast.duty)
    assert "没有后台任务" in client.get(url("job-list")).content.decode()
    counts = []
    for number in (1, 30):
        now = timezone.now()
        Job.objects.bulk_create(
            Job(
                kind="test", title="导出", by=cast.duty, post_id=1, office="岗", state="done", finished_at=now,
                request_id=uuid4(),
            )
            for _ in range(number)
        )  # fmt: skip
        with django_assert_max_num_queries(20) as queries:
            client.get(url("job-list"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_asked_for_at_once_no_more_are_open_than_one_person_may_have(cast: Cast) -> None:
    said = at_once(*(partial(ask, cast) for _ in range(jobs.MOST_OPEN + 2)))
    assert said == ["Refused"] * 2 + ["done"] * jobs.MOST_OPEN
