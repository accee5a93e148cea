"""Units, squads and routes that need care."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.urls import reverse

from command_room.services.care_card import FEW, Card, Line, counted
from enforcement.models import Category, Dispatch, Event, RoutingRule
from townships.models import Post, Role, SquadMember, Unit, User
from townships.people import WARN_DAYS
from townships.rules import squad

MOST_NAMED = 3  # missing places of a squad


def liaisons(today: date) -> Card:
    held = Post.objects.active(today).filter(unit=OuterRef("pk"), role=Role.LIAISON)
    rows = Unit.objects.open_on(today).departments().filter(~Exists(held))
    number, few = counted(rows, "order", "code")
    add = reverse("admin:townships_post_add")
    lines = [Line(str(unit), "派单无人签收", f"{add}?unit={unit.pk}&role={Role.LIAISON}") for unit in few]
    link = f"{reverse('admin:townships_post_changelist')}?role__exact={Role.LIAISON}"
    return Card("没有在任联络员的部门", number, "个", lines, link, "去补联络员", "每个部门都有联络员", is_grave=True)


def closed_units(today: date) -> Card:
    """Units that have ended and still have something open: to be handed to their successors."""
    closed = Unit.objects.filter(valid_to__lt=today)
    events = Event.objects.filter(township__in=closed, state__in=Event.OPEN).values_list("township_id")
    dispatches = Dispatch.objects.filter(department__in=closed, state__in=Dispatch.OPEN).values_list("department_id")
    open_at: dict[int, int] = defaultdict(int)
    for unit_id, n in events.annotate(n=Count("pk")).union(dispatches.annotate(n=Count("pk")), all=True):
        open_at[unit_id] += n
    worst = sorted(open_at, key=lambda unit_id: -open_at[unit_id])[:FEW]
    units = Unit.objects.select_related("successor").in_bulk(worst)
    lines = [_closed(units[unit_id], open_at[unit_id]) for unit_id in worst]
    link = f"{reverse('admin:townships_unit_changelist')}?valid_to__isempty=0"
    return Card(
        "已停用但仍有未办结的机构", len(open_at), "个", lines, link, "查看", "停用的机构都已办结", is_grave=True
    )


def _closed(unit: Unit, number: int) -> Line:
    heir = f"，承接单位{unit.successor}" if unit.successor else "，未填承接单位"
    return Line(str(unit), f"{number} 件未办结{heir}", reverse("admin:townships_unit_change", args=[unit.pk]))


# --- squads ---------------------------------------------------------------------------------------------------------
def certificates(today: date) -> Card:
    """Of those who have to enforce, the one that is valid longest."""
    enforcing = SquadMember.objects.active(today).filter(position__in=SquadMember.ENFORCING).values("user_id")
    officers = Post.objects.active(today).filter(role=Role.OFFICER).values("user_id")
    people = User.objects.filter(Q(pk__in=enforcing) | Q(pk__in=officers), is_active=True)
    latest = people.annotate(until=Max("certificates__valid_to"))
    number, few = counted(latest.filter(until__lte=today + timedelta(days=WARN_DAYS)), "until", "username")
    lines = [Line(f"{user}（{user.username}）", _until(user.until, today), _certificates_of(user)) for user in few]
    link = reverse("admin:townships_certificate_changelist")
    return Card(f"{WARN_DAYS} 天内到期或已过期的执法证", number, "张", lines, link, "更新证件", "证件都在有效期内")


def _until(until: date, today: date) -> str:
    left = (until - today).days
    return f"已过期 {-left} 天" if left < 0 else "今天到期" if left == 0 else f"还有 {left} 天"


def _certificates_of(user: User) -> str:
    return f"{reverse('admin:townships_certificate_changelist')}?q={user.username}"


def squads(today: date) -> Card:
    """Townships whose squad lacks one of its ten places."""
    filled: dict[int, set[tuple[str, str]]] = defaultdict(set)
    members = SquadMember.objects.active(today).filter(user__is_active=True)
    for member in members.select_related("seconding_unit__parent"):
        filled[member.township_id].add((member.slot, member.sending_organ.code))
    lacking = []
    for township in Unit.objects.open_on(today).townships():
        whole = squad.completeness(filled[township.pk])
        if whole.missing:
            lacking.append((whole.have, township, whole))
    lacking.sort(key=lambda found: (found[0], found[1].order))
    changelist = reverse("admin:townships_squadmember_changelist")
    lines = [
        Line(f"{unit} {whole.have}/{whole.of}", _lacks(whole.missing), f"{changelist}?q={unit.short_name}")
        for _, unit, whole in lacking[:FEW]
    ]
    return Card("编成不完整的队伍", len(lacking), "支", lines, changelist, "去补人员", "每支队伍都齐了")


def _lacks(missing: Sequence[str]) -> str:
    more = f"等 {len(missing)} 个位置" if len(missing) > MOST_NAMED else ""
    return f"缺{'、'.join(missing[:MOST_NAMED])}{more}"


def routes(today: date) -> Card:
    """Classes for which no row of their own says where they go."""
    held = RoutingRule.objects.on(today).filter(Q(category=OuterRef("pk")) | Q(category=OuterRef("parent_id")))
    rows = Category.objects.filter(~Exists(held), is_active=True, parent__isnull=False)
    number, few = counted(rows, "code")
    add = reverse("admin:enforcement_routingrule_add")
    lines = [Line(f"{row.code} {row}", "按“其余”分派", f"{add}?category={row.pk}") for row in few]
    return Card("没有分派规则的类别", number, "类", lines, add, "新增规则", "每个类别都有分派规则")
