"""核查: the desk asks for it, the grid member answers from the phone."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from enforcement.forms.check import CheckForm
from enforcement.forms.event import VerbForm
from enforcement.models import Check
from enforcement.permissions import can_answer_check, can_ask_check
from enforcement.services import check as checks
from enforcement.views import event as event_pages
from enforcement.views import whistle as whistle_pages
from records.services import upload
from records.services.attachment import BadFile, NotStored
from records.verbs import require


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    whistle = whistle_pages.visible_whistle(request, pk)
    require(request, can_ask_check, whistle)
    form = VerbForm(request.POST)
    if not form.is_valid():
        return whistle_pages.again(request, whistle, check=form)
    checks.ask(whistle, by=request.user, **form.cleaned_data)
    messages.success(request, "已请网格员到现场核查，可以等结果，也可以直接确认")
    return redirect(whistle)


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    found = Check.objects.visible_to(request.user).select_related("whistle__by_unit", "event")
    check = get_object_or_404(found, pk=pk)
    require(request, can_answer_check, check)
    with upload.kept(by=request.user, request_id=event_pages.request_id(request)) as waiting:
        form = CheckForm(request.POST, request.FILES, waiting=waiting, auto_id="check_%s")
        if answered(request, form, check):
            messages.success(request, "已告诉镇里，谢谢您去看")
            return redirect(check)
    return event_pages.again(request, event_pages.visible_event(request, check.event_id), check=form)


def keep_files(request: HttpRequest, form: CheckForm) -> None:
    try:
        upload.keep(form.sent_files, by=request.user, request_id=form.form_id)
    except NotStored as error:
        form.add_error("files", str(error))
    else:
        form.waiting = form.all_files


def answered(request: HttpRequest, form: CheckForm, check: Check) -> bool:
    """Whether it was taken. If not, its good photos wait, so that nobody has to choose them twice."""
    if not form.is_valid():
        keep_files(request, form)
        return False
    said = {name: form.cleaned_data[name] for name in ("seen_state", "answer", "text", "files")}
    try:
        checks.answer(check, by=request.user, **said)
    except BadFile as error:
        form.add_error("files", f"{error} 其余照片也请重新选一次。")
        return False
    finally:
        upload.drop(by=request.user, request_id=form.form_id)
    return True
