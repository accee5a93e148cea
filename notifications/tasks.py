"""What the messages worker runs."""

from celery import shared_task

from notifications.services import outbox


@shared_task(name="notifications.deliver")
def deliver(ids: list[int]) -> None:
    outbox.deliver(ids)


@shared_task(name="notifications.sweep")
def sweep() -> None:
    outbox.sweep()
