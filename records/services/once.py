"""A creating form may be sent twice: the second sending gets what the first one made."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, models, transaction

from records.services.timeline import Refused

M = TypeVar("M", bound=models.Model)


class UsedForm(Refused):
    """The form was sent before with something else in it, or by somebody else: no repetition, and nothing was saved."""

    def __init__(self, first: models.Model) -> None:
        super().__init__(first, "这张表此前已经提交过，这次的内容与那次不同，没有保存。请核对现在的情况。")


def once(model: type[M], request_id: UUID, create: Callable[[], M], **same: Any) -> M:
    """The row with this `request_id`, made by `create` in one transaction if there is none yet.

    Sent again, `create` is stopped by the unique index or by the state that the first sending left, rolls back whole,
    and the first's row is found. So it is with two sendings at the same moment: a lock or the index lets one in.

    `same` is what the first sending must agree in. Somebody may go back to a form and use it for another matter, or a
    colleague at the same desk may: then silence would lose it. Raises UsedForm.
    """
    try:
        with transaction.atomic():
            return create()
    except (IntegrityError, Refused):
        found = model._default_manager.filter(request_id=request_id).first()
        if found is None:
            raise
        if any(getattr(found, name) != value for name, value in same.items()):
            raise UsedForm(found) from None
        return found
