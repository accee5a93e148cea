"""Every page, list, search, file and figure as a stranger sees it: as if 甘霖镇 had nothing at all."""

import csv
import io
import re
from html import escape
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import openpyxl
import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse

from command_room.models import DefaultFilter
from enforcement.models import Dispatch, Event
from notifications.models import Message
from tests.attack.conftest import COMPARED, sweep
from tests.attack.crawl import alike, asked
from tests.attack.world import PHONE, STEM, World, leaks
from tests.cast import PASSWORD, client_for


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    found = []
    for name, text in after.items():
        if leaks(text):
            found.append(f"{name} tells {leaks(text)}")
        elif text != before[name]:
            found.append(f"{name}: {first_difference(before[name], text)}")
    return found


def first_difference(one: str, other: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"…{one[max(0, at - 60) : at + 60]}… | …{other[max(0, at - 60) : at + 60]}…"


@pytest.mark.parametrize("part", COMPARED)
def test_no_page_tells_that_there_are_foreign_rows(world: World, part: str) -> None:
    """Byte for byte what it was before they came: no word, no number, no count, no tag."""
    found = differences(world.before[part], sweep(world["clients"][part], world["at"]))
    assert not found, "\n".join(found)


# --- asked for by name, by number, by somebody else's key --------------------------------------------------------------
ASKING = ("changle_duty", "changle_grid_member", "zfj_liaison", "scjg_officer")
NOBODYS = "罍鬶"  # the same length, and in no row at all


def searched(world: World) -> list[str]:
    event, whistle = world["called"], world["emergency"]
    return [
        STEM,
        "罍簋地点",
        "簋来",
        f"{PHONE}0001",
        event.number,
        whistle.number,
        f"{PHONE}",
        "罍簋照片",
    ]


def without_echo(text: str, query: str) -> str:
    """Without what was typed, which every page says back; in the order of its length, as an address has it too."""
    for said in sorted({query, quote(query), escape(query)}, key=len, reverse=True):
        text = text.replace(said, "…")
    return re.sub(r"'Content-Length': '\d+'", "", text)


@pytest.mark.parametrize("part", ASKING)
def test_search_for_what_is_foreign_finds_what_is_nowhere(world: World, part: str) -> None:
    """Each word and number, in the search and in every list's own: the same page as for a word that stands nowhere."""
    client, wrong = world["clients"][part], []
    for turn, query in enumerate(searched(world)):
        nowhere = NOBODYS + "甲" * (len(query) - 2) if not query[-1].isdigit() else re.sub(r"\d", "8", query)
        lists = [SEARCHED[turn % len(SEARCHED)]] if part in LOOKING else []
        for url in ("/search/", *lists):
            with time_machine.travel(world["at"], tick=False):
                found, empty = (asked(client, "GET", url, {"q": one}).text for one in (query, nowhere))
            found, empty = without_echo(found, query), without_echo(empty, nowhere)
            if alike(found) != alike(empty):
                wrong.append(f"{part} {url}?q={query}: {first_difference(alike(found), alike(empty))}")
    assert not wrong, "\n".join(wrong)


LOOKING = ("changle_duty", "zfj_liaison")
SEARCHED = ("/events/", "/whistles/", "/dispatches/", "/contacts/", "/contacts/units/", "/events/categories/")


def foreign_questions(world: World) -> list[tuple[str, dict[str, Any]]]:
    """Of every list each filter that takes a key, with 甘霖镇's; pages that only 甘霖镇 can turn to; its board and its people."""
    cast, event = world.cast, world["called"]
    keys = {"township": cast.ganlin.pk, "grid": cast.ganlin_grid.pk, "by_unit": cast.ganlin.pk, "unit": "甘霖"}
    keys |= {"department": "市场监管", "category": event.category.code, "q": STEM, "state": "open", "level": "3"}
    lists = [f"/{name}/" for name in ("events", "whistles", "dispatches", "escalations", "contacts", "contacts/units")]
    found = [(url, {name: value}) for url in lists for name, value in keys.items()]
    found += [(url, {"page": 2}) for url in lists]
    rows, whole = world.rows, {"township": cast.ganlin.code}
    found += [(url, whole) for url in ("/board/", "/board/columns/", "/squad/", "/squad/who-can-come/", "/shifts/")]
    found += [
        ("/shifts/print/", whole),
        ("/messages/", {"before": rows[Message][-1].pk + 1}),
        ("/messages/", {"unread": ""}),
    ]
    found += [("/worklist/", {"when": "all"}), ("/actions/submit/", {"like": world["action"].pk})]
    picked = {"act": "remind", "of": "dispatch", "pk": [row.pk for row in rows[Dispatch]]}
    found += [
        ("/lots/preview/", picked),
        ("/lots/preview/", {**picked, "of": "event", "pk": [e.pk for e in rows[Event]]}),
    ]
    return [*found, ("/lots/preview/", {"act": "squad", "of": "event", "scope": "filtered", "query": f"q={STEM}"})]


@pytest.mark.parametrize("part", ["changle_duty", "zfj_liaison"])
def test_foreign_key_in_a_question_brings_nothing(world: World, part: str) -> None:
    client, wrong = world["clients"][part], []
    fragment = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "rows"}
    for url, query in foreign_questions(world):
        answer = asked(client, "GET", url, query, **fragment)
        text = answer.text.replace(STEM, "") if query.get("q") == STEM or "query" in query else answer.text
        if answer.status >= 500 or leaks(text):
            wrong.append(f"{part} {url} {query}: {answer.status} {leaks(text)}")
    assert not wrong, "\n".join(wrong)


