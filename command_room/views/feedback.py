"""意见反馈: say it, read one's own and the answers; for administrators and auditors, read all; answer."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from command_room.forms.feedback import AnswerForm, FeedbackForm, safe_path
from command_room.models import Feedback
from command_room.permissions import can_answer_feedback, can_read_feedback
from command_room.services import feedback as service
from enforcement.views.paging import page_of
from records.verbs import require

REFUSED = 422


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        form = FeedbackForm(initial={"from_path": safe_path(request.GET.get("from", ""))})
        return render(request, "command_room/feedback_write.html", {"form": form})
    form = FeedbackForm(request.POST)
    if form.is_valid():
        try:
            row = service.send(by=request.user, **form.cleaned_data)
        except service.TooMany:
            form.add_error(None, f"一天最多提 {settings.FEEDBACK_PER_DAY} 条，今天已经满了。请明天再提，急事请打电话。")
        else:
            messages.success(request, f"已收到您的意见，编号 {row.number}。")
            return redirect(row)
    return render(request, "command_room/feedback_write.html", {"form": form}, status=REFUSED)


@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    rows = Feedback.objects.filter(sent_by=request.user.pk).order_by("-id")
    context = {"page": page_of(request, rows), "now": timezone.now()}
    return render(request, "command_room/feedback_mine.html", context)


@require_safe
def everybodys(request: HttpRequest) -> HttpResponse:
    """All of them, newest first; `open` for those that wait, `kind` for one sort."""
    if not can_read_feedback(request.user):
        raise PermissionDenied
    rows = Feedback.objects.visible_to(request.user).select_related("sent_by").order_by("-id")
    only_open, kind = "open" in request.GET, request.GET.get("kind", "")
    if only_open:
        rows = rows.unanswered()
    if kind in Feedback.Kind.values:
        rows = rows.filter(kind=kind)
    context = {
        "page": page_of(request, rows),
        "only_open": only_open,
        "kind": kind,
        "kinds": [(code, label.partition("（")[0]) for code, label in Feedback.Kind.choices],
        "now": timezone.now(),
    }
    return render(request, "command_room/feedback_list.html", context)


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    row = _seen(request, pk)
    return render(request, "command_room/feedback_detail.html", _context(request, row, AnswerForm(row=row)))


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    row = _seen(request, pk)
    require(request, can_answer_feedback, row)
    form = AnswerForm(request.POST, row=row)
    if not form.is_valid():
        return render(request, "command_room/feedback_detail.html", _context(request, row, form), status=REFUSED)
    service.answer(row, by=request.user, **form.cleaned_data)
    messages.success(request, "已答复，提意见的人会收到消息。")
    return redirect(row)


def _seen(request: HttpRequest, pk: int) -> Feedback:
    rows = Feedback.objects.visible_to(request.user).select_related("sent_by", "answered_by")
    return get_object_or_404(rows, pk=pk)


def _context(request: HttpRequest, row: Feedback, form: AnswerForm) -> dict[str, object]:
    return {
        "row": row,
        "form": form if can_answer_feedback(request.user, row) else None,
        "is_own": row.sent_by_id == request.user.pk,
        "reads_all": can_read_feedback(request.user),
        "now": timezone.now(),
    }
