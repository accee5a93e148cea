"""The week's rota: looking at it, adding to it, taking off it."""

from datetime import date, time
from typing import Any

import pytest
from django.urls import reverse

from records.models import Entry
from tests.cast import Cast, ShiftFactory, UserFactory, client_for
from townships.models import Shift
from townships.services import shift as service

ROTA, ADD = "/shifts/", "/shifts/add/"
DAY = date(2026, 11, 24)


def add(by: Any, person: Any, **changes: Any) -> Any:
    return client_for(by).post(ADD, {"user": person.pk, "day": DAY, "band": "1_early", **changes})


def remove(user: Any, shift: Shift) -> Any:
    return client_for(user).post(reverse("townships:shift-remove", args=[shift.pk]))


# --- looking ------------------------------------------------------------------------------------------------------------
def test_week_is_shown_from_monday_to_sunday(cast: Cast) -> None:
    shifts = [ShiftFactory(township=cast.ganlin, day=day) for day in (date(2026, 11, 23), date(2026, 11, 29))]
    other = [
        ShiftFactory(township=cast.ganlin, day=date(2026, 11, 30)),
        ShiftFactory(township=cast.changle, day=DAY),
    ]
    response = client_for(cast.duty).get(ROTA, {"week": "2026-11-25"})
    page = response.content.decode()
    assert [day.day for day in response.context["days"]] == [23, 24, 25, 26, 27, 28, 29]
    assert all(shift.user.name in page for shift in shifts)
    assert not any(shift.user.name in page for shift in other)
    assert "week=2026-11-16" in page
    assert "week=2026-11-30" in page


@pytest.mark.parametrize("week", ["nonsense", "2026-13-40", "", "0001-01-01", "9999-12-31"])
def test_nonsense_in_the_address_shows_this_week(cast: Cast, week: str) -> None:
    response = client_for(cast.duty).get(ROTA, {"week": week})
    assert response.context["today"] in response.context["days"]


@pytest.mark.parametrize(("part", "may_plan"), [("duty", True), ("leader", True), ("officer", False)])
def test_form_is_there_for_who_may_plan(cast: Cast, part: str, may_plan: bool) -> None:
    shift = ShiftFactory(township=cast.ganlin, day=DAY)
    page = client_for(getattr(cast, part)).get(ROTA, {"week": DAY}).content.decode()
    assert (ADD in page) is may_plan
    assert (reverse("townships:shift-remove", args=[shift.pk]) in page) is may_plan


def test_rota_costs_the_same_for_a_few_and_for_many(cast: Cast, django_assert_max_num_queries) -> None:
    client = client_for(cast.duty)
    ShiftFactory.create_batch(3, township=cast.ganlin)
    client.get(ROTA, {"week": DAY})
    with django_assert_max_num_queries(8):
        client.get(ROTA, {"week": DAY})
    ShiftFactory.create_batch(60, township=cast.ganlin)
    with django_assert_max_num_queries(8):
        client.get(ROTA, {"week": DAY})


# --- adding -------------------------------------------------------------------------------------------------------------
def test_desk_puts_somebody_on_the_rota_with_the_usual_hours(cast: Cast) -> None:
    response = add(cast.duty, cast.officer, band="4_duty")
    assert response["Location"] == "/shifts/?week=2026-11-24"
    shift = Shift.objects.get()
    assert (shift.township, shift.user) == (cast.ganlin, cast.officer)
    assert (shift.starts_at, shift.ends_at, shift.is_on_call) == (time(17, 30), time(8, 30), False)
    entry = Entry.objects.about(shift).get()
    assert (entry.verb, entry.what) == ("shift_add", "排 2026-11-24 值班")


def test_hours_may_be_given(cast: Cast) -> None:
    add(cast.leader, cast.officer, starts_at="09:00", ends_at="11:00", is_on_call="on")
    shift = Shift.objects.get()
    assert (shift.starts_at, shift.ends_at, shift.is_on_call) == (time(9), time(11), True)


