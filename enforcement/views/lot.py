"""An act on the ticked rows of a list: looked at first, then done, then told row by row."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from enforcement.exports import work
from enforcement.forms.lot import LotForm, is_id, terms_form
from enforcement.models import Dispatch, Lot
from enforcement.permissions import can_act_on_many
from enforcement.services import lot as lots
from enforcement.services.lot import MOST, Terms

LISTS = {"event": "enforcement:event-list", "dispatch": "enforcement:dispatch-list"}
NOUNS = {"remind": "派单", "assign": "派单", "squad": "事件"}


@never_cache
@require_GET
def preview(request: HttpRequest) -> HttpResponse:
    """What would happen to each. Without the terms that the act needs, they are asked for on the same page."""
    if not can_act_on_many(request.user):
        raise PermissionDenied
    act, of = request.GET.get("act", ""), request.GET.get("of", "")
    if act not in Lot.Act.values or of not in LISTS:
        messages.warning(request, "请在列表里勾选，再按要办的事。")
        return redirect("enforcement:dispatch-list")
    picked, is_cut = picked_ids(request, of)
    rows = lots.rows_of(
        act, dispatches_of(picked, request.user) if is_through_events(act, of) else picked, by=request.user
    )
    if not rows:
        messages.warning(request, nothing_picked(act) if picked else "还没有勾选。请先在列表里勾选，再按要办的事。")
        return redirect(f"{reverse(LISTS[of])}?{request.GET.get('query', '')}")
    return render(
        request, "enforcement/lot_preview.html", preview_context(request, act, of, rows[:MOST], is_cut=is_cut)
    )


def nothing_picked(act: str) -> str:
    """Rows were picked, but none that this act is for."""
    return f"勾选的里没有能{Lot.Act(act).label}的。请另外勾选。"


def picked_ids(request: HttpRequest, of: str) -> tuple[list[int], bool]:
    """The ticked rows, or all that the filters find; and whether these were more than one lot takes."""
    if request.GET.get("scope") != "filtered":
        picked = [int(pk) for pk in request.GET.getlist("pk") if is_id(pk)]
    else:
        asked = work.listing_of(of).asked(request.user, QueryDict(request.GET.get("query", "")))
        picked = list(asked.rows.values_list("pk", flat=True)[: MOST + 1]) if asked.is_valid else []
    return picked[:MOST], len(picked) > MOST


def is_through_events(act: str, of: str) -> bool:
    return of == "event" and lots.OF[act] is Dispatch


def dispatches_of(event_ids: list[int], user: Any) -> list[int]:
    """Of ticked events it is the departments that are reminded."""
    found = Dispatch.objects.visible_to(user).filter(event_id__in=event_ids, state__in=Dispatch.OPEN)
    return list(found.order_by("id").values_list("pk", flat=True)[:MOST])


def preview_context(request: HttpRequest, act: str, of: str, rows: Any, *, is_cut: bool) -> dict[str, Any]:
    form = terms_form(act, request.GET, by=request.user)
    is_said = form.is_bound and form.is_valid()
    lines = lots.preview(act, rows, form.terms() if is_said else Terms(), by=request.user)
    return {
        "act": act,
        "act_name": Lot.Act(act).label,
        "noun": NOUNS[act],
        "of": of,
        "back": f"{reverse(LISTS[of])}?{request.GET.get('query', '')}",
        "query": request.GET.get("query", ""),
        "form": form,
        "is_said": is_said,
        "to_do": [line for line in lines if not line.why_not],
        "left_out": [line for line in lines if line.why_not],
        "rows": rows,
        "is_cut": is_cut,
        "most": MOST,
        "request_id": uuid4(),
    }


@require_POST
def run(request: HttpRequest) -> HttpResponse:
    if not can_act_on_many(request.user):
        raise PermissionDenied
    form = LotForm(request.POST)
    if not form.is_valid() or not form.seen():
        messages.warning(request, "页面不完整，没有办理。请回到列表重新勾选。")
        return redirect("enforcement:dispatch-list")
    act = form.cleaned_data["act"]
    terms = terms_form(act, request.POST, by=request.user)
    if not terms.is_valid():
        messages.warning(request, "由谁承办或时限没有填好，没有办理。请重新勾选。")
        return redirect(LISTS["event" if NOUNS[act] == "事件" else "dispatch"])
    made = lots.run(act, form.seen(), terms.terms(), by=request.user, request_id=form.cleaned_data["request_id"])
    return redirect(made)


@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of each, with links to those that the person still sees."""
    lot = get_object_or_404(Lot.objects.visible_to(request.user), pk=pk)
    of = "event" if NOUNS[lot.act] == "事件" else "dispatch"
    ids = [one["id"] for one in lot.outcomes if one["id"]]
    titles = {row.pk: lots.title_of(row) for row in lots.rows_of(lot.act, ids, by=request.user)}
    shown = [{**one, "title": titles.get(one["id"], "")} for one in lot.outcomes]
    context = {
        "lot": lot,
        "noun": NOUNS[lot.act],
        "base": reverse(LISTS[of]),
        "done": [one for one in shown if one["is_done"]],
        "left_out": [one for one in shown if not one["is_done"]],
    }
    return render(request, "enforcement/lot_detail.html", context)
