from celery import shared_task

from enforcement.services import provisional


@shared_task(name="enforcement.recompute_provisional")
def recompute_provisional() -> None:
    provisional.recompute()
