from celery import shared_task

from townships.services import account


@shared_task(name="townships.retire_accounts")
def retire_accounts() -> None:
    account.retire()
