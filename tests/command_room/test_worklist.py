""" "现在该我做的": each role's exact acts, nothing for others, one price for three rows and three hundred."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from command_room.services import worklist
from command_room.services.worklist import acts
from command_room.services.worklist_act import Act
from enforcement.models import Dispatch, Event
from enforcement.rules.deadlines import Step
from enforcement.services import claim
from enforcement.services import dispatch as dispatches
from enforcement.services import event as events
from tests.cast import Cast, client_for
from tests.command_room.rows import make_events, make_whistles
from tests.enforcement import walk
from townships.models import User

NOW = walk.at("2026-11-24 10:42")
pytestmark = pytest.mark.usefixtures("calendar_2026")


@pytest.fixture(autouse=True)
def stopped_clock() -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def at(minutes: float) -> time_machine.travel:
    return time_machine.travel(NOW + timedelta(minutes=minutes), tick=False)


def seen(user: User, now: datetime = NOW) -> list[tuple[str, str]]:
    """(verb, label of the due time) of each line."""
    return [(act.verb, act.label) for act in acts(user, now)]


# --- who has to do what -----------------------------------------------------------------------------------------------
def test_acts_of_the_desk_are_events_to_accept_late_squads_and_whistles_to_close(cast: Cast) -> None:
    walk.event(cast)
    verified = walk.event(cast, is_urgent=True)
    events.verify(verified, by=cast.duty, seen_state="reported")
    squad = walk.event(cast)
    limit = Step("continuous_minutes", 5)
    events.hand_to_squad(squad, by=cast.duty, seen_state="reported", limit=limit)
    walk.ready(cast)
    assert seen(cast.duty) == [("定去向", "受理"), ("受理", "受理"), ("确认", "评价")]
    with at(10):
        found = acts(cast.duty, NOW + timedelta(minutes=10))
    assert (found[0].verb, found[0].number) == ("看进展", squad.number)
    assert len(found) == 4


def test_acts_of_the_leader_are_whistles_to_approve_and_emergencies_to_confirm(cast: Cast) -> None:
    submitted = walk.submitted(cast)
    emergency = walk.submitted(cast, "emergency")
    found = acts(cast.leader, NOW)
    assert [(act.verb, act.number) for act in found] == [("事后确认", emergency.number), ("审核", submitted.number)]
    assert [bool(act.post_to) for act in found] == [True, False]
    assert found[0].due == emergency.confirm_due


def test_acts_of_the_squad_are_the_events_handed_to_it(cast: Cast) -> None:
    event = walk.event(cast)
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=Step("work_minutes", 120))
    walk.event(cast)
    assert seen(cast.officer) == [("填结果", "处置")]


def test_acts_of_a_department_follow_its_dispatches(cast: Cast) -> None:
    part = walk.part(walk.approved(cast, "urgent"), cast.scjg)
    assert seen(cast.scjg_liaison) == [("签收", "签收")]
    assert seen(cast.scjg_leader) == [("签收", "签收")]
    walk.signed(cast, part)
    assert seen(cast.scjg_liaison) == [("报到", "到场")]
    dispatches.arrive(part, by=cast.scjg_liaison, seen_state="signed", officers=[cast.scjg_officer], uses_power=True)
    assert seen(cast.scjg_liaison) == [("首报", "首报")]
    walk.report(cast, part)
    assert seen(cast.scjg_liaison) == []
    assert seen(cast.duty) == [("确认", "评价")]
    walk.reworked(cast, part)
    assert seen(cast.scjg_liaison) == [("反馈", "返工")]


def test_acts_of_a_helper_on_site_have_no_due_time_and_come_last(cast: Cast) -> None:
    walk.arrived(cast, walk.part(walk.approved(cast), cast.zrzy))
    walk.approved(cast)
    found = acts(cast.zrzy_liaison, NOW)
    assert [(act.verb, act.due is None) for act in found] == [("签收", False), ("反馈", True)]
    assert "没有办结期限" in found[1].why


def test_acts_of_a_sub_unit_and_an_officer_are_what_was_given_to_them(cast: Cast) -> None:
    whistle = walk.approved(cast)
    walk.approved(cast)
    helper, lead = walk.part(whistle, cast.zrzy), walk.part(whistle, cast.scjg)
    assert seen(cast.zrzy_officer) == seen(cast.scjg_officer) == []
    dispatches.assign(helper, by=cast.zrzy_liaison, assigned_unit=cast.zrzy_station, assigned_officer=None)
    dispatches.assign(lead, by=cast.scjg_liaison, assigned_unit=None, assigned_officer=cast.scjg_officer)
    assert [act.number for act in acts(cast.zrzy_officer, NOW)] == [helper.number]
    assert [act.number for act in acts(cast.scjg_officer, NOW)] == [lead.number]


def test_acts_of_a_grid_member_are_the_own_reports_to_know(cast: Cast) -> None:
    ended = walk.event(cast)
    events.settle(ended, by=cast.duty, seen_state="reported", result="当天清运。")
    old, _ = make_events(cast, 2, NOW, reported_by=cast.changle_grid_member)
    Event.objects.filter(pk=old.pk).update(
        reported_by=cast.grid, state="settled", closed_at=NOW - timedelta(days=8), closed_by=cast.duty
    )
    walk.submitted(cast)
    found = acts(cast.grid, NOW)
    assert [(act.verb, act.tone, act.why) for act in found] == [
        ("", "idle", "拟吹哨，等镇领导审核"),
        ("", "idle", "当天清运。"),
    ]
    parts = worklist.segments(found, NOW, "grid")
    assert [(part.title, len(part.acts)) for part in parts] == [("在办", 1), ("一周内办结", 1)]


def test_acts_of_those_above_are_what_is_late_and_whom_it_waits_for(cast: Cast) -> None:
    walk.approved(cast, "urgent")
    walk.submitted(cast)
    assert acts(cast.zdb_officer, NOW) == []
    with at(61):
        found = acts(cast.auditor, NOW + timedelta(minutes=61))
    assert [(act.verb, act.label, act.where) for act in found] == [("", "签收", "甘霖镇")]
    assert found[0].why == "待签收，等市场监管局、自然资源局"


def test_acts_are_nobody_elses(cast: Cast) -> None:
    walk.event(cast)
    walk.ready(cast)
    walk.submitted(cast, "emergency")
    others = (cast.changle_duty, cast.changle_leader, cast.changle_grid_member, cast.zfj_liaison)
    for user in (*others, cast.bureau_admin, cast.stranger):
        assert acts(user, NOW) == [], user


def test_acts_say_who_took_it_up(cast: Cast) -> None:
    event = walk.event(cast)
    claim.take(event, by=cast.leader)
    [mine] = [act for act in acts(cast.duty, NOW) if act.number == event.number]
    assert (mine.claimed_by, mine.is_mine) == (cast.leader.name, False)
    claim.take(event, by=cast.duty)
    assert acts(cast.duty, NOW)[0].is_mine


def test_acts_follow_the_post_acted_in(cast: Cast) -> None:
    """A seconded officer's sight follows the squad, not the payroll."""
    cast.officer.home_unit = cast.scjg
    cast.officer.save()
    walk.approved(cast)
    assert acts(cast.officer, NOW) == []


