"""通讯录: who is listed for whom, and whose mobile is shown."""

from typing import Any

import pytest

from tests.cast import Cast, client_for
from townships.models import Unit, User

PEOPLE, UNITS = "/contacts/", "/contacts/units/"


def listed(user: Any, url: str = PEOPLE, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client_for(user).get(url, query).context["rows"]
    return rows


def names(user: Any, **query: str) -> set[str]:
    return {one["name"] for one in listed(user, **query)}


def parts(cast: Cast, *wanted: str) -> set[str]:
    return {getattr(cast, part).name for part in wanted}


DESKS = (
    "duty",
    "leader",
    "changle_duty",
    "changle_leader",
    "scjg_liaison",
    "scjg_leader",
    "zrzy_liaison",
    "zrzy_leader",
)


def test_township_looks_up_its_own_its_squad_and_desks(cast: Cast) -> None:
    seen = names(cast.duty)
    assert seen == parts(cast, *DESKS, "zfj_liaison", "zdb_officer", "grid", "officer")


def test_grid_member_looks_up_the_own_command_room(cast: Cast) -> None:
    assert names(cast.grid) == parts(cast, "grid", "duty", "leader")
    assert [one["mobile"] for one in listed(cast.grid) if one["name"] == cast.duty.name] == [""]


def test_department_looks_up_its_own_and_desks(cast: Cast) -> None:
    assert names(cast.zrzy_liaison) >= parts(cast, *DESKS, "zrzy_officer")
    assert not names(cast.zrzy_liaison) & parts(cast, "grid", "officer", "scjg_officer")
    assert names(cast.stranger) == set()
    assert "还没有可以查的人员" in client_for(cast.stranger).get(PEOPLE).content.decode()


@pytest.mark.parametrize(
    ("part", "shown", "hidden"),
    [
        ("duty", ("officer", "grid", "leader"), ("changle_duty", "scjg_liaison")),
        ("officer", ("duty", "leader"), ("changle_duty", "scjg_liaison")),
        ("scjg_liaison", ("scjg_officer", "scjg_leader"), ("duty", "zrzy_liaison")),
        ("zrzy_officer", ("zrzy_officer",), ("zrzy_leader", "duty")),
        ("zdb_officer", ("duty", "officer", "scjg_liaison"), ("grid", "scjg_officer")),
        ("bureau_admin", ("grid", "scjg_officer"), ()),
    ],
)
def test_mobile_is_shown_by_the_rules(cast: Cast, part: str, shown: tuple[str, ...], hidden: tuple[str, ...]) -> None:
    mobiles = {one["name"]: one["mobile"] for one in listed(getattr(cast, part))}
    assert {name for name, mobile in mobiles.items() if mobile} >= parts(cast, *shown)
    assert not any(mobiles.get(getattr(cast, other).name) for other in hidden)


def test_people_are_sorted_as_they_are_spelled(cast: Cast) -> None:
    for part, name in (("duty", "左一"), ("leader", "单二"), ("officer", "陈三"), ("grid", "李四")):
        user = getattr(cast, part)
        user.name = name
        user.save()
    assert [one["name"] for one in listed(cast.duty, near="ours")] == ["陈三", "李四", "单二", "左一"]
    assert names(cast.duty, role="grid") == {"李四"}
    assert names(cast.duty, unit="scjg") == parts(cast, "scjg_liaison", "scjg_leader")


def test_units_and_who_answers_there(cast: Cast) -> None:
    Unit.objects.filter(pk=cast.scjg.pk).update(phone="0575-00000001")
    [row] = listed(cast.duty, UNITS, q="scjg")
    assert (row["phone"], row["speakers"]) == ("0575-00000001", [cast.scjg_liaison.name])
    kinds = {one["name"] for one in listed(cast.duty, UNITS, kind="grid")}
    assert kinds == {"甘霖第1网格"}
    assert {one["name"] for one in listed(cast.duty, UNITS, kind="subunit")} == {"甘霖自然资源所"}
    assert listed(cast.changle_duty, UNITS, kind="subunit") == []
    spelled = [one["name"] for one in listed(cast.duty, UNITS, kind="township", order="pinyin")]
    assert spelled.index("长乐镇") < spelled.index("甘霖镇") < spelled.index("三界镇")


def test_rows_alone_for_htmx(cast: Cast) -> None:
    page = client_for(cast.duty).get(PEOPLE, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="rows").content.decode()
    assert "<table" in page
    assert "<html" not in page


def test_somebody_who_has_left_is_not_listed(cast: Cast) -> None:
    User.objects.filter(pk=cast.officer.pk).update(is_active=False)
    assert cast.officer.name not in names(cast.duty)
