"""The rows that tests begin with are the ones that the portal's services write, and each test has its own."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import models, transaction

from tests.cast import Cast, make_calendar, make_cast, make_rules
from tests.kept import Kept, keys_of_all_tables
from townships.models import Post, Unit, User
from townships.services import reference

OF_ITS_OWN = (
    models.DateTimeField,
    models.UUIDField,
    models.ForeignKey,
    models.AutoField,
)  # these differ from time to time
DRAWN = {"mobile", "number", "data", "target_id"}


def rows() -> Counter[tuple[Any, ...]]:
    """What stands in all tables, but for keys, moments and the numbers that the factories draw."""
    found: Counter[tuple[Any, ...]] = Counter()
    for model, keys in keys_of_all_tables().items():
        fields = {f.attname for f in model._meta.concrete_fields if not isinstance(f, OF_ITS_OWN)}
        names = sorted(fields - DRAWN)
        for row in model._base_manager.filter(pk__in=keys).values_list("pk", *names):
            found[model.__name__, *map(str, row[1:])] += 1
    return found


@pytest.mark.parametrize(
    ("name", "write", "on"),
    [
        ("units", reference.load_units, ()),
        ("cast", make_cast, ("units",)),
        ("calendar", make_calendar, ()),
        ("rules", make_rules, ("units", "calendar")),
        ("admin_rights", reference.load_admin_rights, ()),
    ],
)
def test_copies_are_what_the_services_write(
    db: None, kept_rows: Kept, name: str, write: Callable[[], Any], on: tuple[str, ...]
) -> None:
    for earlier in on:
        kept_rows.put(earlier)
    begun = rows()
    with transaction.atomic():
        write()
        written = rows()
        transaction.set_rollback(True)
    kept_rows.put(name)
    copied = rows()
    assert not copied - written
    assert not written - copied
    assert written != begun


def test_keys_are_never_given_again(cast: Cast) -> None:
    new = Unit.objects.create(code="new", name="新", short_name="新", kind="grid", parent=cast.ganlin)
    assert new.pk > cast.zrzy_station.pk
    assert User.objects.create(username="new").pk > User.objects.exclude(username="new").latest("pk").pk
    assert Post.objects.count() == Post.objects.values("pk").distinct().count()


def test_each_test_has_objects_of_its_own(cast: Cast, kept_rows: Kept) -> None:
    again = kept_rows.answer("cast")
    assert again == cast
    assert again.duty is not cast.duty
    assert again.ganlin_grid.parent is again.ganlin
