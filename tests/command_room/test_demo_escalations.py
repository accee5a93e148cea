"""The demo has said what was late: nothing is left for the first sweep, and there is something on every page."""

from collections import Counter
from datetime import datetime
from unittest import mock

import pytest
from django.utils import timezone

from command_room.demo.load import load
from enforcement.models import Dispatch, Escalation, Event, Whistle
from enforcement.services import escalation
from enforcement.services.reds import third_reds
from notifications.models import Message
from tests.enforcement.walk import at
from townships.models import ShiftNote

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rules")]


@pytest.mark.parametrize("now", [at("2026-11-24 10:42"), at("2026-11-28 03:15")], ids=["morning", "saturday night"])
def test_first_sweep_after_loading_tells_nobody(db: None, now: datetime) -> None:
    load(seed=1, now=now, events=250)
    before = Escalation.objects.count(), Message.objects.count()
    with mock.patch.object(timezone, "now", return_value=now):
        escalation.sweep()
    assert (Escalation.objects.count(), Message.objects.count()) == before
    for model in (Dispatch, Whistle, Event):
        assert not model._default_manager.filter(alarm_at__lte=now).exists()


def shows_every_level_and_a_third_red(now: datetime) -> None:
    """Of a database with the demo loaded at `now`: loading takes long, so one test asks for all that it shows."""
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
