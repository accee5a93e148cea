import csv
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from enforcement.rules.deadlines import Kind, Step
from enforcement.rules.routing import Facts, Proposal, Route, RoutingRow, propose
from townships.rules.worktime import Unit

ROOT = Path(__file__).parent.parent.parent
FLAGS = {
    "urgent": "urgent",
    "settled_on_spot": "settled_on_spot",
    "duplicate": "duplicate",
    "unreasonable": "unreasonable",
    "suspected_crime": "suspected_crime",
    "enterprise_inspection": "involves_enterprise_inspection",
    "outside_duty": "outside_duty",
}


def table(path):
    return list(csv.DictReader((ROOT / path).read_text(encoding="utf-8").splitlines()))


def codes(text):
    return tuple(text.split(";")) if text else ()


def step(row):
    return Step(row["squad_unit"], int(row["squad_amount"])) if row["squad_unit"] else None


GOLDEN = table("tests/golden/routing.csv")
CATEGORIES = table("enforcement/reference/categories.csv")
SHIPPED = table("enforcement/reference/routes.csv")
UNITS = table("townships/reference/units.csv")
TOWNSHIPS = {unit["code"] for unit in UNITS if unit["kind"] in ("street", "town", "township")}
DEPARTMENTS = {unit["code"] for unit in UNITS if unit["kind"] in ("city_dept", "vertical_branch", "party_organ")}
ROWS = [
    RoutingRow(
        category=row["category"],
        township=row["township"],
        route=row["route"],
        lead=row["lead"],
        helpers=codes(row["helpers"]),
        whistle_kind=row["kind"],
        squad_limit=step(row),
        reason=row["reason"],
    )
    for row in SHIPPED
]
CLASSES = [row["code"] for row in CATEGORIES if row["parent"]] + ["0199", "0599", "1399", "8801"]


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: f"{row['category']}-{row['township']}-{row['why']}")
def test_propose_golden(row):
    flags = {field: row[column] == "yes" for column, field in FLAGS.items()}
    facts = Facts(row["category"], row["category"][:2], row["township"], **flags)
    expected = Proposal(row["route"], row["lead"], codes(row["helpers"]), row["kind"], step(row))
    assert replace(propose(facts, ROWS), reasons=()) == expected


def test_golden_covers_every_route_kind_and_township():
    assert {row["route"] for row in GOLDEN} == set(Route)
    assert {row["kind"] for row in GOLDEN} == {"", *Kind}
    assert {row["township"] for row in GOLDEN} <= TOWNSHIPS
    assert len({row["township"] for row in GOLDEN}) >= 14
    assert {row["category"][:2] for row in GOLDEN} >= {row["code"] for row in CATEGORIES if not row["parent"]}


# --- All combinations, against properties stated one by one -------------------------------------------------------


def combinations():
    """Every class in every township, urgent and not; and every combination of flags for some classes."""
    for category, township, urgent in product(CLASSES, sorted(TOWNSHIPS), (False, True)):
        yield Facts(category, category[:2], township, urgent=urgent)
    some = ("0201", "0301", "0407", "0709", "0713", "1003", "1209", "1211", "1212", "8801")
    for category, township, flags in product(
        some, ("330683001", "330683200"), product((False, True), repeat=len(FLAGS))
    ):
        yield Facts(category, category[:2], township, **dict(zip(FLAGS.values(), flags, strict=True)))


@pytest.fixture(scope="module")
def proposals():
    return [(facts, propose(facts, ROWS)) for facts in combinations()]


def test_what_does_not_belong_here_is_dismissed(proposals):
    assert all(found.route == Route.DISMISS for facts, found in proposals if facts.duplicate or facts.unreasonable)


def test_a_suspected_crime_goes_to_the_police_and_nowhere_else(proposals):
    of_crimes = [
        found for facts, found in proposals if facts.suspected_crime and not (facts.duplicate or facts.unreasonable)
    ]
    assert {(found.route, found.lead) for found in of_crimes} == {(Route.POLICE, "gaj")}


def test_an_enterprise_inspection_that_is_not_urgent_is_never_a_visit_of_its_own(proposals):
    routes = {found.route for facts, found in proposals if facts.involves_enterprise_inspection and not facts.urgent}
    assert routes == {Route.DISMISS, Route.POLICE, Route.SETTLE, Route.JOINT_INSPECTION}


