"""值班交接: write, take over, read again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from command_room.services.shift_note import open_items, titled
from enforcement.forms.event import VerbForm
from enforcement.views.paging import page_of
from records.verbs import require
from townships.forms.shift_note import ShiftNoteForm
from townships.models import ShiftNote, Unit
from townships.permissions import can_leave_note, can_take_note
from townships.services import shift_note as notes
from townships.views.squad import choice_of_townships, township_of


@require_safe
def note_list(request: HttpRequest) -> HttpResponse:
    township = township_of(request)
    rows = ShiftNote.objects.visible_to(request.user).filter(township=township)
    related = rows.select_related("written_by", "taken_over_by").defer("items", "text")
    context = {
        **choice_of_townships(request),
        "township": township,
        "page": page_of(request, related.order_by("-id")),
        "desk": notes.desk_of(township),
        "may_leave": can_leave_note(request.user, township),
        "now": timezone.now(),
    }
    return render(request, "command_room/shift_note_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """What is open is read anew when the note is left: the page may have been open for a while."""
    township = own_township(request)
    items, counts = open_items(township, timezone.now())
    form = ShiftNoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        note = notes.leave(township, by=request.user, items=items, counts=counts, **form.cleaned_data)
        messages.success(request, "已交班，下一班已收到消息")
        return redirect(note)
    context = {
        "township": township,
        "form": form,
        "items": shown(items, request.user),
        "counts": counts,
        "desk": notes.desk_of(township),
        "now": timezone.now(),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "command_room/shift_note_write.html", context, status=status)


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    note = visible_note(request, pk)
    context = {
        "note": note,
        "items": shown(note.items, request.user),
        "counts": note.counts,
        "may_take": can_take_note(request.user, note),
        "now": timezone.now(),
    }
    return render(request, "command_room/shift_note_detail.html", context)


@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    note = visible_note(request, pk)
    if note.taken_over_by_id == request.user.pk:  # pressed twice
        return redirect(note)
    require(request, can_take_note, note)
    form = VerbForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "页面不完整，没有接班。请刷新后再试。")
        return redirect(note)
    notes.take_over(note, by=request.user, seen_state=form.cleaned_data["seen_state"])
    messages.success(request, "您已接班")
    return redirect(note)


def own_township(request: HttpRequest) -> Unit:
    post = request.user.acting  # type: ignore[union-attr]
    if post is None or not post.unit.is_township or not can_leave_note(request.user, post.unit):
        raise PermissionDenied
    unit: Unit = post.unit
    return unit


def visible_note(request: HttpRequest, pk: int) -> ShiftNote:
    related = ("township", "written_by", "taken_over_by")
    return get_object_or_404(ShiftNote.objects.visible_to(request.user).select_related(*related), pk=pk)


def shown(items: Sequence[dict[str, Any]], user: Any) -> list[dict[str, Any]]:
    """The items with their titles, and their due times as times."""
    return [
        {**item, "due": datetime.fromisoformat(item["due"]) if item["due"] else None} for item in titled(items, user)
    ]