def test_acts_mark_a_provisional_due_time_of_the_clock_that_runs(cast: Cast) -> None:
    with time_machine.travel(walk.at("2026-12-30 10:00"), tick=False):
        walk.approved(cast, "urgent", helpers=[])
        now = walk.at("2026-12-30 10:00")
        assert [act.is_provisional for act in acts(cast.scjg_liaison, now)] == [False]
        part = Dispatch.objects.select_related("whistle", "department", "by_unit").get()
        assert part.provisional == ["finish_due"]
        walk.signed(cast, part)
        dispatches.arrive(part, by=cast.scjg_liaison, seen_state="signed", officers=[], uses_power=False)
        Dispatch.objects.update(report_due=None)
        assert [act.is_provisional for act in acts(cast.scjg_liaison, now)] == [True]


# --- shown ------------------------------------------------------------------------------------------------------------
def test_segments_are_now_today_and_all(cast: Cast) -> None:
    whistles = make_whistles(cast, 3, NOW)
    for whistle, due in zip(whistles, (90, 8 * 60, 60 * 30), strict=True):
        Dispatch.objects.filter(whistle=whistle).update(next_due=NOW + timedelta(minutes=due))
    parts = worklist.segments(acts(cast.scjg_liaison, NOW), NOW, "liaison")
    assert [(part.title, len(part.acts)) for part in parts] == [("现在", 1), ("今天", 2), ("全部", 3)]


