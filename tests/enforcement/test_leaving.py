"""离岗: what is open goes on in one step, nothing is lost, nobody reads a file for it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enforcement.models import Check, Dispatch, Event
from enforcement.services import claim, leaving
from enforcement.services import dispatch as dispatches
from notifications.models import Message
from records.models import Entry
from tests.cast import Cast, PostFactory, ShiftFactory, UserFactory, client_for
from tests.enforcement import walk
from townships.models import Post, Role, Shift, SquadMember, User

TODAY = timezone.localdate()
pytestmark = pytest.mark.usefixtures("rules")


@pytest.fixture
def second(cast: Cast) -> User:
    """A colleague of the duty officer."""
    return PostFactory(user=UserFactory(username="duty-2"), unit=cast.ganlin, role=Role.DUTY).user


def leave(cast: Cast, user: User, heirs: dict[str, User | None] | None = None, day: Any = TODAY) -> int:
    lots = leaving.lots_of(user, day=TODAY)
    return leaving.leave(user, by=cast.bureau_admin, day=day, seen=leaving.seal(lots), heirs=heirs or {})


def told(kind: str = "matters_taken_over") -> dict[str, str]:
    rows = Message.objects.filter(kind=kind).values_list("recipient__username", "data__matter")
    return dict(rows)


def named(cast: Cast, officer: User) -> Dispatch:
    part = walk.part(walk.approved(cast, helpers=[]), cast.scjg)
    dispatches.sign(part, by=cast.scjg_liaison, seen_state="sent", assigned_officer=officer)
    return part


def test_claims_and_shifts_go_to_the_chosen_colleague(cast: Cast, second: User) -> None:
    event = walk.event(cast)
    claim.take(event, by=cast.duty)
    ahead = ShiftFactory(township=cast.ganlin, user=cast.duty, day=TODAY + timedelta(days=2))
    past = ShiftFactory(township=cast.ganlin, user=cast.duty, day=TODAY - timedelta(days=2))
    keys = {lot.sort: lot.key for lot in leaving.lots_of(cast.duty, day=TODAY)}
    assert set(keys) == {"event", "shift"}
    assert leave(cast, cast.duty, dict.fromkeys(keys.values(), second)) == 2
    event.refresh_from_db()
    assert event.claimed_by == second
    assert event.state == Event.State.REPORTED
    entry = Entry.objects.about(event).last()
    assert (entry.verb, entry.what) == ("claim_passed_on", "认领人离岗，由甘霖镇·指挥室值班员接手")
    assert Shift.objects.get(day=ahead.day).user == second
    assert Shift.objects.get(pk=past.pk).user == cast.duty, "what was, stays"
    assert told() == {"duty-2": "认领的事件 1 件、已排的班次 1 件"}


def test_without_an_heir_it_goes_back_to_the_desk(cast: Cast) -> None:
    part = named(cast, cast.scjg_officer)
    assert leave(cast, cast.scjg_officer) == 1
    part.refresh_from_db()
    assert (part.assigned_officer, part.state) == (None, "signed")
    assert Entry.objects.about(part).last().what == "承办人离岗，交回市场监管局另行指定"
    assert told() == {"scjg-liaison": "承办的派单 1 件"}


def test_check_goes_to_another_grid_member_or_ends(cast: Cast) -> None:
    PostFactory(user=(other := UserFactory(username="grid-2")), unit=cast.ganlin_grid, role=Role.GRID)
    first, later = walk.ready(cast, helpers=[]), walk.ready(cast, helpers=[])
    (lot,) = leaving.lots_of(cast.grid, day=TODAY)
    assert [heir.username for heir in lot.heirs] == ["grid-2"]
    Check.objects.filter(whistle=later).update(asked_of=other)
    leave(cast, cast.grid, {lot.key: other})
    assert set(Check.objects.values_list("asked_of__username", "state")) == {("grid-2", "asked")}
    leave(cast, other)
    assert set(Check.objects.values_list("state", flat=True)) == {"void"}
    assert Entry.objects.about(first).last().verb == "check_passed_on"
    assert told()["duty"] == "待核查 2 件"


def test_posts_places_account_and_sessions_end(cast: Cast) -> None:
    browser = client_for(cast.officer)
    leave(cast, cast.officer)
    assert browser.get("/worklist/").status_code == 302
    cast.officer.refresh_from_db()
    assert (cast.officer.is_active, cast.officer.disabled_from) == (False, TODAY)
    post = Post.objects.get(user=cast.officer)
    assert post.valid_to == TODAY - timedelta(days=1)
    assert Entry.objects.about(post).get().data["changes"][0]["new"] == str(post.valid_to)
    place = SquadMember.objects.get(user=cast.officer)
    assert (place.status, place.valid_to) == ("left", post.valid_to)
    assert Entry.objects.about(cast.officer).filter(verb="person_left").count() == 1


def test_sent_twice_is_once(cast: Cast) -> None:
    for _ in range(2):
        leave(cast, cast.officer)
    cast.officer.refresh_from_db()
    assert cast.officer.session_generation == 1
    assert Entry.objects.about(cast.officer).filter(verb="person_left").count() == 1
    PostFactory(user=cast.officer, unit=cast.ganlin, role=Role.OFFICER, valid_from=TODAY + timedelta(days=3))
    leave(cast, cast.officer)
    assert Entry.objects.about(cast.officer).filter(verb="person_left").count() == 2, "a post was added since"


def test_later_day_leaves_the_account_until_then(cast: Cast) -> None:
    ShiftFactory(township=cast.ganlin, user=cast.duty, day=TODAY + timedelta(days=1))
    ShiftFactory(township=cast.ganlin, user=cast.duty, day=TODAY + timedelta(days=9))
    day = TODAY + timedelta(days=5)
    assert leave(cast, cast.duty, day=day) == 1
    assert [shift.day for shift in Shift.objects.filter(user=cast.duty)] == [TODAY + timedelta(days=1)]
    user = User.objects.get(pk=cast.duty.pk)
    assert (user.is_active, user.acting.valid_to) == (True, day - timedelta(days=1))
    assert client_for(user).get("/worklist/").status_code == 200


def test_twice_is_once_and_a_stale_page_is_refused(cast: Cast, second: User) -> None:
    event = walk.event(cast)
    seen = leaving.seal(leaving.lots_of(cast.duty, day=TODAY))
    claim.take(event, by=cast.duty)
    with pytest.raises(leaving.Changed, match="有变化"):
        leaving.leave(cast.duty, by=cast.bureau_admin, day=TODAY, seen=seen, heirs={})
    assert User.objects.get(pk=cast.duty.pk).is_active
    assert leave(cast, cast.duty) == 1
    assert leave(cast, cast.duty) == 0
    assert Message.objects.filter(kind="matters_taken_over", recipient=second).count() == 1


# --- the page -----------------------------------------------------------------------------------------------------------
def url(user: User) -> str:
    return reverse("enforcement:leaving", args=[user.pk])


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_for(cast.bureau_admin)


def test_page_shows_numbers_and_states_and_no_facts(cast: Cast, client: Client) -> None:
    part = named(cast, cast.scjg_officer)
    text = client.get(url(cast.scjg_officer)).content.decode()
    assert part.number in text
    assert part.get_state_display() in text
    assert part.whistle.title not in text
    assert walk.FACTS not in text


def test_page_applies_once_and_says_what_is_wrong(cast: Cast, client: Client, second: User) -> None:
    claim.take(walk.event(cast), by=cast.duty)
    form = client.get(url(cast.duty)).context["form"]
    sent = {"seen": form["seen"].value(), "day": str(TODAY), f"event_{cast.ganlin.pk}": str(second.pk)}
    for wrong in ({"day": "2020-01-01"}, {f"event_{cast.ganlin.pk}": str(cast.scjg_liaison.pk)}, {"seen": ""}):
        assert client.post(url(cast.duty), {**sent, **wrong}).status_code == 422
    assert User.objects.get(pk=cast.duty.pk).is_active
    assert client.post(url(cast.duty), {**sent, "seen": "x"}, follow=True).content.decode().count("有变化") == 1
    assert client.post(url(cast.duty), sent).status_code == 302
    assert Event.objects.get().claimed_by == second
    assert "已停用" in client.get(url(cast.duty)).content.decode()


def test_page_is_for_administrators_and_not_for_oneself(cast: Cast, client: Client) -> None:
    assert client.get(url(cast.bureau_admin)).status_code == 403
    assert client.post(url(cast.bureau_admin), {}).status_code == 403
    for part in ("leader", "duty", "zdb_officer", "auditor", "stranger"):
        assert client_for(getattr(cast, part)).post(url(cast.officer), {}).status_code == 403


def test_page_costs_the_same_for_few_and_many(cast: Cast, client: Client, django_assert_max_num_queries: Any) -> None:
    for n in range(6):
        claim.take(walk.event(cast), by=cast.duty)
        ShiftFactory(township=cast.ganlin, user=cast.duty, day=TODAY + timedelta(days=n))
    with django_assert_max_num_queries(26):
        assert client.get(url(cast.duty)).status_code == 200
