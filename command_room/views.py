"""The command room's pages: the first page by role, the work list, the board."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from typing import Any

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import parse_etags
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from command_room import samples
from command_room.permissions import can_choose_township, can_view_board, can_view_components
from command_room.services import board as boards
from command_room.services import city, day
from command_room.services import worklist as work
from command_room.templatetags.look import due
from enforcement.permissions import can_take_calls
from townships import people
from townships.models import Role, Unit

KEPT = 60  # seconds
HOMES: dict[str, str] = {
    Role.GRID: "command_room:worklist",
    Role.OFFICER: "command_room:worklist",
    Role.DUTY: "command_room:board",
    Role.LEADER: "command_room:board",
    Role.LIAISON: "command_room:worklist",
    Role.DEPT_LEADER: "command_room:worklist",
    Role.GUIDANCE: "command_room:board",
    Role.ADMIN: "admin:index",
    Role.AUDITOR: "enforcement:whistle-list",
}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the page that answers this role's first question; who has no post is told so."""
    post = request.user.acting  # type: ignore[union-attr]
    return redirect(HOMES[post.role]) if post else render(request, "command_room/no_post.html")


# --- 现在该我做的 -----------------------------------------------------------------------------------------------------
@require_safe
def worklist(request: HttpRequest) -> HttpResponse:
    """The whole page; `when` is now, today or all, without it the first of them that has something."""
    context = work_context(request)
    return render(request, "command_room/worklist.html", context)


@require_safe
def worklist_rows(request: HttpRequest) -> HttpResponse:
    """The rows alone, for htmx. The ETag is a digest of what they say: asking costs the queries, not the page."""
    context = work_context(request)
    unchanged = get_conditional_response(request, etag=context["etag"])
    response = unchanged or HttpResponse(render_to_string("command_room/_worklist.html", context, request))
    response["ETag"] = context["etag"]
    patch_cache_control(response, private=True, no_cache=True)
    return response


def work_context(request: HttpRequest) -> dict[str, Any]:
    now, user = timezone.now(), request.user
    role = user.acting.role if user.acting else ""  # type: ignore[union-attr]
    found = work.acts(user, now)
    parts = work.segments(found, now, role)
    wanted = request.GET.get("when")
    chosen = next((part for part in parts if part.code == wanted), None) or work.first_filled(parts)
    told = (user.pk, role, chosen.code, timezone.localdate(now), [(part.code, part.acts) for part in parts])
    return {
        "rows": [row_of(tone, act, now) for tone, act in chosen.acts],
        "segments": parts,
        "chosen": chosen,
        "role": role,
        "page": reverse("command_room:worklist"),
        "etag": f'"{digest(told)}"',
        "is_cut": len(found) >= work.SHOWN,
    }


def row_of(tone: str, act: work.Act, now: datetime) -> dict[str, Any]:
    """A row as plain values: lookups in a dict are what Django's templates do fastest, and there may be a hundred."""
    return {
        **vars(act),
        "colour": tone,
        "changes": f"{act.state} {act.claimed_by}",
        "clock": due(act.due, act.label, now, provisional=act.is_provisional, tone=act.tone),
    }


# --- 指挥台 ----------------------------------------------------------------------------------------------------------
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """A township's board; the whole city for whoever may choose and has not."""
    now = timezone.now()
    township = township_of(request)
    if township is None:
        context = {"now": now, "states": city.STATES, "rows": city.overview(now), "board_url": request.path}
        return render(request, "command_room/city.html", context)
    may_choose = can_choose_township(request.user)
    drawn = drawn_board(township, boards.mark(township.pk), now, may_choose=may_choose)
    context = {
        "now": now,
        "township": township,
        "drawn": drawn,
        "side": drawn_side(township, now, may_choose=may_choose),
        "links": links(township, may_choose=may_choose),
        "may_choose": may_choose,
        "may_report": can_take_calls(request.user),
    }
    return render(request, "command_room/board.html", context)


