"""The link of a screen on a wall: what opens without a log-in shows one board, and nothing beside it."""

import hashlib
from datetime import timedelta
from uuid import uuid4

from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records.models import PublicLink
from records.services import link as links
from tests.attack.crawl import Watch, asked
from tests.attack.world import LEAK, PHONE, World, leaks

VIEWS = ("command_room:wall", "command_room:wall-rows")


def opened(token: str) -> list[int]:
    cache.clear()  # the limit on wrong ones is tests/command_room/test_wall.py's
    return [asked(Client(), "GET", reverse(view, args=[token])).status for view in VIEWS]


def test_right_token_opens(world: World) -> None:
    assert opened(world.token) == [200, 200]


def test_token_that_is_not_the_one_opens_nothing(world: World) -> None:
    token, link = world.token, world["link"]
    guesses = [token[:-1], f"{token}A", token.swapcase(), token[::-1], link.token_hash, f"{link.pk}", "0", "-", "%00x"]
    guesses += [hashlib.sha256(token.encode()).hexdigest(), f"{token}\u200b", f" {token}", "9" * 5000, "罍" * 100]
    assert {guess[:30]: opened(guess) for guess in guesses if opened(guess) != [404, 404]} == {}


def test_link_that_was_taken_back_or_is_over_opens_nothing(world: World) -> None:
    for change in ({"revoked_at": timezone.now(), "revoked_by": world.cast.leader}, {"expires_at": timezone.now()}):
        said = {"purpose": "wall", "label": "试", "days": 30, "request_id": uuid4()}
        link, token = links.make(world.cast.ganlin, by=world.cast.leader, **said)
        assert opened(token) == [200, 200]
        tag = asked(Client(), "GET", reverse(VIEWS[1], args=[token])).headers["ETag"]
        PublicLink.objects.filter(pk=link.pk).update(**change)
        assert opened(token) == [404, 404]
        assert asked(Client(), "GET", reverse(VIEWS[1], args=[token]), HTTP_IF_NONE_MATCH=tag).status == 404


def test_link_of_another_purpose_opens_no_wall(world: World) -> None:
    said = {"purpose": "wall", "label": "试", "days": 30, "request_id": uuid4()}
    link, token = links.make(world.cast.ganlin, by=world.cast.leader, **said)
    PublicLink.objects.filter(pk=link.pk).update(purpose="other")
    assert opened(token) == [404, 404]


def test_neighbours_screen_shows_and_tells_nothing_of_ours(world: World) -> None:
    """Not by its page, nor by a tag of ours, nor with another township asked for."""
    said = {"purpose": "wall", "label": "长乐", "days": 30, "request_id": uuid4()}
    _, token = links.make(world.cast.changle, by=world["neighbour"], **said)
    ours = asked(Client(), "GET", reverse(VIEWS[1], args=[world.token])).headers["ETag"]
    for view in VIEWS:
        for query in ({}, {"township": world.cast.ganlin.code}, {"target": world.cast.ganlin.pk}):
            answer = asked(Client(), "GET", reverse(view, args=[token]), query, HTTP_IF_NONE_MATCH=ours)
            assert answer.status == 200
            assert leaks(answer.text) == []


def test_screen_reads_and_no_more(world: World) -> None:
    """No other address opens with it, no method but reading, no person, number or caller is on it."""
    watch = Watch()
    client = Client()
    page = asked(client, "GET", reverse(VIEWS[0], args=[world.token]))
    assert LEAK.search(page.text), "its own board it does show"
    for word in (PHONE, "罍簋情况", "罍簋来电人", "罍簋请求", "sessionid"):
        assert word not in page.text, word
    for how in ("POST", "PUT", "DELETE", "PATCH"):
        for view in VIEWS:
            with watch.undone():
                assert asked(Client(), how, reverse(view, args=[world.token])).status == 405
                assert watch.changed() == []
    for url in ("/board/", "/events/", f"/events/{world['new'].pk}/", "/wall-links/", "/admin/"):
        assert asked(client, "GET", url, HTTP_REFERER=f"/wall/{world.token}/").status == 302


def test_only_hours_are_lost_by_a_stolen_page(world: World) -> None:
    """What a proxy might keep: nothing without asking again, and the address of the page goes nowhere."""
    for view in VIEWS:
        answer = asked(Client(), "GET", reverse(view, args=[world.token]))
        assert {"no-referrer"} == {answer.headers["Referrer-Policy"]}
        assert "no-cache" in answer.headers["Cache-Control"] or "no-store" in answer.headers["Cache-Control"]
    assert world["link"].expires_at < timezone.now() + timedelta(days=31)
