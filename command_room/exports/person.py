"""通讯录's people as a file. A mobile leaves the database only for whoever sees it on the page."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, OuterRef, QuerySet, Value, When
from django.db.models.functions import Coalesce, JSONObject, NullIf
from django.http import QueryDict

from command_room.filters.contact import PersonFilter
from command_room.permissions import can_export_contacts
from command_room.services import contact as contacts
from enforcement.exports.table import Listing, Names, Row
from enforcement.filters.asked import Asked, Asker
from records.services.spreadsheet import Cell, Column
from townships.models import Post, Role, User, mobile_sight

ROLES, RANKS = dict(Role.choices), dict(Post.Rank.choices)


def asked(user: Any, query: QueryDict) -> Asked:
    return Asked(PersonFilter(query or None, listed(user), request=Asker(user, query)))


def listed(user: Any) -> QuerySet[User]:
    """The page's people, each with the posts that this person may look up: one query, however many they are."""
    posts = Post.objects.visible_to(user).filter(user=OuterRef("pk")).order_by("rank", "id")
    phone = Coalesce(NullIf("unit__phone", Value("")), "unit__parent__phone", Value(""))
    held = posts.values(one=JSONObject(unit="unit_id", role="role", rank="rank", phone=phone))
    mobile = Case(When(mobile_sight(user), then=F("mobile")), default=Value(""))
    return contacts.people(user).annotate(held=ArraySubquery(held), shown_mobile=mobile)


def line(row: Row, names: Names) -> list[Cell]:
    held = row["held"]
    return [
        row["name"] or row["username"],
        "、".join(_post(post, names) for post in held),
        row["shown_mobile"],
        "、".join(dict.fromkeys(post["phone"] for post in held if post["phone"])),
    ]


def _post(post: Row, names: Names) -> str:
    rank = "" if post["rank"] == Post.Rank.MAIN else f"（{RANKS[post['rank']]}）"
    return f"{names.units[post['unit']]}·{ROLES[post['role']]}{rank}"


PEOPLE = Listing(
    code="person",
    title="人员",
    address="command_room:person-list",
    asked=asked,
    may=can_export_contacts,
    fields=("name", "username", "held", "shown_mobile"),
    columns=(Column("姓名", 12), Column("岗位", 40), Column("手机", 16), Column("单位电话", 24)),
    line=line,
)
