"""Every list asks as many queries with 3 rows as with 300, whoever looks; and so does the search."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from enforcement.models import Dispatch, Escalation
from notifications.models import Message
from tests.cast import Cast, client_for
from tests.command_room.rows import make_events, make_whistles
from townships.models import Post, ShiftNote, Unit, User

FEW, MANY = 3, 297


def whistles(cast: Cast, n: int, now: datetime) -> None:
    make_whistles(cast, n, now)


def escalations(cast: Cast, n: int, now: datetime) -> None:
    make_whistles(cast, n, now)
    late = Dispatch.objects.filter(department=cast.scjg, escalations=None)
    Escalation.objects.bulk_create(
        Escalation(
            dispatch=dispatch, clock="sign_due", since=now, limit="4 小时", due=dispatch.sign_due, level=2,
            unit=cast.scjg, by_unit=cast.ganlin,
        )
        for dispatch in late
    )  # fmt: skip


def people(cast: Cast, n: int, now: datetime) -> None:
    made = User.objects.bulk_create(User(username=uuid4().hex, name="市场值班", mobile="13800001234") for _ in range(n))
    Post.objects.bulk_create(
        Post(user=user, unit=cast.ganlin, role="officer", valid_from="2025-01-01") for user in made
    )


def units(cast: Cast, n: int, now: datetime) -> None:
    rows = [
        Unit(code=uuid4().hex[:20], name="市场网格", short_name="市场网格", kind="grid", parent=cast.ganlin)
        for _ in range(n)
    ]
    Unit.objects.bulk_create(rows)


def notes(cast: Cast, n: int, now: datetime) -> None:
    ShiftNote.objects.bulk_create(
        ShiftNote(
            number=f"班{uuid4().hex[:20]}", township=cast.ganlin, written_by=cast.duty, at=now - timedelta(days=1),
            taken_over_by=cast.leader, taken_over_at=now, items=[], counts={}, request_id=uuid4(),
        )
        for _ in range(n)
    )  # fmt: skip


def messages(cast: Cast, n: int, now: datetime) -> None:
    data = {"number": "事1", "matter": "无照经营", "unit": "甘霖镇", "due": None, "link": "/events/1/"}
    Message.objects.bulk_create(
        Message(recipient=cast.duty, kind="event_closed", key=uuid4().hex, data=data, link="/") for _ in range(n)
    )


LISTS: list[tuple[str, str, Callable[[Cast, int, datetime], Any]]] = [
    ("duty", "/events/", make_events),
    ("zdb_officer", "/events/?order=place", make_events),
    ("scjg_liaison", "/events/?q=市场", whistles),
    ("duty", "/whistles/", whistles),
    ("scjg_liaison", "/whistles/?state=open", whistles),
    ("zdb_officer", "/whistles/?order=oldest", whistles),
    ("scjg_liaison", "/dispatches/", whistles),
    ("duty", "/dispatches/?order=due", whistles),
    ("zdb_officer", "/dispatches/?q=330683100", whistles),
    ("scjg_liaison", "/escalations/", escalations),
    ("zdb_officer", "/escalations/?level=2", escalations),
    ("duty", "/worklist/?when=all", make_events),
    ("duty", "/shift-notes/", notes),
    ("duty", "/messages/", messages),
    ("duty", "/contacts/", people),
    ("zdb_officer", "/contacts/?q=市场", people),
    ("duty", "/contacts/units/?kind=grid", units),
    ("duty", "/search/?q=市场", whistles),
    ("zdb_officer", "/search/?q=市场", people),
]


@pytest.mark.parametrize(("part", "url", "fill"), LISTS, ids=[f"{part} {url}" for part, url, _ in LISTS])
def test_list_costs_the_same_at_3_and_300_rows(
    cast: Cast, rules: None, part: str, url: str, fill: Callable[[Cast, int, datetime], Any]
) -> None:
    browser, now = client_for(getattr(cast, part)), timezone.now()
    fill(cast, FEW, now)
    browser.get(url)  # what a process learns once
    few = asked(browser, url)
    fill(cast, MANY, now)
    assert asked(browser, url) == few


def asked(browser: Any, url: str) -> int:
    cache.clear()  # what was drawn, or looked up once a process
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(url).status_code == 200
    return len(queries)
