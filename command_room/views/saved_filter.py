"""保存的筛选: keep, rename, delete, open a list with it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from command_room.forms.saved_filter import RenameForm, SavedFilterForm
from command_room.models import SavedFilter
from command_room.permissions import can_change_filter, can_share_filter
from command_room.services import saved_filter as saved_filters

UNPROCESSABLE = 422


@require_safe
def saved_list(request: HttpRequest) -> HttpResponse:
    rows = [(saved, can_change_filter(request.user, saved)) for saved in saved_filters.seen(request.user)]
    context = {"rows": rows, "may_share": can_share_filter(request.user)}
    return render(request, "command_room/saved_filter_list.html", context)


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    if request.user.acting is None:  # type: ignore[union-attr]
        raise PermissionDenied
    form = SavedFilterForm(request.POST, request=request)
    if not form.is_valid():
        return render(request, "command_room/saved_filter_save.html", {"form": form}, status=UNPROCESSABLE)
    fields = {name: form.cleaned_data[name] for name in ("code", "name", "query", "request_id")}
    saved = saved_filters.save(**fields, is_shared=form.is_shared, by=request.user)
    messages.success(request, f"已保存“{saved.name}”，它在列表上方")
    return redirect(saved)


@require_POST
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    saved = changeable(request, pk)
    form = RenameForm(request.POST, saved=saved, by=request.user)
    if form.is_valid():
        saved_filters.rename(saved, name=form.cleaned_data["name"], by=request.user)
        messages.success(request, f"已改名为“{saved.name}”")
        return redirect("command_room:saved-filter-list")
    context = {"form": form, "saved": saved}
    return render(request, "command_room/saved_filter_rename.html", context, status=UNPROCESSABLE)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Under the name that the person saw: another one may mean another filter by now."""
    saved = changeable(request, pk)
    if request.POST.get("name") != saved.name:
        messages.warning(request, f"没有删除：这组筛选现在叫“{saved.name}”，请核对后再删。")
    else:
        saved_filters.delete(saved, by=request.user)
        messages.success(request, f"已删除筛选“{saved.name}”")
    return redirect("command_room:saved-filter-list")


@require_POST
def default(request: HttpRequest, pk: int) -> HttpResponse:
    """`on`: the list opens with it from now on; without: no longer."""
    saved = visible(request, pk)
    if request.POST.get("on"):
        saved_filters.set_default(saved, by=request.user)
        messages.success(request, f"以后打开{saved.get_list_display()}，先按“{saved.name}”列出")
    else:
        saved_filters.clear_default(saved, by=request.user)
        messages.success(request, f"打开{saved.get_list_display()}时不再按“{saved.name}”列出")
    return redirect("command_room:saved-filter-list")


def visible(request: HttpRequest, pk: int) -> SavedFilter:
    return get_object_or_404(SavedFilter.objects.visible_to(request.user), pk=pk)


def changeable(request: HttpRequest, pk: int) -> SavedFilter:
    """Raises Http404, PermissionDenied."""
    saved = visible(request, pk)
    if not can_change_filter(request.user, saved):
        raise PermissionDenied
    return saved
