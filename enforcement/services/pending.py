"""What was asked for and not answered ends with the whistle it was about."""

from django.utils import timezone

from enforcement.models import Check, Extension, Return, Suspension, Whistle


def end_pending(whistle: Whistle) -> None:
    """In the caller's transaction, with the whistle locked: nothing of it waits for anybody any more."""
    Return.objects.filter(dispatch__whistle=whistle, state__in=Return.OPEN).update(state=Return.State.VOID)
    Extension.objects.filter(dispatch__whistle=whistle, state=Extension.State.ASKED).update(state=Extension.State.VOID)
    Check.objects.filter(whistle=whistle, state=Check.State.ASKED).update(state=Check.State.VOID)
    asked = Suspension.objects.filter(whistle=whistle)
    asked.filter(state=Suspension.State.ASKED).update(state=Suspension.State.VOID)
    asked.filter(state=Suspension.State.RUNNING).update(state=Suspension.State.ENDED, ended_at=timezone.now())
