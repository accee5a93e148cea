"""Who holds a post on a day, who may be named to go, and who can come now."""

from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from tests.cast import (
    Cast,
    CertificateFactory,
    PostFactory,
    ShiftFactory,
    SquadMemberFactory,
    UnitFactory,
    UserFactory,
)
from townships import people
from townships.models import Post, Role, Shift, SquadMember, Unit, User
from townships.rules import squad

DAY = date(2026, 11, 24)


def at(clock: str, day: date = DAY) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.fromisoformat(clock)))


# --- posts ----------------------------------------------------------------------------------------------------------
def test_holders_of_several_units_in_one_query(cast: Cast, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        found = people.holders([cast.scjg.pk, cast.zrzy.pk, cast.zfj.pk], [Role.LIAISON])
    assert found == {
        cast.scjg.pk: [cast.scjg_liaison],
        cast.zrzy.pk: [cast.zrzy_liaison],
        cast.zfj.pk: [cast.zfj_liaison],
    }


def test_each_post_is_found_at_its_own_unit(cast: Cast) -> None:
    assert people.desk(cast.scjg) == [cast.scjg_liaison]
    assert people.leaders(cast.ganlin) == [cast.leader]
    assert people.desk(cast.ganlin) == [cast.duty]
    assert people.squad_officers(cast.ganlin) == [cast.officer]
    assert people.subunit_people(cast.zrzy_station) == [cast.zrzy_officer]
    assert people.holders([cast.scjg.pk], [Role.DUTY]) == {}


def ended(*users: User) -> None:
    Post.objects.filter(user__in=users).update(valid_to=timezone.localdate() - timedelta(days=1))


def test_nothing_waits_unheard_of_where_a_post_is_empty(cast: Cast, django_assert_num_queries) -> None:
    wanted = {cast.scjg.pk: Role.LIAISON, cast.zrzy.pk: Role.LIAISON, cast.ganlin.pk: Role.DUTY}
    with django_assert_num_queries(1):
        assert people.told(wanted)[cast.scjg.pk] == [cast.scjg_liaison]
    ended(cast.scjg_liaison, cast.duty)
    told = people.told(wanted)
    assert told[cast.scjg.pk] == [cast.scjg_leader]
    assert told[cast.zrzy.pk] == [cast.zrzy_liaison]
    assert told[cast.ganlin.pk] == [cast.leader]
    ended(cast.scjg_leader, cast.leader)
    assert people.desk(cast.scjg) == people.leaders(cast.ganlin) == [cast.zdb_officer]
    assert people.squad_officers(cast.changle) == [cast.changle_duty]


@pytest.mark.parametrize(("day", "is_told"), [(9, False), (10, True), (12, True), (13, False)])
def test_deputy_holds_the_post_only_between_the_dates(cast: Cast, day: int, is_told: bool) -> None:
    post = PostFactory(
        unit=cast.scjg,
        role=Role.LIAISON,
        rank=Post.Rank.DEPUTY,
        deputy_for=cast.scjg_liaison,
        valid_from=date(2026, 11, 10),
        valid_to=date(2026, 11, 12),
    )
    found = people.holders([cast.scjg.pk], [Role.LIAISON], day=date(2026, 11, day))[cast.scjg.pk]
    assert found == ([cast.scjg_liaison, post.user] if is_told else [cast.scjg_liaison])


def test_main_comes_before_backup(cast: Cast) -> None:
    backup = PostFactory(unit=cast.zfj, role=Role.LIAISON, rank=Post.Rank.BACKUP).user
    late_main = PostFactory(unit=cast.zfj, role=Role.LIAISON).user
    assert people.desk(cast.zfj) == [cast.zfj_liaison, late_main, backup]


def test_two_posts_of_one_person_count_once(cast: Cast) -> None:
    PostFactory(user=cast.duty, unit=cast.ganlin, role=Role.LEADER)
    assert people.holders([cast.ganlin.pk], [Role.DUTY, Role.LEADER])[cast.ganlin.pk].count(cast.duty) == 1


def test_inactive_account_holds_nothing(cast: Cast) -> None:
    cast.scjg_liaison.is_active = False
    cast.scjg_liaison.save()
    assert people.holders([cast.scjg.pk], [Role.LIAISON]) == {}


# --- who may be named to go -------------------------------------------------------------------------------------------
def test_officers_of_a_department_are_its_own_and_those_of_its_subunits(cast: Cast) -> None:
    assert set(people.officers_of(cast.zrzy)) == {cast.zrzy_liaison, cast.zrzy_officer}
    assert set(people.officers_of(cast.zrzy_station)) == {cast.zrzy_officer}
    assert set(people.officers_of(cast.scjg)) == {cast.scjg_liaison, cast.scjg_officer}


def test_officers_of_the_sub_unit_near_come_first(cast: Cast) -> None:
    elsewhere = UnitFactory(parent=cast.zrzy, kind=Unit.Kind.SUBUNIT, township=cast.changle)
    first = PostFactory(unit=cast.zrzy, user__name="甲").user
    other = PostFactory(unit=elsewhere, user__name="乙").user
    near = people.officers_near(cast.zrzy, cast.ganlin)
    assert near[0] == cast.zrzy_officer
    assert [user for user in near if user in (first, other)] == [other, first]  # by code point, as everywhere
    assert people.officers_near(cast.zrzy, cast.changle)[0] == other
    assert set(near) == set(people.officers_of(cast.zrzy))


def test_seconded_officer_is_not_named_by_the_department(cast: Cast) -> None:
    SquadMemberFactory(township=cast.ganlin, user=cast.leader, seconding_unit=cast.zrzy, slot=SquadMember.Slot.ZRZY)
    assert cast.leader not in people.officers_of(cast.zrzy)


def test_subunits_are_those_of_the_township_and_those_of_all(cast: Cast) -> None:
    everywhere = UnitFactory(parent=cast.zrzy, kind=Unit.Kind.SUBUNIT)
    UnitFactory(parent=cast.zrzy, kind=Unit.Kind.SUBUNIT, township=cast.changle)
    UnitFactory(parent=cast.zrzy, kind=Unit.Kind.SUBUNIT, valid_to=date(2025, 1, 1))
    assert set(people.subunits(cast.zrzy, cast.ganlin)) == {cast.zrzy_station, everywhere}


# --- the squad --------------------------------------------------------------------------------------------------------
SENDERS = {"zhzf": "zfj", "zrzy": "zrzy", "jtys": "jtys", "scjg": "scjg"}


def fill_squad(township: Unit) -> list[SquadMember]:
    members = []
    for slot, code in squad.PLACES:
        sender = Unit.objects.get(code=code or SENDERS.get(slot, township.code))
        members.append(SquadMemberFactory(township=township, slot=slot, seconding_unit=sender))
    return members


def test_completeness_names_what_is_missing() -> None:
    assert squad.completeness(set()).missing == tuple(squad.PLACES.values())
    assert squad.completeness(squad.PLACES) == squad.Completeness(10, 10, ())
    assert squad.completeness({("own", "whatever"), ("liaison", "gaj")}).have == 1
    assert "应急管理局联络员" not in squad.completeness({("liaison", "yjgl")}).missing


def test_full_squad_is_ten_of_ten_and_a_place_is_lost_when_its_last_member_leaves(cast: Cast) -> None:
    members = fill_squad(cast.changle)
    assert people.completeness(people.roster(cast.changle, DAY)).have == 10
    SquadMember.objects.filter(pk=members[1].pk).update(status=SquadMember.Status.LEFT)
    SquadMember.objects.filter(pk=members[-1].pk).update(valid_to=DAY - timedelta(days=1))
    found = people.completeness(people.roster(cast.changle, DAY))
    assert (found.have, found.missing) == (8, ("综合执法局派驻", "生态环境分局联络员"))


def test_subunit_that_sends_a_liaison_counts_as_its_department(cast: Cast) -> None:
    station = UnitFactory(parent=Unit.objects.get(code="yjgl"), kind=Unit.Kind.SUBUNIT)
    SquadMemberFactory(township=cast.changle, slot=SquadMember.Slot.LIAISON, seconding_unit=station)
    found = people.completeness(people.roster(cast.changle, DAY))
    assert "应急管理局联络员" not in found.missing


def test_roster_is_in_the_order_of_the_slots_and_costs_two_queries(cast: Cast, django_assert_num_queries) -> None:
    fill_squad(cast.changle)
    with django_assert_num_queries(2):
        places = people.roster(cast.changle, DAY)
        slots = [(place.member.slot, place.member.user.name, place.member.sending_organ.code) for place in places]
    assert list(dict.fromkeys(slot for slot, _, _ in slots)) == list(SquadMember.Slot.values)


@pytest.mark.parametrize(("ends", "is_listed"), [(-1, True), (0, True), (60, True), (61, False)])
def test_certificates_that_end_within_sixty_days(cast: Cast, ends: int, is_listed: bool) -> None:
    member = SquadMemberFactory(township=cast.changle)
    CertificateFactory(holder=member.user, valid_to=DAY + timedelta(days=ends))
    (place,) = people.roster(cast.changle, DAY)
    assert (place.days_left, place.is_expiring) == (ends, is_listed)


def test_renewed_certificate_is_not_expiring(cast: Cast) -> None:
    member = SquadMemberFactory(township=cast.changle)
    CertificateFactory(holder=member.user, valid_to=DAY + timedelta(days=5))
    CertificateFactory(holder=member.user, valid_to=DAY + timedelta(days=1800))
    (place,) = people.roster(cast.changle, DAY)
    assert not place.is_expiring


# --- who can come now -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("now", "is_on"),
    [
        (at("17:29"), False),
        (at("17:30"), True),
        (at("23:59"), True),
        (at("08:29", DAY + timedelta(days=1)), True),
        (at("08:30", DAY + timedelta(days=1)), False),
        (at("03:00"), False),
    ],
)
def test_shift_over_midnight_runs_into_the_next_day(cast: Cast, now: datetime, is_on: bool) -> None:
    shift = ShiftFactory(
        township=cast.ganlin, user=cast.duty, day=DAY, band=Shift.Band.DUTY, starts_at=time(17, 30), ends_at=time(8, 30)
    )
    assert list(Shift.objects.covering(now)) == ([shift] if is_on else [])