def test_right_questions_would_find_it(world: World) -> None:
    """What the strangers ask for is there, for whoever may see it: else the tests above could not fail."""
    client = client_for(world.cast.duty)
    assert leaks(asked(client, "GET", "/search/", {"q": "簋来源"}).text)
    fragment = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "rows"}
    for url in ("/events/", "/whistles/", "/dispatches/", "/escalations/", "/messages/", "/board/columns/"):
        assert leaks(asked(client, "GET", url, **fragment).text), url


# --- taken away, kept, remembered ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("part", ["changle_duty", "zfj_liaison", "scjg_officer"])
def test_file_of_a_list_holds_nothing_foreign(world: World, part: str) -> None:
    """Every list in every format, whole and with a foreign question: read back cell by cell."""
    client, wrong, read = world["clients"][part], [], 0
    for code in settings.LISTINGS:
        for kind, query in (
            ("xlsx", ""),
            ("csv", ""),
            ("csv", f"township={world.cast.ganlin.pk}"),
            ("csv", f"q={STEM}"),
        ):
            sent = {"query": query, "format": kind, "request_id": uuid4()}
            response = client.post(reverse("enforcement:export", args=[code]), sent)
            if not response.streaming:
                continue
            cells = cells_of(b"".join(response.streaming_content), kind)
            read += len(cells)
            found = leaks("\n".join(cells).replace(f"：{STEM}", ""))
            if found:
                wrong.append(f"{part} {code} {kind} {query}: {found}")
    assert not wrong, "\n".join(wrong)
    assert read or part == "scjg_officer"


def cells_of(content: bytes, kind: str) -> list[str]:
    if kind == "csv":
        return [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [f"{cell.value}" for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


TAGGED = ("/board/columns/", "/worklist/rows/", "/messages/bell/")


def test_foreign_tag_is_no_key(world: World) -> None:
    """Whoever sends the tag of 甘霖镇's fragment gets the own one whole, and learns nothing of whether it still holds."""
    ours = client_for(world.cast.duty)
    for url in TAGGED:
        tag = asked(ours, "GET", url).headers["ETag"]
        assert asked(ours, "GET", url, HTTP_IF_NONE_MATCH=tag).status == 304
        for part in ("changle_duty", "changle_leader"):
            answer = asked(world["clients"][part], "GET", url, HTTP_IF_NONE_MATCH=tag)
            assert (answer.status, leaks(answer.text)) == (200, []), url


def test_default_filter_of_a_colleague_of_another_unit_is_none(world: World) -> None:
    """A shared filter of 甘霖镇 neither opens a neighbour's list nor can be made their own."""
    shared = world["shared"]
    client = world["clients"]["changle_duty"]
    assert (
        asked(client, "POST", reverse("command_room:saved-filter-default", args=[shared.pk]), {"on": "1"}).status == 404
    )
    DefaultFilter.objects.create(
        user=world.cast.changle_duty, list="events", saved_filter=shared
    )  # from an earlier post
    answer = asked(client, "GET", "/events/")
    assert (answer.status, leaks(answer.text)) == (200, [])


def test_private_pages_are_kept_by_nobody_between(world: World) -> None:
    """Every page of a person: not by a shared cache; and the cookie of the session not by a script."""
    wrong = []
    for name, text in world.before["changle_duty"].items():
        kept = re.search(r"'Cache-Control': '([^']*)'", text)
        is_kept = kept is None or not ({"private"} < set(kept[1].split(", ")) & {"private", "no-cache", "no-store"})
        if "<html" in text and name not in ("townships:login",) and is_kept:
            wrong.append(f"{name}: {kept and kept[0]}")
    assert not wrong, "\n".join(wrong)


def test_session_is_another_after_the_log_in(world: World) -> None:
    """A key that was planted before is worth nothing; the cookie is the server's alone."""
    client = Client()
    asked(client, "GET", "/login/")
    client.cookies["sessionid"] = "plantedplantedplantedplantedplan"
    sent = {"username": world.cast.duty.username, "password": PASSWORD}
    answer = asked(client, "POST", "/login/", sent)
    cookie = client.cookies["sessionid"]
    assert answer.status == 302
    assert cookie.value != "plantedplantedplantedplantedplan"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    thief = Client()
    thief.cookies["sessionid"] = "plantedplantedplantedplantedplan"
    assert asked(thief, "GET", "/events/").status == 302
    before = cookie.value
    asked(client, "POST", "/logout/")
    thief.cookies["sessionid"] = before
    assert asked(thief, "GET", "/events/").status == 302
