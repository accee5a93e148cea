"""The board on a wall, behind a link of its own, and where such links are made and taken back."""

from datetime import datetime
from typing import Any

from axes.helpers import get_client_ip_address
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from command_room.drawings import Drawing, draw, respond
from command_room.forms.wall import WallLinkForm
from command_room.permissions import can_manage_wall_links
from command_room.services import marks, wall, wall_city
from records.models import PublicLink
from records.services import link as links
from records.services import qr
from records.services.link import TooMany
from townships.models import Unit

GONE, TOO_MANY = 404, 429
SHOWN = 100
RELOADED = "1800"  # seconds: a screen without scripts, or one that hangs since before an upgrade


# --- the screen: no session, no cookie ----------------------------------------------------------------------------------
@login_not_required
@require_safe
def screen(request: HttpRequest, token: str) -> HttpResponse:
    """The whole page; from then on it asks for the fragment by itself."""
    now = timezone.now()
    try:
        link = asked_for(request, token, now)
    except TooMany:
        return _closed(request, "刷新得太快了，请等一分钟。", TOO_MANY)
    if link is None:
        return _closed(request, "这个链接不存在、已过期或已作废。请向本单位领导或系统管理员要一个新的。", GONE)
    context = {"now": now, "title": title_of(link), "drawn": drawn(link, mark_of(link, now), now)}
    context["rows_url"] = reverse("command_room:wall-rows", args=[token])
    response = _quiet(render(request, "command_room/wall.html", context))
    response["Refresh"] = RELOADED
    return response


@login_not_required
@require_safe
def rows(request: HttpRequest, token: str) -> HttpResponse:
    """The fragment, or 304; where the link does not hold any more the page is loaded anew, which then says so."""
    now = timezone.now()
    try:
        link = asked_for(request, token, now)
    except TooMany:
        return _quiet(HttpResponse(status=TOO_MANY))
    if link is None:
        return _quiet(HttpResponse(status=GONE, headers={"HX-Refresh": "true"}))
    mark = mark_of(link, now)
    return _quiet(respond(request, mark, now, lambda: drawn(link, mark, now)))


def asked_for(request: HttpRequest, token: str, now: datetime) -> PublicLink | None:
    """The link of this token, if it holds. Raises TooMany."""
    address = get_client_ip_address(request) or ""
    return links.find(token, purposes=wall.PURPOSES, address=address, now=now, most=wall.USES)


def is_city(link: PublicLink) -> bool:
    return link.purpose == PublicLink.Purpose.CITY_WALL


def title_of(link: PublicLink) -> str:
    return "全市指挥台" if is_city(link) else f"{wall.unit_of(link)}指挥台"


def mark_of(link: PublicLink, now: datetime) -> str:
    return marks.of_city_wall(now) if is_city(link) else marks.of_wall(link.target_id, now)


def drawn(link: PublicLink, mark: str, now: datetime) -> Drawing:
    def make() -> tuple[SafeString, datetime]:
        if is_city(link):
            city = wall_city.wall(now)
            return render_to_string("command_room/_wall_city.html", {"wall": city, "now": now}), city.until
        found = wall.wall(wall.unit_of(link), now)
        return render_to_string("command_room/_wall.html", {"wall": found, "now": now}), found.until

    return draw(f"wall:{link.target_id}", mark, now, make)


def _closed(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    return _quiet(render(request, "command_room/wall_closed.html", {"sentence": sentence}, status=status))


def _quiet(response: HttpResponse) -> HttpResponse:
    """The token is in the address: no search engine keeps it, no other site hears of it, and no log of refused requests."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # by portal.middleware, without the token
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    # what a proxy keeps on the way would be shown by a screen whose link was taken back
    patch_cache_control(response, private=True, no_cache=True)
    return response


# --- the links ----------------------------------------------------------------------------------------------------------
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link_list(request: HttpRequest) -> HttpResponse:
    """All links with what became of them; POST makes one and shows its address, this once."""
    user: Any = request.user
    if not can_manage_wall_links(user):
        raise PermissionDenied
    form = WallLinkForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        return _made(request, form.cleaned_data)
    rows = list(wall.links(user).select_related("made_by", "revoked_by").order_by("-id")[:SHOWN])
    units = Unit.objects.in_bulk({row.target_id for row in rows})
    context = {"rows": [(row, units[row.target_id]) for row in rows], "form": form, "now": timezone.now()}
    return render(request, "command_room/wall_links.html", context, status=422 if form.is_bound else 200)


def _made(request: HttpRequest, said: dict[str, Any]) -> HttpResponse:
    wanted = {"label": said["label"], "days": said["days"], "request_id": said["request_id"]}
    unit = said["unit"]
    made, token = links.make(unit, by=request.user, purpose=wall.purpose_of(unit), **wanted)
    if not token:
        messages.warning(request, "这个链接已经生成过，只显示那一次。没有记下的，请作废后再生成一个。")
        return redirect(made)
    address = settings.PORTAL_URL.rstrip("/") + reverse("command_room:wall", args=[token])
    context = {"link": made, "unit": unit, "address": address, "qr": qr.drawn(address)}
    return render(request, "command_room/wall_link_made.html", context)


@require_POST
def link_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user: Any = request.user
    if not can_manage_wall_links(user):
        raise PermissionDenied
    found = get_object_or_404(wall.links(user), pk=pk)
    is_new = links.revoke(found, by=user)
    messages.success(request, "已作废，屏幕几秒内停止显示。" if is_new else "这个链接此前已经作废。")
    return redirect(found)
