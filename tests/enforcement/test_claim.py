import pytest

from enforcement.models import Dispatch, Event, Whistle
from enforcement.permissions import can_claim
from enforcement.rules.deadlines import Step
from enforcement.services import claim
from enforcement.services import event as events
from records.models import Entry
from records.services import WrongState
from tests.cast import Cast, PostFactory
from tests.enforcement import walk
from townships.models import Role, User

pytestmark = pytest.mark.usefixtures("calendar_2026")


def whats(obj: Event | Whistle | Dispatch) -> list[str]:
    return list(Entry.objects.about(obj).values_list("what", flat=True))


@pytest.fixture
def backup(cast: Cast) -> User:
    return PostFactory(unit=cast.scjg, role=Role.LIAISON, rank="2_backup").user


def test_take_shows_who_is_on_it(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    claim.take(dispatch, by=cast.scjg_liaison)
    dispatch.refresh_from_db()
    assert dispatch.claimed_by == cast.scjg_liaison
    assert dispatch.claimed_at is not None
    assert whats(dispatch)[-1] == "认领办理"


def test_take_twice_is_once(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    for _ in range(2):
        claim.take(dispatch, by=cast.scjg_liaison)
    assert whats(dispatch).count("认领办理") == 1


def test_take_on_a_stale_page_is_told_what_happened(cast: Cast, backup: User) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    stale = walk.part(dispatch.whistle, cast.scjg)
    walk.reported(cast, dispatch)
    with pytest.raises(WrongState, match="市场监管局反馈"):
        claim.take(stale, by=backup)
    dispatch.refresh_from_db()
    assert dispatch.claimed_by is None


def test_take_over_from_a_colleague(cast: Cast, backup: User) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    for person in (cast.scjg_liaison, backup):
        claim.take(dispatch, by=person)
    assert dispatch.claimed_by == backup
    assert whats(dispatch)[-1] == "接手办理"


def test_claimed_by_one_still_waits_for_the_office(cast: Cast, backup: User) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    claim.take(dispatch, by=backup)
    walk.signed(cast, dispatch)
    assert dispatch.signed_by == cast.scjg_liaison


def test_can_claim_where_the_next_act_is_ours(cast: Cast) -> None:
    whistle = walk.submitted(cast)
    assert can_claim(cast.leader, whistle)
    assert not can_claim(cast.duty, whistle)
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    assert can_claim(cast.scjg_liaison, dispatch)
    assert not any(can_claim(person, dispatch) for person in (cast.duty, cast.zrzy_liaison, cast.scjg_officer))


def test_can_claim_not_twice_and_not_when_it_is_over(cast: Cast) -> None:
    dispatch = walk.part(walk.approved(cast), cast.scjg)
    claim.take(dispatch, by=cast.scjg_liaison)
    assert not can_claim(cast.scjg_liaison, dispatch)
    walk.reported(cast, dispatch)
    assert not can_claim(cast.scjg_leader, dispatch)


def test_can_claim_from_the_squad_is_the_squads(cast: Cast) -> None:
    event = walk.event(cast)
    assert can_claim(cast.duty, event)
    assert can_claim(cast.leader, event)
    assert not can_claim(cast.officer, event)
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=Step("work_days", 1))
    assert can_claim(cast.officer, event)
    assert not any(can_claim(person, event) for person in (cast.duty, cast.leader, cast.changle_duty, cast.grid))


def test_can_claim_the_evaluation(cast: Cast) -> None:
    whistle = walk.ready(cast)
    assert can_claim(cast.duty, whistle)
    assert can_claim(cast.leader, whistle)
    assert not can_claim(cast.scjg_liaison, whistle)
