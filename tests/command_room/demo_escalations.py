"""What test_demo.py asks of the escalations of a loaded demo; loading takes long, so one load answers every question."""

from collections import Counter
from datetime import datetime
from unittest import mock

from django.utils import timezone

from enforcement.models import Dispatch, Escalation, Event, Whistle
from enforcement.services import escalation
from enforcement.services.reds import third_reds
from notifications.models import Message
from townships.models import ShiftNote


def check_first_sweep(now: datetime) -> None:
    """What was late when the demo was loaded has been told: the first sweep tells nobody, and leaves nothing to do."""
    before = Escalation.objects.count(), Message.objects.count()
    with mock.patch.object(timezone, "now", return_value=now):
        escalation.sweep()
    assert (Escalation.objects.count(), Message.objects.count()) == before
    for model in (Dispatch, Whistle, Event):
        assert not model._default_manager.filter(alarm_at__lte=now).exists()


def shows_every_level_and_a_third_red(now: datetime) -> None:
    levels = Counter(Escalation.objects.values_list("level", flat=True))
    assert all(levels[level] > 10 for level in (1, 2, 3)), levels
    assert not Escalation.objects.filter(at__gt=now).exists()
    assert Escalation.objects.filter(level=2).running().exists()
    assert Escalation.objects.filter(level=3).running().exists()
    assert third_reds(now)
    numbers = Escalation.objects.filter(level=3).values_list("number", flat=True)
    assert len(set(numbers)) == len(numbers)
    assert ShiftNote.objects.filter(taken_over_at=None).count() == 1
    assert ShiftNote.objects.exclude(taken_over_at=None).count() > 15
    assert not ShiftNote.objects.filter(at__gt=now).exists()
