"""One world for all of the suite, made once; each test's writes are taken back."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone

from tests.attack import world as worlds
from tests.attack.crawl import PLAIN, alike, text_of
from tests.attack.world import World
from tests.cast import client_for
from tests.kept import Kept
from townships.models import User

COMPARED = ("changle_duty", "changle_grid_member", "zfj_liaison", "stranger")
LATER = timedelta(seconds=50)  # within the minute in which a session is not written


def sweep(client: Client, at: Any) -> dict[str, str]:
    """Every page that takes no key, as it is at this moment. What is drawn for a minute is drawn anew."""
    found = {}
    cache.clear()
    with time_machine.travel(at, tick=False):
        for one in PLAIN:
            if one.name not in OF_THE_MACHINE and not one.is_admin:
                found[one.name] = alike(text_of(client.get(one.url())))
    return found


STILL = {"QUIET_HOURS": ""}  # else what is compared differs once the night begins or ends in between

# figures of the machine and not of anybody's rows (tests/portal/test_health.py, test_metrics.py), and a new secret each time
OF_THE_MACHINE = {"healthz", "metrics", "townships:second-factor-setup"}


@pytest.fixture(scope="package")
def attacked(kept_rows: Kept, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[World]:
    media = tmp_path_factory.mktemp("files")
    with django_db_blocker.unblock(), override_settings(**STILL, MEDIA_ROOT=media), transaction.atomic():
        logging.disable()  # thousands of refusals, each with its traceback, take longer than the refusals
        yield from built(kept_rows)
        logging.disable(logging.NOTSET)
        transaction.set_rollback(True)


def built(kept: Kept) -> Iterator[World]:
    kept.put("units")
    cast = kept.put("cast")
    for name in ("calendar", "rules", "admin_rights"):
        kept.put(name)
    at = timezone.now() + LATER

    def look(people: dict[str, User]) -> dict[str, dict[str, str]]:
        clients.update({part: client_for(user) for part, user in people.items()})
        return {part: sweep(clients[part], at) for part in COMPARED}

    clients: dict[str, Client] = {}
    for made in worlds.make(cast, look):
        made.named.update(at=at, clients=clients)
        yield made


@pytest.fixture
def world(attacked: World, db: None) -> World:
    cache.clear()
    return attacked
