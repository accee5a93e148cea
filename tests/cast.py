"""The fixed cast of the tests: two townships, three departments and the guidance office, and who plays which part.

`cast` makes them all in a few queries; `client_for(person)` is that person's browser, signed in. The factories make
whoever else a test needs. Posts hold from 2025 on and have no end, so that a test may set the clock as it likes.
"""

from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from io import StringIO
from typing import Any

import factory
import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.test import Client

from tests.kept import Kept
from townships.entrance import begin
from townships.models import Certificate, Post, Role, Shift, SquadMember, Unit, User
from townships.services import holidays, reference

BEGINNING = ("units", "cast", "calendar", "rules")  # of the kept rows: what `cast` and `rules` put there
PASSWORD = "Jiahao-2026-demo"
SINCE = date(2025, 1, 1)
UPPER_REFERENCE = "load_enforcement_reference"


@lru_cache
def password_hash() -> str:
    return make_password(PASSWORD)


class UnitFactory(factory.django.DjangoModelFactory[Unit]):
    class Meta:
        model = Unit
        django_get_or_create = ("code",)

    code = factory.Sequence("unit-{}".format)
    name = factory.LazyAttribute(lambda unit: unit.short_name)
    short_name = factory.Sequence("第{}单位".format)
    kind = Unit.Kind.CITY_DEPT


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence("person-{}".format)
    name = factory.LazyAttribute(lambda user: f"演示{user.username}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.invalid")
    mobile = factory.Sequence("1380000{:04d}".format)
    password = factory.LazyFunction(password_hash)
    must_change_password = False


class PostFactory(factory.django.DjangoModelFactory[Post]):
    class Meta:
        model = Post

    user = factory.SubFactory(UserFactory)
    unit = factory.SubFactory(UnitFactory)
    role = Role.OFFICER
    valid_from = SINCE


class CertificateFactory(factory.django.DjangoModelFactory[Certificate]):
    class Meta:
        model = Certificate

    holder = factory.SubFactory(UserFactory)
    number = factory.Sequence("DEMO{:06d}".format)
    issuer = "演示发证机关"
    valid_from = SINCE
    valid_to = date(2029, 12, 31)


class SquadMemberFactory(factory.django.DjangoModelFactory[SquadMember]):
    class Meta:
        model = SquadMember

    township = factory.SubFactory(UnitFactory, kind=Unit.Kind.TOWN)
    user = factory.SubFactory(UserFactory)
    slot = SquadMember.Slot.OWN
    position = SquadMember.Position.OFFICER
    seconding_unit = factory.LazyAttribute(lambda member: member.township)
    valid_from = SINCE


class ShiftFactory(factory.django.DjangoModelFactory[Shift]):
    class Meta:
        model = Shift

    township = factory.SubFactory(UnitFactory, kind=Unit.Kind.TOWN)
    user = factory.SubFactory(UserFactory)
    day = date(2026, 11, 24)
    band = Shift.Band.EARLY
    starts_at = time(8)
    ends_at = time(16)


@dataclass(frozen=True)
class Cast:
    """Units and people by name; `stranger` has an account and no post."""

    ganlin: Unit
    changle: Unit
    scjg: Unit
    zrzy: Unit
    zfj: Unit
    zdb: Unit
    city: Unit
    ganlin_grid: Unit
    changle_grid: Unit
    zrzy_station: Unit  # a sub-unit of zrzy, tied to ganlin
    grid: User
    duty: User
    leader: User
    officer: User  # a certified officer of ganlin's squad
    changle_grid_member: User
    changle_duty: User
    changle_leader: User
    scjg_liaison: User
    scjg_leader: User
    scjg_officer: User  # at the department itself
    zrzy_liaison: User
    zrzy_leader: User
    zrzy_officer: User  # at zrzy_station, certified
    zfj_liaison: User
    zdb_officer: User
    bureau_admin: User
    auditor: User
    stranger: User