def test_whoever_is_on_the_rota_and_present_comes_first(cast: Cast, django_assert_num_queries) -> None:
    out = SquadMemberFactory(township=cast.ganlin, status=SquadMember.Status.OUT, status_note="预计 11:30 回")
    SquadMemberFactory(township=cast.ganlin, status=SquadMember.Status.LEAVE)
    ShiftFactory(township=cast.ganlin, user=cast.duty)
    ShiftFactory(township=cast.ganlin, user=out.user)
    with django_assert_num_queries(4):
        found = people.on_duty_now(cast.ganlin, at("10:00"))
        seen = [(p.user, p.group, p.can_come, p.is_certified, p.tel) for p in found]
    assert [user for user, *_ in seen] == [cast.duty, cast.officer, out.user]
    assert seen[0][1:3] == ("指挥室", True)
    assert seen[1][1:4] == ("镇街执法队", True, True)
    assert seen[2][2] is False


def test_liaison_is_shown_with_main_or_backup_and_telephone(cast: Cast) -> None:
    SquadMemberFactory(
        township=cast.ganlin, user=cast.scjg_liaison, slot=SquadMember.Slot.LIAISON, seconding_unit=cast.scjg
    )
    found = next(p for p in people.on_duty_now(cast.ganlin, at("10:00")) if p.user == cast.scjg_liaison)
    assert (found.group, found.liaison_rank, found.tel) == ("市场监管局联络员", "主", cast.scjg_liaison.mobile)


def test_liaisons_are_not_put_on_the_township_rota(cast: Cast) -> None:
    SquadMemberFactory(
        township=cast.ganlin, user=cast.scjg_liaison, slot=SquadMember.Slot.LIAISON, seconding_unit=cast.scjg
    )
    seconded = SquadMemberFactory(township=cast.ganlin, slot=SquadMember.Slot.ZRZY, seconding_unit=cast.zrzy).user
    UserFactory()
    assert set(people.schedulable(cast.ganlin, DAY)) == {cast.duty, cast.leader, cast.officer, seconded}
