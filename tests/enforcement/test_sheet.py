"""The order and the slip on paper: what they say, and who may print them."""

from typing import Any
from unittest import mock

import pytest
from django.urls import reverse

from enforcement.models import Dispatch
from enforcement.services import dispatch as dispatches
from records.services import qr
from tests.cast import Cast, client_for
from tests.enforcement.events import make_event
from tests.enforcement.pages import html
from tests.test_permissions import _red, blow
from townships.models import Unit


@pytest.fixture
def order(cast: Cast, rules: None) -> Dispatch:
    Unit.objects.filter(pk=cast.ganlin.pk).update(phone="0575-00000000")
    whistle = blow(cast, make_event(cast), "emergency")
    found = whistle.dispatches.get(department=cast.scjg)
    dispatches.sign(found, by=cast.scjg_liaison, seen_state="sent", assigned_officer=cast.scjg_officer)
    return found


def sheet(user: Any, name: str, pk: int) -> Any:
    return client_for(user).get(reverse(f"enforcement:{name}", args=[pk]))


def test_order_says_number_units_facts_place_limits_contacts_and_where_to_sign(cast: Cast, order: Dispatch) -> None:
    text = html(sheet(cast.duty, "dispatch-sheet", order.pk))
    for said in (
        order.number, cast.scjg.name, cast.ganlin.name, "东湖路 18 号", "请到场处置", "0575-00000000", "签收", "到场",
        "办结", str(cast.scjg_officer), "自然资源局（协办）", "签收单位（章）", "甘霖镇·指挥室值班员",
    ):  # fmt: skip
        assert said in text, said
    assert f"{order.sign_due.astimezone():%Y}" in text


def test_order_carries_the_link_of_its_page_as_a_qr_code(cast: Cast, order: Dispatch, settings: Any) -> None:
    settings.PORTAL_URL = "https://portal.example"
    with mock.patch.object(qr.segno, "make", wraps=qr.segno.make) as make:
        page = sheet(cast.duty, "dispatch-sheet", order.pk).content.decode()
    assert make.call_args.args == (f"https://portal.example{order.get_absolute_url()}",)
    assert "<svg width=" in page.partition('<p class="code">')[2][:60]


def test_sheets_are_reached_from_their_pages(cast: Cast, order: Dispatch) -> None:
    row = _red(order)
    assert reverse("enforcement:dispatch-sheet", args=[order.pk]) in html(client_for(cast.duty).get(order.get_absolute_url()))  # fmt: skip
    assert reverse("enforcement:escalation-sheet", args=[row.pk]) in html(client_for(cast.duty).get(row.get_absolute_url()))  # fmt: skip


def test_slip_says_the_clock_and_no_words_of_people(cast: Cast, order: Dispatch) -> None:
    text = html(sheet(cast.zdb_officer, "escalation-sheet", _red(order).pk))
    for said in ("督scjg-20261124-0001", cast.scjg.name, "15 分钟", "责任单位回执", "第 17 条"):
        assert said in text, said
    assert "货车停在慢车道上卸货" not in text
    assert "东湖路" not in text


@pytest.mark.parametrize("part", ["grid", "changle_duty", "zfj_liaison", "zrzy_liaison", "bureau_admin", "stranger"])
def test_sheets_are_not_there_for_others(cast: Cast, order: Dispatch, part: str) -> None:
    user = getattr(cast, part)
    assert sheet(user, "dispatch-sheet", order.pk).status_code == 404
    assert sheet(user, "escalation-sheet", _red(order).pk).status_code == 404


def test_order_is_read_only(cast: Cast, order: Dispatch) -> None:
    assert client_for(cast.duty).post(reverse("enforcement:dispatch-sheet", args=[order.pk])).status_code == 405
