"""What the messages worker runs."""

from celery import shared_task

from notifications.services import outbox, summary


@shared_task(name="notifications.deliver")
def deliver(ids: list[int]) -> None:
    outbox.deliver(ids)


@shared_task(name="notifications.sweep")
def sweep() -> None:
    outbox.sweep()


@shared_task(name="notifications.summarise")
def summarise() -> None:
    summary.summarise()
