from celery import shared_task

from enforcement.services import escalation, provisional, suspension


@shared_task(name="enforcement.recompute_provisional")
def recompute_provisional() -> None:
    provisional.recompute()


@shared_task(name="enforcement.escalate")
def escalate() -> None:
    escalation.sweep()


@shared_task(name="enforcement.resume_suspended")
def resume_suspended() -> None:
    suspension.resume_due_ones()
