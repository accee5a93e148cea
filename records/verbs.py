"""The one gate of every verb view."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from records.services import WrongState


def require(request: HttpRequest, can: Callable[[Any, Any], bool], obj: Any) -> None:
    """Pass whoever may do it now. A stale form or a second click is told what happened; anybody else gets 403."""
    if can(request.user, obj):
        return
    seen = request.POST.get("seen_state")
    if seen is not None and seen != obj.state:
        raise WrongState(obj)
    raise PermissionDenied