def test_same_person_day_and_band_is_there_once(cast: Cast) -> None:
    assert [add(cast.duty, cast.officer).status_code for _ in range(2)] == [302, 302]
    assert Shift.objects.count() == 1
    assert Entry.objects.filter(verb="shift_add").count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"day": "someday"}, "day"),
        ({"day": "9999-12-31"}, "day"),
        ({"day": "0001-01-01"}, "day"),
        ({"band": "9_never"}, "band"),
        ({"starts_at": "09:00"}, "ends_at"),
        ({"user": ""}, "user"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(cast: Cast, changes: dict[str, str], field: str) -> None:
    response = add(cast.duty, cast.officer, **changes)
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Shift.objects.exists()


def test_only_the_townships_own_people_are_put_on_its_rota(cast: Cast) -> None:
    for person in (cast.changle_duty, cast.scjg_liaison, cast.grid, UserFactory()):
        assert add(cast.duty, person).status_code == 422


@pytest.mark.parametrize("part", ["officer", "zdb_officer", "auditor", "scjg_liaison", "grid", "stranger"])
def test_others_do_not_plan(cast: Cast, part: str) -> None:
    assert add(getattr(cast, part), cast.officer).status_code == 403
    assert not Shift.objects.exists()


def test_adding_is_a_post(cast: Cast) -> None:
    assert client_for(cast.duty).get(ADD).status_code == 405


# --- taking off ---------------------------------------------------------------------------------------------------------
def test_taking_off_says_who_and_when_so_that_a_slip_is_seen(cast: Cast) -> None:
    shift = service.add(cast.ganlin, user=cast.officer, day=DAY, band="1_early", by=cast.duty)
    client = client_for(cast.duty)
    page = client.post(reverse("townships:shift-remove", args=[shift.pk]), follow=True).content.decode()
    assert f"已取消 11 月 24 日早班，{cast.officer.name}" in page


def test_desk_takes_somebody_off_and_the_timeline_keeps_it(cast: Cast) -> None:
    shift = service.add(cast.ganlin, user=cast.officer, day=DAY, band="1_early", by=cast.duty)
    pk = shift.pk
    assert remove(cast.duty, shift)["Location"] == "/shifts/?week=2026-11-24"
    assert not Shift.objects.exists()
    assert list(Entry.objects.filter(target_id=pk).values_list("verb", flat=True)) == ["shift_add", "shift_remove"]


def test_shift_of_another_township_is_not_there(cast: Cast) -> None:
    shift = ShiftFactory(township=cast.ganlin)
    for part in ("changle_duty", "zdb_officer", "stranger"):
        assert remove(getattr(cast, part), shift).status_code == 404
    assert Shift.objects.exists()


def test_officer_does_not_take_off(cast: Cast) -> None:
    assert remove(cast.officer, ShiftFactory(township=cast.ganlin)).status_code == 403


def test_taking_off_twice_finds_nothing(cast: Cast) -> None:
    shift = ShiftFactory(township=cast.ganlin)
    remove(cast.duty, shift)
    assert remove(cast.duty, shift).status_code == 404


def test_taking_off_is_a_post(cast: Cast) -> None:
    url = reverse("townships:shift-remove", args=[ShiftFactory(township=cast.ganlin).pk])
    assert client_for(cast.duty).get(url).status_code == 405


# --- the sheet of a month -----------------------------------------------------------------------------------------------
def sheet(user: Any, **query: str) -> Any:
    return client_for(user).get(reverse("townships:shifts-sheet"), query)


def test_sheet_has_each_day_of_the_month_with_its_holidays_and_only_the_bands_in_use(
    cast: Cast, calendar_2026: None
) -> None:
    ShiftFactory(township=cast.ganlin, user=cast.duty, day=date(2026, 10, 1), is_on_call=True)
    ShiftFactory(township=cast.ganlin, user=cast.leader, day=date(2026, 10, 2), starts_at=time(9))
    ShiftFactory(township=cast.changle, user=cast.changle_duty, day=date(2026, 10, 3))
    page = sheet(cast.officer, month="2026-10")
    rows, text = page.context["rows"], page.content.decode()
    assert [rows[0][0], rows[-1][0], len(rows)] == [date(2026, 10, 1), date(2026, 10, 31), 31]
    assert [label for _, label, _ in page.context["bands"]] == ["早班"]
    assert rows[0][2:] == ("国庆节", True)
    assert rows[9][3] is False  # a Saturday that is worked
    assert f"{cast.duty}（备勤）" in text
    assert "09:00–16:00" in text
    assert str(cast.changle_duty) not in text


@pytest.mark.parametrize("month", ["", "2026-13", "nonsense", "9999-01", "2026-11-05"])
def test_sheet_of_nonsense_is_that_of_this_month(cast: Cast, month: str) -> None:
    page = sheet(cast.duty, month=month)
    assert page.status_code == 200
    assert "这个月还没有排班" in page.content.decode()


def test_sheet_is_seen_as_the_rota_is(cast: Cast) -> None:
    assert sheet(cast.auditor, township="330683101").context["township"] == cast.changle
    assert sheet(cast.duty, township="330683101").status_code == 404
    for part in ("grid", "scjg_liaison", "stranger"):
        assert sheet(getattr(cast, part)).status_code == 403


def test_sheet_costs_the_same_for_a_few_and_for_many(cast: Cast, django_assert_max_num_queries) -> None:
    counts = []
    for people in (1, 20):
        for _ in range(people):
            ShiftFactory(township=cast.ganlin, user=UserFactory(), day=DAY)
        with django_assert_max_num_queries(40) as queries:
            sheet(cast.duty, month="2026-11")
        counts.append(len(queries))
    assert counts[0] == counts[1]
