"""What the jobs worker runs for this room."""

from celery import shared_task

from command_room.services import retention


@shared_task(name="command_room.list_expired")
def list_expired() -> None:
    retention.list_expired()


@shared_task(name="command_room.clear_confirmed")
def clear_confirmed() -> None:
    retention.clear_confirmed()
