"""What the room of messages asks about people."""

from datetime import date, timedelta

from django.utils import timezone

from tests.cast import Cast, PostFactory, UserFactory
from townships import directory
from townships.models import Post, Role


def test_groups_of_names_the_units_of_todays_posts(cast: Cast) -> None:
    found = directory.groups_of([cast.duty.pk, cast.scjg_liaison.pk, cast.stranger.pk])
    assert found == {cast.duty.pk: {cast.ganlin.code}, cast.scjg_liaison.pk: {cast.scjg.code}}


def test_groups_of_a_sub_units_people_are_the_departments(cast: Cast) -> None:
    user = PostFactory(unit=cast.zrzy_station).user
    assert directory.groups_of([user.pk]) == {user.pk: {cast.zrzy.code}}


def test_groups_of_a_post_that_has_ended_are_none(cast: Cast) -> None:
    Post.objects.filter(user=cast.duty).update(valid_to=timezone.localdate() - timedelta(days=1))
    assert directory.groups_of([cast.duty.pk]) == {}


def test_administrators_hold_that_post_today(cast: Cast) -> None:
    PostFactory(user=UserFactory(), unit=cast.city, role=Role.ADMIN, valid_to=date(2025, 6, 1))
    PostFactory(user=UserFactory(is_active=False), unit=cast.city, role=Role.ADMIN)
    assert directory.administrators() == [cast.bureau_admin]
