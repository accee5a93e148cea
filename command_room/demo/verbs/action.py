"""`enforcement.services.action` on unsaved rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from command_room.demo.book import Book
from command_room.demo.verbs import whistle as whistles
from enforcement.models import Whistle
from townships.models import Unit, User


def submit(
    book: Book, unit: Unit, *, by: User, at: datetime, asked: Sequence[tuple[Unit, str]], **said: Any
) -> Whistle:
    """`asked`: the units with their tasks, the lead first; `said`: what the form says besides."""
    units = [one for one, _ in asked]
    whistle = Whistle(
        by_unit=unit,
        why=Whistle.Why.JOINT,
        departments=[one.pk for one in units],
        tasks={str(one.pk): task for one, task in asked},
        submitted_at=at,
        submitted_by=by,
        request_id=book.request_id(),
        **said,
    )
    return whistles.blow(book, whistle, units, by=by, town=book.cast.side(unit))
