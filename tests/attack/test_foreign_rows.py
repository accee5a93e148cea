"""甘霖镇's rows asked for by everybody who has no part in them: they are not there, and nothing tells of them."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from command_room.models import Feedback, SavedFilter
from enforcement.models import (
    Appeal,
    Check,
    Dispatch,
    Escalation,
    Event,
    Extension,
    Handover,
    Lot,
    Suspension,
    Whistle,
)
from notifications.models import Message
from records.models import Attachment, Job, PublicLink, RetentionList
from tests.attack.crawl import KEYED, Address, asked, changed, prints
from tests.attack.world import STRANGERS, World, leaks
from townships.models import Shift, ShiftNote, SquadMember

# whose key an address takes, by what stands before it: an address that begins otherwise has to be added here
OWNERS: dict[str, type[Model]] = {
    "events/": Event,
    "whistles/": Whistle,
    "dispatches/": Dispatch,
    "handovers/": Handover,
    "checks/": Check,
    "suspensions/": Suspension,
    "extensions/": Extension,
    "appeals/": Appeal,
    "escalations/": Escalation,
    "lots/": Lot,
    "files/": Attachment,
    "jobs/": Job,
    "messages/": Message,
    "filters/": SavedFilter,
    "feedback/": Feedback,
    "shift-notes/": ShiftNote,
    "shifts/": Shift,
    "squad/": SquadMember,
    "wall-links/": PublicLink,
    "retention/": RetentionList,
}
"""Keys that are nobody's: a list's code, a topic of the manual, an account (which only an administrator may end)."""
NOBODYS = {"lists/", "help/", "people/"}
"""Keys that open by themselves: test_tokens.py."""
TOKENS = {"wall/"}
ADMINS = "admin/"
"""These administer the whole portal, and answer others before they look anything up."""
REFUSED_FIRST = {"retention/": {403}, "wall-links/": {403, 404}}
"""An administrator's own business."""
OF_ADMINISTRATORS = {"feedback/", "wall-links/", "retention/"}


def owned() -> list[Address]:
    return [one for one in KEYED if one.head in OWNERS]


def test_every_key_is_somebodys() -> None:
    """A new address that takes a key is attacked by itself if its beginning is known, and fails here if it is not."""
    known = set(OWNERS) | NOBODYS | TOKENS
    assert {one.head for one in KEYED if not one.is_admin} - known == set()


def test_every_kind_has_rows(world: World) -> None:
    assert [model.__name__ for model in OWNERS.values() if not world.rows[model]] == []


def keys_of(model: type[Model], address: Address, world: World) -> list[tuple[Any, ...]]:
    """A file of a job has its number besides."""
    return [(row.pk, *[1] * (len(address.keys) - 1)) for row in world.rows[model]]


# who shares a sight shares the addresses: each of the two asks for every second one
TURNS = [
    ("changle_duty", 0, 2),
    ("changle_leader", 1, 2),
    ("changle_officer", 0, 1),
    ("changle_grid_member", 0, 1),
    ("zfj_liaison", 0, 2),
    ("zfj_leader", 1, 2),
    ("scjg_officer", 0, 1),
    ("stranger", 0, 1),
]


@cache
def by_method(client: Client) -> set[tuple[str, str]]:
    """What is refused for its method alone, whatever row is named: tried once, with a key that no row has."""
    tried = [(how, one) for one in owned() for how in ("GET", "POST")]
    return {(how, one.name) for how, one in tried if asked(client, how, one.url(*[0] * len(one.keys))).status == 405}


def wrong_answers(world: World, part: str, addresses: list[Address]) -> Iterator[str]:
    """GET and POST of two rows of each kind, others for each person; as a page and as a fragment."""
    client, turn = world["clients"][part], list(world.people).index(part)
    more = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "rows"} if turn % 2 else {}
    refused = by_method(world["clients"]["stranger"])
    for address in addresses:
        rows = keys_of(OWNERS[address.head], address, world)
        allowed = {404, 405, *REFUSED_FIRST.get(address.head, ())}
        for number, how in enumerate(("GET", "POST")):
            if (how, address.name) in refused:
                continue
            url = address.url(*rows[(2 * turn + number) % len(rows)])
            response = asked(client, how, url, **more)
            found = leaks(response.text)
            if response.status not in allowed or found:
                yield f"{part} {how} {url}: {response.status} {found}"


def test_everybody_takes_a_turn() -> None:
    assert [part for part, _, _ in TURNS] == list(STRANGERS)


@pytest.mark.parametrize(("part", "first", "step"), TURNS)
def test_foreign_row_is_not_there(world: World, part: str, first: int, step: int) -> None:
    stored = prints()
    found = list(wrong_answers(world, part, owned()[first::step]))
    assert not found, "\n".join(found)
    assert changed(stored) == []


def test_administrator_reads_no_file(world: World) -> None:
    theirs = [one for one in owned() if one.head not in OF_ADMINISTRATORS]
    stored = prints()
    found = list(wrong_answers(world, "bureau_admin", theirs[::2]))
    assert not found, "\n".join(found)
    assert changed(stored) == []
