"""Who came in, and who has read or taken away what: one line each time, never changed afterwards."""

from typing import Any

from django.db import models
from structlog.contextvars import get_contextvars

from records.models import Access

NOBODY = "未登录"


def note(
    request_user: Any,
    what: str,
    obj: models.Model | None = None,
    count: int | None = None,
    detail: dict[str, Any] | None = None,
    *,
    address: str | None = None,
) -> Access:
    """Write down that this person, in the office acted in, has read `obj`, or `count` rows of what `detail` says.

    `request_user` None: nobody is signed in. `address`: where the request's own log does not know it yet.
    """
    return Access.objects.create(
        by=request_user,
        office=request_user.office if request_user is not None else NOBODY,
        what=what,
        object_type=obj._meta.label_lower if obj is not None else "",
        object_id=obj.pk if obj is not None else None,
        count=count,
        address=str(address or get_contextvars().get("ip") or "")[:60],
        detail=detail or {},
    )