def test_worklist_page_opens_on_the_first_segment_that_has_something(cast: Cast) -> None:
    walk.approved(cast)
    html = client_for(cast.scjg_liaison).get(reverse("command_room:worklist")).content.decode()
    assert '?when=today" aria-current="page"' in " ".join(html.split())
    assert "等您签收" in html


def test_worklist_page_signs_with_one_press(cast: Cast) -> None:
    part = walk.part(walk.approved(cast), cast.scjg)
    client = client_for(cast.scjg_liaison)
    html = client.get(reverse("command_room:worklist")).content.decode()
    url = reverse("enforcement:dispatch-sign", args=[part.pk])
    assert f'form="press" formaction="{url}" name="seen_state" value="sent"' in " ".join(html.split())
    response = client.post(url, {"seen_state": "sent"})
    assert response.status_code in (302, 303)
    part.refresh_from_db()
    assert part.state == Dispatch.State.SIGNED


@pytest.mark.parametrize("when", ["now", "today", "all", "nonsense"])
def test_worklist_page_without_anything_says_so(cast: Cast, when: str) -> None:
    page = client_for(cast.zfj_liaison).get(reverse("command_room:worklist"), {"when": when})
    assert page.status_code == 200
    assert 'class="empty"' in page.content.decode()


def test_worklist_page_of_a_grid_member_offers_to_report(cast: Cast) -> None:
    html = client_for(cast.grid).get(reverse("command_room:worklist")).content.decode()
    assert f'href="{reverse("enforcement:event-report")}"' in html


def test_worklist_shows_no_more_than_a_hundred(cast: Cast) -> None:
    make_events(cast, 120, NOW)
    html = client_for(cast.duty).get(reverse("command_room:worklist"), {"when": "all"}).content.decode()
    assert html.count('class="act ') == 100
    assert "全部 <span>100+</span>" in html


