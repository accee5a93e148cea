"""Verbs of 延期: the lead asks on its dispatch, the command room or the guidance office answers."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from enforcement.forms.event import VerbForm
from enforcement.forms.extension import ExtensionForm, RefuseExtensionForm
from enforcement.models import Extension
from enforcement.permissions import can_answer_extension, can_ask_extension
from enforcement.services import extension as extensions
from enforcement.views.dispatch import again, visible_dispatch
from records.verbs import require


def visible_extension(request: HttpRequest, pk: int) -> Extension:
    """The extension with its dispatch as the page needs it, or 404."""
    found = get_object_or_404(Extension.objects.visible_to(request.user), pk=pk)
    found.dispatch = visible_dispatch(request, found.dispatch_id)
    return found


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    dispatch = visible_dispatch(request, pk)
    require(request, can_ask_extension, dispatch)
    form = ExtensionForm(request.POST, auto_id="extend_%s")
    if not form.is_valid():
        return again(request, dispatch, extend=form)
    form.cleaned_data.pop("seen_state")
    made = extensions.ask(dispatch, by=request.user, **form.cleaned_data)
    messages.success(request, f"已申请延期，等{extensions.answerer(made)}答复；答复之前期限照旧")
    return redirect(dispatch)


@require_POST
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    extension = visible_extension(request, pk)
    if extension.is_asked:  # otherwise somebody was faster, which the service says in a sentence
        require(request, can_answer_extension, extension)
    form = VerbForm(request.POST)
    if not form.is_valid():
        return again(request, extension.dispatch, grant=form)
    extensions.grant(extension, by=request.user)
    messages.success(request, "已同意延期，部门已收到消息，各期限已重新计算")
    return redirect(extension.dispatch)


@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    extension = visible_extension(request, pk)
    if extension.is_asked:  # otherwise somebody was faster, which the service says in a sentence
        require(request, can_answer_extension, extension)
    form = RefuseExtensionForm(request.POST, auto_id="refuse_extension_%s")
    if not form.is_valid():
        return again(request, extension.dispatch, refuse_extension=form)
    extensions.refuse(extension, by=request.user, decision=form.cleaned_data["decision"])
    messages.success(request, "已答复不同意，部门已收到消息，期限不变")
    return redirect(extension.dispatch)
