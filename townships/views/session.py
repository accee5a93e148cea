"""How long this session may still rest, for the page's own warning; and its one act, 继续使用."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from townships.entrance import left


@never_cache
@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> JsonResponse:
    """GET does not prolong it; POST does, as any act. With what an open form needs after a new log-in beside it."""
    user: Any = request.user
    found = left(request)
    data = {"left": found.seconds, "fixed": found.is_fixed, "user": user.pk, "csrf": get_token(request)}
    return JsonResponse(data)