# --- fragments cost nothing while nothing changes ---------------------------------------------------------------------
def test_rows_are_304_until_something_changes(cast: Cast) -> None:
    part = walk.part(walk.approved(cast), cast.scjg)
    client, url = client_for(cast.scjg_liaison), reverse("command_room:worklist-rows")
    first = client.get(url, {"when": "all"})
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "<html" not in first.content.decode()
    etag = {"If-None-Match": first.headers["ETag"]}
    unchanged = client.get(url, {"when": "all"}, headers=etag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    walk.signed(cast, part)
    assert client.get(url, {"when": "all"}, headers=etag).status_code == 200


def test_rows_change_when_a_clock_turns_and_when_somebody_takes_it_up(cast: Cast) -> None:
    part = walk.part(walk.approved(cast), cast.scjg)
    url = reverse("command_room:worklist-rows")
    for turn in (part.sign_due - timedelta(hours=2), part.sign_due):
        with time_machine.travel(turn - timedelta(minutes=5), tick=False):
            client = client_for(cast.scjg_liaison)
            etag = {"If-None-Match": client.get(url).headers["ETag"]}
            assert client.get(url, headers=etag).status_code == 304
        with time_machine.travel(turn, tick=False):
            assert client.get(url, headers=etag).status_code == 200
    client = client_for(cast.scjg_liaison)
    etag = {"If-None-Match": client.get(url).headers["ETag"]}
    with at(1):
        claim.take(part, by=cast.scjg_leader)
        changed = client.get(url, headers=etag)
    assert f"{cast.scjg_leader.name} 已认领" in changed.content.decode()


def test_rows_of_the_desk_change_when_a_squad_becomes_late(cast: Cast) -> None:
    squad = walk.event(cast)
    limit = Step("continuous_minutes", 30)
    events.hand_to_squad(squad, by=cast.duty, seen_state="reported", limit=limit)
    url = reverse("command_room:worklist-rows")
    with at(29):
        client = client_for(cast.duty)
        etag = {"If-None-Match": client.get(url).headers["ETag"]}
    with at(31):
        assert "看进展" in client.get(url, headers=etag).content.decode()


@pytest.mark.parametrize("part", ["grid", "duty", "leader", "officer", "auditor"])
def test_rows_change_for_every_role(cast: Cast, part: str) -> None:
    client, url = client_for(getattr(cast, part)), reverse("command_room:worklist-rows")
    etag = {"If-None-Match": client.get(url).headers["ETag"]}
    assert client.get(url, headers=etag).status_code == 304
    fill(cast, 1)
    assert client.get(url, headers=etag).status_code == 200


def test_rows_are_not_shared_between_people(cast: Cast) -> None:
    part = walk.part(walk.approved(cast), cast.scjg)
    claim.take(part, by=cast.scjg_liaison)
    url = reverse("command_room:worklist-rows")
    answers = [client_for(user).get(url) for user in (cast.scjg_liaison, cast.scjg_leader)]
    assert ["您已认领" in answer.content.decode() for answer in answers] == [True, False]
    assert answers[0].headers["ETag"] != answers[1].headers["ETag"]


def test_rows_hold_nothing_of_a_session(cast: Cast) -> None:
    walk.approved(cast)
    html = client_for(cast.scjg_liaison).get(reverse("command_room:worklist-rows")).content.decode()
    assert "csrfmiddlewaretoken" not in html


def test_unchanged_rows_cost_one_query_beside_the_log_in(cast: Cast) -> None:
    fill(cast, 3)
    url = reverse("command_room:worklist-rows")
    for part in ("duty", "leader", "scjg_liaison", "zrzy_officer", "grid"):
        client = client_for(getattr(cast, part))
        etag = {"If-None-Match": client.get(url).headers["ETag"]}
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url, headers=etag).status_code == 304
        assert len(queries) == 4, part


# --- one price --------------------------------------------------------------------------------------------------------
ROLES = ("duty", "leader", "officer", "scjg_liaison", "scjg_officer", "zrzy_officer", "grid", "auditor")


def test_worklist_asks_as_many_queries_for_300_rows_as_for_3(cast: Cast) -> None:
    clients = {part: client_for(getattr(cast, part)) for part in ROLES}
    counts = []
    for n in (3, 297):
        fill(cast, n)
        counts.append({part: worklist_queries(client) for part, client in clients.items()})
    assert counts[0] == counts[1]
    assert max(counts[0].values()) <= 11  # session, user, posts, unread, mark; at most five of the work list


def worklist_queries(client: Client) -> int:
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse("command_room:worklist"), {"when": "all"}).status_code == 200
    return len(queries)


def fill(cast: Cast, n: int) -> None:
    """So many rows for every role, all of them late."""
    past = NOW - timedelta(days=2)
    make_events(cast, n, past)
    due = {"squad_at": past, "squad_unit": "work_days", "squad_amount": 1, "squad_due": past}
    make_events(cast, n, past, state="squad", **due)
    make_whistles(cast, n, past, "submitted")
    make_whistles(cast, n, past, "reported")
    make_whistles(cast, n, past, "signing")
    Dispatch.objects.filter(department=cast.scjg).update(assigned_officer=cast.scjg_officer)
    Dispatch.objects.filter(department=cast.zrzy).update(assigned_unit=cast.zrzy_station)


def test_act_is_a_plain_value(cast: Cast) -> None:
    walk.event(cast)
    [act] = acts(cast.duty, NOW)
    assert isinstance(act, Act)
    assert hash(act) == hash(acts(cast.duty, NOW)[0])
