"""The page of a township's squad, its one-tap status, and who can come now."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from records.models import Entry
from tests.cast import Cast, CertificateFactory, SquadMemberFactory, client_for
from townships.models import SquadMember

SQUAD, WHO = "/squad/", "/squad/who-can-come/"


@pytest.fixture
def member(cast: Cast) -> SquadMember:
    return SquadMemberFactory(township=cast.ganlin, slot=SquadMember.Slot.ZRZY, seconding_unit=cast.zrzy_station)


def set_status(user: Any, member: SquadMember, status: str = "out", note: str = "预计 11:30 回") -> Any:
    url = reverse("townships:member-status", args=[member.pk])
    return client_for(user).post(url, {"status": status, "note": note})


# --- the page -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("part", ["duty", "leader", "officer"])
@pytest.mark.parametrize("url", [SQUAD, WHO])
def test_own_staff_sees_the_squad(cast: Cast, member: SquadMember, part: str, url: str) -> None:
    page = client_for(getattr(cast, part)).get(url).content.decode()
    assert member.user.name in page
    assert f"tel:{member.user.mobile}" in page


@pytest.mark.parametrize("part", ["grid", "scjg_liaison", "zrzy_officer", "bureau_admin", "stranger"])
@pytest.mark.parametrize("url", [SQUAD, WHO, "/shifts/"])
def test_names_and_telephones_are_not_for_others(cast: Cast, part: str, url: str) -> None:
    assert client_for(getattr(cast, part)).get(url).status_code == 403


@pytest.mark.parametrize("url", [SQUAD, WHO, "/shifts/"])
def test_another_township_is_not_there(cast: Cast, url: str) -> None:
    assert client_for(cast.duty).get(url, {"township": cast.changle.code}).status_code == 404
    assert client_for(cast.duty).get(url, {"township": cast.ganlin.code}).status_code == 200


@pytest.mark.parametrize("part", ["zdb_officer", "auditor"])
@pytest.mark.parametrize("url", [SQUAD, WHO, "/shifts/"])
def test_guidance_office_and_auditors_choose_the_township(cast: Cast, part: str, url: str) -> None:
    client = client_for(getattr(cast, part))
    assert client.get(url, {"township": cast.changle.code}).context["township"] == cast.changle
    assert client.get(url).status_code == 200
    assert client.get(url, {"township": "scjg"}).status_code == 404
    assert client.get(url, {"township": "\0"}).status_code == 400
    assert '<form method="post" action="/squad/' not in client.get(url).content.decode()


def test_page_tells_what_is_missing_and_which_certificates_end(cast: Cast, member: SquadMember) -> None:
    today = timezone.localdate()
    CertificateFactory(holder=member.user, valid_to=today + timedelta(days=12))
    SquadMemberFactory(township=cast.ganlin)
    response = client_for(cast.duty).get(SQUAD)
    page = response.content.decode()
    assert (response.context["completeness"].have, response.context["expiring"]) == (2, 1)
    assert "综合执法局派驻、交通运输局派驻" in page
    assert "还有 12 天到期" in page
    assert "没有登记执法证" in page


def test_expired_certificate_is_said_to_be(cast: Cast, member: SquadMember) -> None:
    CertificateFactory(holder=member.user, valid_to=timezone.localdate() - timedelta(days=1))
    assert "已过期" in client_for(cast.duty).get(SQUAD).content.decode()


def test_squad_page_costs_the_same_for_three_and_thirty(cast: Cast, django_assert_max_num_queries) -> None:
    client = client_for(cast.duty)
    SquadMemberFactory.create_batch(3, township=cast.ganlin)
    client.get(SQUAD)
    with django_assert_max_num_queries(8):
        client.get(SQUAD)
    SquadMemberFactory.create_batch(27, township=cast.ganlin)
    with django_assert_max_num_queries(8):
        client.get(SQUAD)


def test_panel_alone_comes_by_htmx(cast: Cast) -> None:
    page = client_for(cast.duty).get(WHO, headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith("<section")
    assert cast.officer.name in page


# --- the one-tap status -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("part", ["duty", "leader"])
def test_desk_sets_a_status_and_the_timeline_keeps_it(cast: Cast, member: SquadMember, part: str) -> None:
    response = set_status(getattr(cast, part), member)
    assert response["Location"] == f"/squad/#member-{member.pk}"
    member.refresh_from_db()
    assert (member.status, member.status_note) == ("out", "预计 11:30 回")
    entry = Entry.objects.about(member).get()
    assert entry.what == "自然资源派驻执法队员改为外出"
    assert member.user.name not in str(entry.data) + entry.what


def test_who_is_back_needs_no_explanation(cast: Cast, member: SquadMember) -> None:
    set_status(cast.duty, member)
    set_status(cast.duty, member, "on", "预计 11:30 回")
    member.refresh_from_db()
    assert (member.status, member.status_note) == ("on", "")


@pytest.mark.parametrize(("status", "kept"), [("on", "out"), ("out", "out"), ("leave", "leave")])
def test_enter_in_the_note_never_calls_back_who_is_away(
    cast: Cast, member: SquadMember, status: str, kept: str
) -> None:
    SquadMember.objects.filter(pk=member.pk).update(status=status)
    page = client_for(cast.duty).get(reverse("townships:squad")).content.decode()
    form = page.split(reverse("townships:member-status", args=[member.pk]))[1]
    assert (
        f'value="{kept}"' in form.split('name="status"')[1].split(">")[0]
    )  # the first button is the one Enter presses


def test_note_takes_whatever_a_keyboard_sends(cast: Cast, member: SquadMember) -> None:
    client_for(cast.duty).post(f"/squad/{member.pk}/status/", {"status": "out", "note": "去\0㙍𠮷村😀" * 20})
    member.refresh_from_db()
    assert member.status_note.startswith("去㙍𠮷村😀去")
    assert len(member.status_note) == 40


def test_same_status_again_writes_nothing(cast: Cast, member: SquadMember) -> None:
    set_status(cast.duty, member)
    set_status(cast.duty, member)
    assert Entry.objects.about(member).count() == 1


def test_member_of_another_township_is_not_there(cast: Cast, member: SquadMember) -> None:
    assert set_status(cast.changle_duty, member).status_code == 404
    assert set_status(cast.zdb_officer, member).status_code == 404
    assert set_status(cast.stranger, member).status_code == 404


def test_officer_does_not_set_the_status(cast: Cast, member: SquadMember) -> None:
    assert set_status(cast.officer, member).status_code == 403


@pytest.mark.parametrize("status", ["left", "nonsense", ""])
def test_nobody_leaves_the_squad_by_a_tap(cast: Cast, member: SquadMember, status: str) -> None:
    assert set_status(cast.duty, member, status).status_code == 303
    member.refresh_from_db()
    assert member.status == "on"
    assert not Entry.objects.about(member).exists()


def test_who_has_left_stays_away(cast: Cast, member: SquadMember) -> None:
    SquadMember.objects.filter(pk=member.pk).update(status="left")
    assert set_status(cast.duty, member, "on").status_code == 303
    member.refresh_from_db()
    assert member.status == "left"


def test_status_is_not_changed_by_a_get(cast: Cast, member: SquadMember) -> None:
    url = reverse("townships:member-status", args=[member.pk])
    assert client_for(cast.duty).get(url, {"status": "out"}).status_code == 405
