"""What needs an administrator's care: each matter with its number, the worst few, and where it is mended.

A fixed number of queries, none of which walks a large table: each begins at the few rows that can need care.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from command_room.services import care_feedback, care_people, care_running, care_units
from command_room.services.care_card import Card
from records.services.job_run import Job

ORDER = ("late", "soon", "ok")


def cards(now: datetime, jobs: Sequence[Job]) -> list[Card]:
    """All of them, the gravest first."""
    today = timezone.localdate(now)
    found = [
        care_running.failed_messages(),
        care_running.stuck_messages(now),
        care_running.jobs(jobs),
        care_units.liaisons(today),
        care_units.closed_units(today),
        care_people.leavers(today),
        care_units.certificates(today),
        care_units.squads(today),
        care_units.routes(today),
        care_running.missing_years(now),
        care_feedback.unanswered(now),
        care_people.without_post(today),
        care_people.expired_passwords(now),
        care_people.never_used(today),
    ]
    return sorted(found, key=lambda card: ORDER.index(card.tone))
