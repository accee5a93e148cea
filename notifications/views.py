"""The inbox, the bell, and the page that shows every kind of message."""

import re
from hashlib import md5

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from notifications.kinds import KINDS, restore
from notifications.models import Message
from notifications.permissions import can_administer
from notifications.services import inbox as service
from notifications.services import mail

PAGE = 25


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """A person's messages, newest first. `before` pages by key, so that nothing is counted; `unread` filters."""
    messages = Message.objects.visible_to(request.user).order_by("-pk")
    before = _key(request.GET.get("before", ""))
    if before:
        messages = messages.filter(pk__lt=before)
    if "unread" in request.GET:
        messages = messages.unread()
    found = list(messages[: PAGE + 1])
    page = found[:PAGE]
    context = {
        "lines": [(message, restore(message.kind, message.data)) for message in page],
        "newest": page[0].pk if page else 0,
        "next_before": page[-1].pk if len(found) > PAGE else None,
        "is_first": not before,
        "only_unread": "unread" in request.GET,
        "now": timezone.now(),
    }
    return render(request, "notifications/message_list.html", context)


def _key(text: str) -> int:
    """A primary key from a form or an address; 0 for what is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


@require_POST
def open_message(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark as read and go where the message points."""
    message = get_object_or_404(Message.objects.visible_to(request.user), pk=pk)
    service.mark_read(message)
    return redirect(message.link)


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """全部已读: up to the newest message on the page that was seen, not what has come since."""
    service.mark_all_read(request.user, newest=_key(request.POST.get("newest", "")))
    return redirect("notifications:inbox")


@require_safe
def bell(request: HttpRequest) -> HttpResponse:
    """How many are unread, for the frame's bell: one indexed query, 304 while nothing has changed."""
    # without the request: what stands around a page would cost its own queries
    fragment = render_to_string("_components/bell.html", {"unread": service.unread_shown(request.user)})
    etag = f'"{md5(f"{request.user.pk} {fragment}".encode(), usedforsecurity=False).hexdigest()}"'
    response = HttpResponse(fragment, headers={"ETag": etag})
    patch_cache_control(response, private=True, no_cache=True)
    return get_conditional_response(request, etag=etag, response=response) or response


@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """Every kind as a mail and as a line of the inbox, with invented data."""
    if not can_administer(request.user):
        raise PermissionDenied
    samples = [kind.sample() for kind in KINDS.values()]
    shown = [(kind, mail.subject(kind), mail.body(kind)) for kind in samples]
    return render(request, "notifications/kind_list.html", {"shown": shown, "now": timezone.now()})
