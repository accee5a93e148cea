"""The command room's pages: the first page by role, the work list, the board."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from command_room import samples
from command_room.drawings import Drawing, draw, respond
from command_room.permissions import (
    can_choose_township,
    can_manage_wall_links,
    can_view_board,
    can_view_components,
)
from command_room.services import board as boards
from command_room.services import city, day, marks
from command_room.services import worklist as work
from command_room.services.worklist_act import Act
from command_room.templatetags.look import due
from enforcement.permissions import can_take_calls
from enforcement.services.marks import NAMES, TONES, levels_of
from townships import people
from townships.models import Role, Unit
from townships.services.shift_note import desk_of

HOMES: dict[str, str] = {
    Role.GRID: "command_room:worklist",
    Role.OFFICER: "command_room:worklist",
    Role.DUTY: "command_room:board",
    Role.LEADER: "command_room:worklist",
    Role.LIAISON: "command_room:worklist",
    Role.DEPT_LEADER: "command_room:worklist",
    Role.GUIDANCE: "command_room:board",
    Role.ADMIN: "admin:index",
    Role.AUDITOR: "enforcement:whistle-list",
}
NAMED = 6  # people named beside the board, so that what there is to mind stays in sight below them


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the page that answers this role's first question; who has no post is told so."""
    post = request.user.acting  # type: ignore[union-attr]
    return redirect(HOMES[post.role]) if post else render(request, "command_room/no_post.html")


# --- 现在该我做的 -----------------------------------------------------------------------------------------------------
@require_safe
def worklist(request: HttpRequest) -> HttpResponse:
    """The whole page; `when` is now, today or all, without it the first of them that has something."""
    now, mark = timezone.now(), work_mark(request)
    context = {"role": role_of(request), "when": request.GET.get("when", ""), "drawn": drawn_work(request, mark, now)}
    return render(request, "command_room/worklist.html", context)


@require_safe
def worklist_rows(request: HttpRequest) -> HttpResponse:
    """The rows alone, for htmx."""
    now, mark = timezone.now(), work_mark(request)
    return respond(request, mark, now, lambda: drawn_work(request, mark, now))


def role_of(request: HttpRequest) -> str:
    post = request.user.acting  # type: ignore[union-attr]
    return post.role if post else ""


def work_mark(request: HttpRequest) -> str:
    """Of one person in one post, looking at one part of the list."""
    user: Any = request.user
    post = user.acting
    told = marks.of_work(user, post, timezone.now()) if post else ""
    whose = f"{user.pk} {post and post.pk} {request.GET.get('when', '')} {told}"
    return md5(whose.encode(), usedforsecurity=False).hexdigest()


def drawn_work(request: HttpRequest, mark: str, now: datetime) -> Drawing:
    def make() -> tuple[SafeString, datetime]:
        role, found = role_of(request), work.acts(request.user, now)
        parts = work.segments(found, now, role)
        wanted = request.GET.get("when")
        chosen = next((part for part in parts if part.code == wanted), None) or work.first_filled(parts)
        context = {
            "rows": rows_of(chosen.acts, now),
            "segments": parts,
            "chosen": chosen,
            "page": reverse("command_room:worklist"),
            "is_cut": len(found) >= work.SHOWN,
        }
        return render_to_string("command_room/_worklist.html", context), work.until(found, now, role)

    return draw("work", mark, now, make)


def rows_of(acts: Sequence[tuple[str, Act]], now: datetime) -> list[dict[str, Any]]:
    """With their yellow and red marks, for which one query is asked if anything is late."""
    levels = levels_of({act.number: act.due for _, act in acts if act.due and act.due < now})
    return [row_of(tone, act, now, levels.get(act.number, 0)) for tone, act in acts]


def row_of(tone: str, act: Act, now: datetime, level: int = 0) -> dict[str, Any]:
    """A row as plain values: lookups in a dict are what Django's templates do fastest, and there may be a hundred."""
    return {
        **vars(act),
        "mark": NAMES[level],
        "mark_tone": TONES[level],
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
        context["may_link"] = can_manage_wall_links(request.user)
        return render(request, "command_room/city.html", context)
    may_choose = can_choose_township(request.user)
    mark, squad = marks.of_board(township.pk, timezone.localdate(now))
    context = {
        "now": now,
        "township": township,
        "drawn": drawn_board(township, mark, now, may_choose=may_choose),
        "side": drawn_side(township, squad, now, may_choose=may_choose),
        "links": links(township, may_choose=may_choose),
        "may_choose": may_choose,
        "may_report": can_take_calls(request.user),
        "may_link": can_manage_wall_links(request.user),
        "desk": desk_of(township),
    }
    return render(request, "command_room/board.html", context)


@require_safe
def board_columns(request: HttpRequest) -> HttpResponse:
    """Figures and columns alone, for htmx every 20 seconds."""
    now = timezone.now()
    township = township_of(request)
    if township is None:
        raise Http404
    mark, may_choose = marks.of_township(township.pk), can_choose_township(request.user)
    return respond(request, mark, now, lambda: drawn_board(township, mark, now, may_choose=may_choose))


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


def drawn_board(township: Unit, mark: str, now: datetime, *, may_choose: bool) -> Drawing:
    def make() -> tuple[SafeString, datetime]:
        found = boards.board(township, now)
        context = {
            "now": now,
            "board": found,
            "arrivals": day.arrivals(township, now),
            "finished": day.finished(township, now),
            "links": links(township, may_choose=may_choose),
        }
        return render_to_string("command_room/_board.html", context), found.until

    return draw(f"board:{township.pk}:{may_choose}", mark, now, make)


def drawn_side(township: Unit, mark: str, now: datetime, *, may_choose: bool) -> Drawing:
    """Who can come, those on the rota first, and what there is to mind."""

    def make() -> tuple[SafeString, datetime]:
        today = timezone.localdate(now)
        on_duty = people.on_duty_now(township, now)
        context = {
            "township": township,
            "townships": may_choose,
            "on_duty": on_duty[:NAMED],
            "more": len(on_duty[NAMED:]),
            "to_mind": day.to_mind(township, people.roster(township, today), today),
        }
        return render_to_string("command_room/_side.html", context), now + timedelta(minutes=1)

    return draw(f"side:{township.pk}:{may_choose}", mark, now, make)


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


# --- every part in every state ----------------------------------------------------------------------------------------
@require_safe
def components(request: HttpRequest) -> HttpResponse:
    if not can_view_components(request.user):
        raise PermissionDenied
    return render(request, "command_room/components.html", samples.context(timezone.now()))
