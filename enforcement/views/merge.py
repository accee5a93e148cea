"""并案, from the page of the event that is merged into another."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from enforcement.forms.merge import MergeForm
from enforcement.permissions import can_merge
from enforcement.services import merge as merges
from enforcement.views.event import again, visible_event
from records.verbs import require


@require_POST
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    event = visible_event(request, pk)
    require(request, can_merge, event)
    form = MergeForm(request.POST, event=event)
    if not form.is_valid():
        return again(request, event, merge=form)
    merges.merge(event, by=request.user, **form.cleaned_data)
    messages.success(request, "已并案，上报人已收到消息，办结时会再收到一次")
    return redirect(event)
