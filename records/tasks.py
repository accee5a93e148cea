"""What the jobs worker runs for this room."""

from celery import shared_task
from django.conf import settings

from records.services import job


@shared_task(name="records.run_job", time_limit=settings.JOB_TIME_LIMIT)
def run_job() -> None:
    job.run_next()


@shared_task(name="records.sweep_jobs")
def sweep_jobs() -> None:
    job.sweep()
