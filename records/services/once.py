"""A creating form may be sent twice: the second sending gets what the first one made."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import IntegrityError, models, transaction

from records.services.timeline import Refused

M = TypeVar("M", bound=models.Model)


def once(model: type[M], request_id: UUID, create: Callable[[], M]) -> M:
    """The row with this `request_id`, made by `create` in one transaction if there is none yet.

    Sent again, `create` is stopped by the unique index or by the state that the first sending left, rolls back whole,
    and the first's row is found. So it is with two sendings at the same moment: a lock or the index lets one in.
    """
    try:
        with transaction.atomic():
            return create()
    except (IntegrityError, Refused):
        found = model._default_manager.filter(request_id=request_id).first()
        if found is None:
            raise
        return found