POSTS = {
    "grid": ("ganlin_grid", Role.GRID),
    "duty": ("ganlin", Role.DUTY),
    "leader": ("ganlin", Role.LEADER),
    "officer": ("ganlin", Role.OFFICER),
    "changle_grid_member": ("changle_grid", Role.GRID),
    "changle_duty": ("changle", Role.DUTY),
    "changle_leader": ("changle", Role.LEADER),
    "scjg_liaison": ("scjg", Role.LIAISON),
    "scjg_leader": ("scjg", Role.DEPT_LEADER),
    "scjg_officer": ("scjg", Role.OFFICER),
    "zrzy_liaison": ("zrzy", Role.LIAISON),
    "zrzy_leader": ("zrzy", Role.DEPT_LEADER),
    "zrzy_officer": ("zrzy_station", Role.OFFICER),
    "zfj_liaison": ("zfj", Role.LIAISON),
    "zdb_officer": ("zdb", Role.GUIDANCE),
    "bureau_admin": ("city", Role.ADMIN),
    "auditor": ("city", Role.AUDITOR),
}
CODES = {"ganlin": "330683100", "changle": "330683101", **{c: c for c in ("scjg", "zrzy", "zfj", "zdb", "city")}}


def playing_units() -> dict[str, Unit]:
    """The reference units that play, and two grids and a sub-unit made for it."""
    by_code = Unit.objects.in_bulk(CODES.values(), field_name="code")
    units = {name: by_code[code] for name, code in CODES.items()}
    children = {
        "ganlin_grid": Unit(code="330683100001", parent=units["ganlin"], kind="grid", short_name="甘霖第1网格"),
        "changle_grid": Unit(code="330683101001", parent=units["changle"], kind="grid", short_name="长乐第1网格"),
        "zrzy_station": Unit(code="zrzy-100", parent=units["zrzy"], kind="subunit", short_name="甘霖自然资源所"),
    }
    children["zrzy_station"].township = units["ganlin"]
    for unit in children.values():
        unit.name = unit.short_name
    Unit.objects.bulk_create(children.values())
    return {**units, **children}


def make_people(units: dict[str, Unit]) -> dict[str, User]:
    """An account for each part, with its post; the two officers on site have certificates."""
    people = {part: UserFactory.build(username=part.replace("_", "-")) for part in [*POSTS, "stranger"]}
    User.objects.bulk_create(people.values())
    Post.objects.bulk_create(
        Post(user=people[part], unit=units[unit], role=role, valid_from=SINCE) for part, (unit, role) in POSTS.items()
    )
    Certificate.objects.bulk_create(
        CertificateFactory.build(holder=people[part]) for part in ("officer", "zrzy_officer", "scjg_officer")
    )
    SquadMemberFactory(township=units["ganlin"], user=people["officer"], position=SquadMember.Position.CAPTAIN)
    return people


def make_cast() -> Cast:
    """The units are there."""
    units = playing_units()
    return Cast(**units, **make_people(units))


def make_calendar() -> None:
    """The holidays of 2026 and the shipped working hours; 2027 is missing, as in the last weeks of a real year."""
    holidays.load_shipped([2026])
    reference.load_hours()


def make_rules() -> None:
    call_command(UPPER_REFERENCE, stdout=StringIO())


@pytest.fixture(scope="session")
def kept_rows(django_db_setup: None, django_db_blocker: Any) -> Kept:
    with django_db_blocker.unblock():
        kept = Kept()
        kept.make("units", reference.load_units)
        kept.make("cast", make_cast, on=["units"])
        kept.make("calendar", make_calendar)
        kept.make("rules", make_rules, on=["units", "calendar"])
        kept.make("admin_rights", reference.load_admin_rights)
    return kept


@pytest.fixture
def reference_units(db: None, kept_rows: Kept) -> None:
    """The units that an installation starts with."""
    kept_rows.put("units")


@pytest.fixture
def cast(reference_units: None, kept_rows: Kept) -> Cast:
    return kept_rows.put("cast")


@pytest.fixture
def calendar_2026(db: None, kept_rows: Kept) -> None:
    """The holidays of 2026 and the shipped working hours; 2027 is missing, as in the last weeks of a real year."""
    kept_rows.put("calendar")


@pytest.fixture
def rules(reference_units: None, calendar_2026: None, kept_rows: Kept) -> None:
    """Categories, limits and routes as an installation starts with them, and the calendar of 2026."""
    kept_rows.put("rules")


@pytest.fixture
def admin_rights(db: None, kept_rows: Kept) -> None:
    kept_rows.put("admin_rights")


def client_for(user: User) -> Client:
    """A browser of its own, signed in as this person."""
    client, session = Client(), SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    begin(session)
    session.create()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client


@pytest.fixture
def committed_cast(transactional_db: None, cast: Cast, rules: None) -> Cast:
    """The cast, the calendar and the rules in a database that other processes and a live server see."""
    return cast
