"""The rows an installation starts from: complete, loaded once, and left alone when they are there."""

import csv
import time
from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command

from enforcement.models import Category, Limit, RoutingRule
from enforcement.rules.deadlines import SHIPPED_LIMITS, Step
from enforcement.services import reference
from enforcement.services.limit import SHIPPED_STEPS, steps_on
from townships.models import Unit
from townships.services.reference import load_units

DAY = date(2026, 11, 24)


@pytest.fixture
def loaded(db: None) -> dict[str, int]:
    load_units()
    return reference.load()


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((reference.FOLDER / name).read_text("utf-8").splitlines()))


def test_load_takes_every_row_of_the_files(loaded):
    assert loaded["事件类别"] == len(rows_of("categories.csv")) == Category.objects.count()
    assert loaded["分派规则"] == len(rows_of("routes.csv")) == RoutingRule.objects.count()
    assert loaded["办理时限"] == Limit.objects.count()


def test_load_twice_adds_nothing(loaded):
    assert set(reference.load().values()) == {0}


def test_load_leaves_what_administrators_changed(loaded):
    Category.objects.filter(code="0203").update(name="占道装卸")
    Limit.objects.filter(kind="emergency", step="sign").update(amount=20)
    RoutingRule.objects.filter(category__code="0203", township=None).update(reason="本地规定")
    reference.load()
    assert Category.objects.get(code="0203").name == "占道装卸"
    assert Limit.objects.get(kind="emergency", step="sign").amount == 20
    assert RoutingRule.objects.get(category__code="0203", township=None).reason == "本地规定"


def test_load_adds_only_what_is_missing(loaded):
    RoutingRule.objects.filter(category__code="0203").delete()
    missing = sum(row["category"] == "0203" for row in rows_of("routes.csv"))
    assert reference.load() == {"事件类别": 0, "办理时限": 0, "分派规则": missing}


def test_every_class_below_a_group_has_its_parent(loaded):
    assert not [c for c in Category.objects.select_related("parent") if len(c.code) != (4 if c.parent else 2)]
    assert not [c for c in Category.objects.select_related("parent") if c.parent and c.parent.code != c.code[:2]]


def test_there_is_a_route_for_whatever_has_no_route_of_its_own(loaded):
    assert RoutingRule.objects.on(DAY).filter(category=None, township=None).count() == 1


def test_every_route_that_whistles_names_a_department_and_a_kind(loaded):
    whistles = RoutingRule.objects.filter(route="whistle").select_related("lead").prefetch_related("helpers")
    assert not [rule for rule in whistles if not rule.lead or not rule.lead.is_department or not rule.kind]
    assert not [rule for rule in whistles if rule.lead in rule.helpers.all()]
    assert all(helper.is_department for rule in whistles for helper in rule.helpers.all())


def test_limits_are_the_shipped_ones(loaded):
    kinds = [*SHIPPED_LIMITS, "event", "event_urgent"]
    steps = steps_on(DAY, *kinds)
    assert {key: steps[key] for key in SHIPPED_STEPS} == SHIPPED_STEPS
    for kind, limits in SHIPPED_LIMITS.items():
        assert steps[kind, "sign"] == limits.sign
        assert steps[kind, "arrive"] == limits.arrive
        assert steps.get((kind, "report")) == limits.report
        assert steps[kind, "finish"] == limits.finish
    assert steps["all", "eval"] == Step("work_days", 3)
    assert steps["emergency", "confirm"] == Step("continuous_minutes", 120)


def test_every_limit_says_that_it_is_a_proposal_and_since_when(loaded):
    assert set(Limit.objects.values_list("reason", "valid_from")) == {("建议值，可调整", date(2026, 1, 1))}


def test_load_is_fast_and_asks_a_fixed_number_of_queries(db, django_assert_max_num_queries):
    load_units()
    start = time.perf_counter()
    with django_assert_max_num_queries(20):
        reference.load()
    assert time.perf_counter() - start < 1


def test_command_says_what_it_added(db):
    load_units()
    out = StringIO()
    call_command("load_enforcement_reference", stdout=out)
    assert out.getvalue().startswith("事件类别：新增 ")


def test_every_unit_named_is_a_department_or_a_township(loaded):
    named = {row["lead"] for row in rows_of("routes.csv")} | {
        code for row in rows_of("routes.csv") for code in row["helpers"].split(";")
    }
    units = Unit.objects.in_bulk(named - {""}, field_name="code")
    assert set(units) == named - {""}
    assert all(unit.is_department for unit in units.values())
