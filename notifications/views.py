"""The inbox, the bell, the personal settings, and the page that shows every kind of message."""

import re
from hashlib import md5
from typing import Any

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications.forms.preference import PreferenceForm
from notifications.kinds import KINDS, restore
from notifications.models import Message
from notifications.permissions import can_administer
from notifications.services import inbox as service
from notifications.services import preference as preferences
from notifications.transports import mail, robot, sms
from notifications.transports.letter import Letter

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


@require_http_methods(["GET", "HEAD", "POST"])
def preference(request: HttpRequest) -> HttpResponse:
    """消息设置: one's own and nobody else's."""
    user: Any = request.user
    data = request.POST if request.method == "POST" else None
    wishes, house = preferences.wishes(user)
    form = PreferenceForm(data, wishes=wishes, house=house)
    if form.is_valid():
        preferences.save(user, **form.wishes(), by=user)
        notices.success(request, "消息设置已保存。")
        return redirect("notifications:inbox")
    status = 422 if form.is_bound else 200
    context = {"form": form, "email": user.email, "mobile": user.mobile}
    return render(request, "notifications/preference.html", context, status=status)


@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """Every kind as a line of the inbox and by each channel, with invented data."""
    if not can_administer(request.user):
        raise PermissionDenied
    letters = [Letter("", (kind.sample(),), "") for kind in KINDS.values()]
    shown = [
        (letter.kinds[0], mail.subject(letter), mail.body(letter.kinds[0]), robot.text(letter), sms.text(letter))
        for letter in letters
    ]
    return render(request, "notifications/kind_list.html", {"shown": shown, "now": timezone.now()})
