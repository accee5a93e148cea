"""Fragments that many people look at all day: drawn once a change, kept for the minute, not sent twice to one browser.

Each has a mark, which one index query tells and which is another after every change of what the fragment shows; and a
moment up to which the clock alone changes nothing in it. `<mark>.<until>` is the ETag. So an unchanged fragment is a
304 without a query of its own rows and without rendering, and still a card that turns red is seen when it does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_cache_control
from django.utils.http import parse_etags
from django.utils.safestring import SafeString

KEPT = 60  # seconds
MOMENT = re.compile(r"[0-9]{1,12}")
Make = Callable[[], tuple[SafeString, datetime]]


@dataclass(frozen=True)
class Drawing:
    html: SafeString
    etag: str
    until: datetime


def draw(name: str, mark: str, now: datetime, make: Make) -> Drawing:
    """What `make` draws, (HTML, until when the clock leaves it as it is), or the same drawn earlier in this minute.

    `name` says what it is and for whom. The mark was asked for before the rows: a change that comes between shows next
    time.
    """
    key = f"{name}:{mark}:{now:%d%H%M}"
    kept: Drawing | None = cache.get(key)
    if kept is None or kept.until <= now:
        html, until = make()
        kept = Drawing(html, f'W/"{mark}.{int(until.timestamp())}"', until)
        cache.set(key, kept, KEPT)
    return kept


def respond(request: HttpRequest, mark: str, now: datetime, drawing: Callable[[], Drawing]) -> HttpResponse:
    """The fragment, or 304 where the browser's own still tells the truth."""
    etag = _still_true(request, mark, now)
    if etag:
        response: HttpResponse = HttpResponseNotModified(headers={"ETag": etag})
    else:
        drawn = drawing()
        response = HttpResponse(drawn.html, headers={"ETag": drawn.etag})
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _still_true(request: HttpRequest, mark: str, now: datetime) -> str | None:
    for etag in parse_etags(request.headers.get("If-None-Match", "")):
        known, _, until = etag.strip('W/"').partition(".")
        if known == mark and MOMENT.fullmatch(until) and now.timestamp() < int(until):
            return etag
    return None