@require_safe
def board_columns(request: HttpRequest) -> HttpResponse:
    """Figures and columns alone, for htmx every 20 seconds: 304 after one index query while nothing has changed."""
    now = timezone.now()
    township = township_of(request)
    if township is None:
        raise Http404
    mark = boards.mark(township.pk)
    etag = still_true(request, mark, now)
    if etag:
        response: HttpResponse = HttpResponseNotModified(headers={"ETag": etag})
    else:
        drawn = drawn_board(township, mark, now, may_choose=can_choose_township(request.user))
        response = HttpResponse(drawn.html, headers={"ETag": drawn.etag})
    patch_cache_control(response, private=True, no_cache=True)
    return response


def township_of(request: HttpRequest) -> Unit | None:
    """Whose board: one's own, or the one asked for by ?township=. None: the city. Raises PermissionDenied, Http404."""
    user: Any = request.user
    if not can_view_board(user):
        raise PermissionDenied
    code = request.GET.get("township")
    if not can_choose_township(user):
        own: Unit = user.acting.unit
        if code and code != own.code:
            raise Http404
        return own
    return get_object_or_404(Unit.objects.townships(), code=code) if code else None


def still_true(request: HttpRequest, mark: str, now: datetime) -> str | None:
    """The ETag that the browser holds, if it still says what the board says.

    It is `<mark>.<until>`: what has changed is in the mark, and until when (Unix time) the clock alone changes nothing
    is in the tag itself, so no query is needed to find out that a card has turned late meanwhile.
    """
    for etag in parse_etags(request.headers.get("If-None-Match", "")):
        known, _, until = etag.strip('W/"').partition(".")
        if known == mark and until.isdigit() and now.timestamp() < int(until):
            return etag
    return None


@dataclass(frozen=True)
class Drawn:
    """A board as HTML, and until when it may be shown without looking again."""

    html: SafeString
    etag: str
    until: datetime


def drawn_board(township: Unit, mark: str, now: datetime, *, may_choose: bool) -> Drawn:
    """Drawn once for everybody who looks at it in the same minute, and anew after every change: that is in the key."""
    key = f"board:{township.pk}:{may_choose}:{mark}:{now:%d%H%M}"
    drawn: Drawn | None = cache.get(key)
    if drawn is None or drawn.until <= now:
        found = boards.board(township, now)
        context = {
            "now": now,
            "board": found,
            "arrivals": day.arrivals(township, now),
            "finished": day.finished(township, now),
            "links": links(township, may_choose=may_choose),
        }
        html = render_to_string("command_room/_board.html", context)
        drawn = Drawn(html, f'W/"{mark}.{int(found.until.timestamp())}"', found.until)
        cache.set(key, drawn, KEPT)
    return drawn


def drawn_side(township: Unit, now: datetime, *, may_choose: bool) -> SafeString:
    """Who can come and what there is to mind, drawn as the board is: anew when squad or rota have changed."""
    key = f"side:{township.pk}:{may_choose}:{day.mark(township.pk, timezone.localdate(now))}:{now:%d%H%M}"
    html: SafeString | None = cache.get(key)
    if html is None:
        today = timezone.localdate(now)
        context = {
            "township": township,
            "townships": may_choose,
            "on_duty": people.on_duty_now(township, now),
            "to_mind": day.to_mind(township, people.roster(township, today), today),
        }
        html = render_to_string("command_room/_side.html", context)
        cache.set(key, html, KEPT)
    return html


def links(township: Unit, *, may_choose: bool) -> dict[str, str]:
    """Where the numbers lead: the lists, filtered; for who sees all townships, to this one's."""
    whose = f"&township={township.pk}" if may_choose else ""
    events, whistles = reverse("enforcement:event-list"), reverse("enforcement:whistle-list")
    return {
        "columns": reverse("command_room:board-columns") + (f"?township={township.code}" if may_choose else ""),
        "to_accept": f"{events}?state=reported{whose}",
        "open": f"{whistles}?state=open{whose}",
        "late": f"{whistles}?late=late&order=due{whose}",
        "soon": f"{whistles}?state=open&order=due{whose}",
    }


def digest(told: object) -> str:
    return md5(repr(told).encode(), usedforsecurity=False).hexdigest()


# --- every part in every state ----------------------------------------------------------------------------------------
@require_safe
def components(request: HttpRequest) -> HttpResponse:
    if not can_view_components(request.user):
        raise PermissionDenied
    return render(request, "command_room/components.html", samples.context(timezone.now()))