def test_what_is_urgent_waits_for_no_joint_inspection_and_no_transfer(proposals):
    by_flags = [
        (facts, found)
        for facts, found in proposals
        if facts.urgent and (facts.involves_enterprise_inspection or facts.outside_duty)
    ]
    without = {
        facts: propose(replace(facts, involves_enterprise_inspection=False, outside_duty=False), ROWS)
        for facts, _ in by_flags
    }
    assert all(found == without[facts] for facts, found in by_flags)


def test_a_whistle_has_a_lead_a_kind_and_no_limit_of_the_squad(proposals):
    whistles = [found for _, found in proposals if found.route == Route.WHISTLE]
    assert all(found.lead in DEPARTMENTS and found.kind in set(Kind) and not found.squad_limit for found in whistles)


def test_an_urgent_whistle_is_urgent_or_an_emergency(proposals):
    kinds = {found.kind for facts, found in proposals if facts.urgent and found.route == Route.WHISTLE}
    assert kinds == {Kind.URGENT, Kind.EMERGENCY}


def test_only_the_squad_has_a_limit_and_only_a_whistle_a_kind(proposals):
    assert all(bool(found.squad_limit) == (found.route == Route.SQUAD) for _, found in proposals)
    assert all(bool(found.kind) == (found.route == Route.WHISTLE) for _, found in proposals)


def test_urgency_changes_the_kind_and_nothing_else(proposals):
    plain = [facts for facts, _ in proposals if not any(getattr(facts, name) for name in FLAGS.values())]
    for facts in plain:
        calm, hurried = propose(facts, ROWS), propose(replace(facts, urgent=True), ROWS)
        assert replace(hurried, kind="", reasons=()) == replace(calm, kind="", reasons=())


def test_the_lead_is_no_helper_and_no_helper_stands_twice(proposals):
    assert all(found.lead not in found.helpers for _, found in proposals)
    assert all(len(found.helpers) == len(set(found.helpers)) for _, found in proposals)


def test_every_proposal_says_why(proposals):
    assert all(found.reasons for _, found in proposals)
    assert all(reason and ";" not in reason for _, found in proposals for reason in found.reasons)


# --- Which row wins -----------------------------------------------------------------------------------------------

BY_RANK = [
    RoutingRow("0101", "330683100", "squad", reason="小类和镇街"),
    RoutingRow("0101", "", "squad", reason="小类"),
    RoutingRow("01", "330683100", "squad", reason="大类和镇街"),
    RoutingRow("01", "", "squad", reason="大类"),
    RoutingRow("", "330683100", "squad", reason="镇街"),
    RoutingRow("", "", "squad", reason="一般"),
]


@pytest.mark.parametrize("best", range(len(BY_RANK)))
def test_the_most_specific_row_wins_in_whatever_order_they_come(best):
    facts = Facts("0101", "01", "330683100")
    for rows in (BY_RANK[best:], BY_RANK[: best - 1 if best else None : -1]):
        assert BY_RANK[best].reason in propose(facts, rows).reasons


def test_rows_of_other_classes_and_townships_do_not_count():
    rows = [
        RoutingRow("0102", "", "whistle", "zfj", whistle_kind="routine"),
        RoutingRow("02", "", "whistle", "zfj", whistle_kind="routine"),
        RoutingRow("0101", "330683101", "whistle", "zfj", whistle_kind="routine"),
    ]
    found = propose(Facts("0101", "01", "330683100"), rows)
    assert (found.route, found.squad_limit) == (Route.SQUAD, None)
    assert "没有适用的分派规则" in found.reasons[0]


# --- The shipped rows ---------------------------------------------------------------------------------------------


def test_shipped_categories():
    found = {row["code"]: row for row in CATEGORIES}
    assert len(found) == len(CATEGORIES)
    assert len({row["name"] for row in CATEGORIES}) == len(CATEGORIES)
    for row in CATEGORIES:
        assert row["parent"] == (row["code"][:2] if len(row["code"]) == 4 else "")
        assert not row["parent"] or row["parent"] in found
        assert row["name"]
        assert len(row["name"]) <= 40
        assert len(row["keywords"]) <= 200


def test_shipped_routes():
    known = {row["code"] for row in CATEGORIES} | {""}
    keys = [(row["category"], row["township"]) for row in SHIPPED]
    assert len(keys) == len(set(keys))
    assert {row["code"] for row in CATEGORIES} <= {category for category, _ in keys}
    for row in SHIPPED:
        assert row["category"] in known
        assert row["township"] in TOWNSHIPS | {""}
        assert row["route"] in set(Route)
        assert {row["lead"], *codes(row["helpers"])} <= DEPARTMENTS | {""}
        assert row["squad_unit"] in {"", *Unit}
        assert row["reason"].startswith("建议：")
