"""A creating form may be sent twice: the second sending gets what the first one made."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import IntegrityError, models, transaction

from records.services.timeline import WrongState

M = TypeVar("M", bound=models.Model)


def once(model: type[M], request_id: UUID, create: Callable[[], M]) -> M:
    """The row with this `request_id`, made by `create` in one transaction if there is none yet.

    Two sendings at the same moment: a lock or the unique index lets one in, the other rolls back whole and finds the
    first's row.
    """
    found = model._default_manager.filter(request_id=request_id).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return create()
    except (IntegrityError, WrongState):
        found = model._default_manager.filter(request_id=request_id).first()
        if found is None:
            raise
        return found
