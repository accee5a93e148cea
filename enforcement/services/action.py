"""联合行动: a whistle without an event. A unit calls others to one place at one time, each with a task of its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from enforcement.models import Whistle
from enforcement.services.sending import blow
from records.services import once
from townships.models import Unit


def submit(
    unit: Unit,
    *,
    by: Any,
    request_id: UUID,
    kind: str,
    title: str,
    facts: str,
    area: str,
    assemble_at: datetime,
    assemble_place: str,
    lead: Unit,
    helpers: Sequence[Unit] = (),
    tasks: Mapping[int, str],
) -> Whistle:
    """Submit to the leaders of `unit`; an emergency goes at once. `tasks`: unit id → what it is to do. Twice is once."""
    units = [lead, *(helper for helper in helpers if helper.pk != lead.pk)]
    said = {
        "by_unit": unit,
        "kind": kind,
        "title": title,
        "facts": facts,
        "departments": [one.pk for one in units],
        "area": area,
        "assemble_at": assemble_at,
        "assemble_place": assemble_place,
        "tasks": {str(one.pk): tasks[one.pk] for one in units},
        "submitted_by": by,
    }
    whistle = Whistle(why=Whistle.Why.JOINT, request_id=request_id, **said)
    return once(Whistle, request_id, partial(blow, whistle, units, by=by), **said)
