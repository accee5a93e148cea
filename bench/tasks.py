"""The bare twin of a message: a task that does nothing."""

from celery import shared_task


@shared_task(name="bench.empty")
def empty() -> None:
    return None
