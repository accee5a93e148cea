"""A list taken away as a file: exactly the rows that its page shows under the same address."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from enforcement.exports import work
from enforcement.exports.table import Listing
from enforcement.forms.export import ExportForm
from records.services.spreadsheet import MIMES


@require_POST
def export(request: HttpRequest, code: str) -> HttpResponseBase:
    """A POST, as it writes down who took what away; a short list comes at once, a long one as a job."""
    listing = listing_of(request, code)
    form = ExportForm(request.POST)
    if not form.is_valid():
        return back(request, listing, "页面不完整，没有导出。请刷新列表后再试。")
    query, kind = form.cleaned_data["query"], form.cleaned_data["format"]
    asked = listing.asked(request.user, form.asked())
    if not asked.is_valid:
        return back(request, listing, "有筛选条件填错了，没有导出。请先改好筛选条件。", query)
    if not asked.rows.exists():
        return back(request, listing, f"没有符合条件的{listing.title}可以导出。", query)
    if not work.is_short(asked):
        form_id = form.cleaned_data["request_id"]
        return redirect(work.start(listing, asked, by=request.user, query=query, kind=kind, request_id=form_id))
    name = work.filename(listing, request.user.office, timezone.now(), kind)  # type: ignore[union-attr]
    file = work.download(listing, asked, by=request.user, query=query, kind=kind)
    return FileResponse(file, content_type=MIMES[kind], as_attachment=True, filename=name)


def listing_of(request: HttpRequest, code: str) -> Listing:
    try:
        listing = work.listing_of(code)
    except KeyError:
        raise Http404 from None
    if not listing.may(request.user):
        raise PermissionDenied
    return listing


def back(request: HttpRequest, listing: Listing, sentence: str, query: str = "") -> HttpResponseBase:
    messages.warning(request, sentence)
    return redirect(f"{reverse(listing.address)}{'?' if query else ''}{query}")
