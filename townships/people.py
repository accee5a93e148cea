"""Who holds which post today, and who can come now. Every function asks a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from townships.models import COMMAND_ROOM, Certificate, Post, Role, Shift, SquadMember, Unit, User
from townships.rules import squad
from townships.rules.squad import Completeness

WARN_DAYS = 60
GOES_ON_SITE = (Role.OFFICER, Role.LIAISON, Role.DUTY)
STAND_INS: dict[str, Role] = {  # who may do the same
    Role.LIAISON: Role.DEPT_LEADER,
    Role.DUTY: Role.LEADER,
    Role.OFFICER: Role.DUTY,
}


# --- posts ----------------------------------------------------------------------------------------------------------
def holders(unit_ids: Iterable[int], roles: Collection[str], *, day: date | None = None) -> dict[int, list[User]]:
    """Unit id → who holds one of `roles` there on `day` (default today): main first, then backup, then deputies."""
    return _by_unit(Post.objects.active(day or timezone.localdate()).filter(unit_id__in=unit_ids, role__in=roles))


def _holding(wanted: Mapping[int, str]) -> dict[int, list[User]]:
    """Unit id → who holds today the one role that `wanted` names there, and not what it names elsewhere."""
    posts = Post.objects.active(timezone.localdate()).filter(unit_id__in=wanted, role__in=set(wanted.values()))
    pairs = (Q(unit_id=unit_id, role=role) for unit_id, role in wanted.items())
    return _by_unit(posts.filter(reduce(or_, pairs, Q()))) if wanted else {}


def _by_unit(posts: QuerySet[Post]) -> dict[int, list[User]]:
    found: dict[int, dict[int, User]] = defaultdict(dict)
    for post in posts.select_related("user").order_by("rank", "id"):
        found[post.unit_id].setdefault(post.user_id, post.user)
    return {unit_id: list(users.values()) for unit_id, users in found.items()}


def told(wanted: Mapping[int, str]) -> dict[int, list[User]]:
    """Unit id → who is told what waits there for the role that `wanted` names: whoever holds it today.

    Where nobody does, who may act instead; where they are missing too, the guidance office, which sees everything and
    can have a post filled. So nothing waits unheard of. One query where nobody is missing.
    """
    return told_and_missing(wanted)[0]


def told_and_missing(wanted: Mapping[int, str]) -> tuple[dict[int, list[User]], set[int]]:
    """As `told`; besides, the units where somebody else is told, because nobody holds the role."""
    found = _holding(wanted)
    missing = {unit_id: STAND_INS.get(role) for unit_id, role in wanted.items() if unit_id not in found}
    if instead := {unit_id: role for unit_id, role in missing.items() if role}:
        found |= told(instead)
    if missing.keys() - found.keys():
        found |= dict.fromkeys(missing.keys() - found.keys(), guidance_office())
    return found, set(missing)


def lacks_desk(unit: Unit) -> bool:
    """Nobody holds the post that speaks for it: what is sent there is heard by somebody else. One query."""
    return not _holding({unit.pk: desk_role(unit)})


def desk_role(unit: Unit) -> Role:
    """Who speaks for a unit: a township's duty officer, a department's liaison."""
    return Role.DUTY if unit.is_township else Role.LIAISON


def leader_role(unit: Unit) -> Role:
    return Role.LEADER if unit.is_township else Role.DEPT_LEADER


def desk(unit: Unit) -> list[User]:
    return told({unit.pk: desk_role(unit)})[unit.pk]


def leaders(unit: Unit) -> list[User]:
    role = leader_role(unit)
    return told({unit.pk: role})[unit.pk]


def guidance_office() -> list[User]:
    """Everybody who arbitrates and watches over the limits."""
    posts = Post.objects.active(timezone.localdate()).filter(role=Role.GUIDANCE).select_related("user")
    return [post.user for post in posts.order_by("rank", "id")]


def watchers() -> list[User]:
    """Every administrator and auditor: who hears of a new administrator, and of a second factor that was reset."""
    posts = Post.objects.active(timezone.localdate()).filter(role__in=(Role.ADMIN, Role.AUDITOR)).select_related("user")
    return list({post.user_id: post.user for post in posts.order_by("id")}.values())


def guidance_unit() -> Unit | None:
    """The guidance office itself: whose clock an arbitration is."""
    return Unit.objects.open_on(timezone.localdate()).filter(kind=Unit.Kind.GUIDANCE).order_by("order", "code").first()


def squad_officers(township: Unit) -> list[User]:
    return told({township.pk: Role.OFFICER})[township.pk]


def subunit_people(subunit: Unit) -> list[User]:
    """Everybody in a department's sub-unit: what is handed to it waits for any of them."""
    return holders([subunit.pk], Role.values).get(subunit.pk, [])


def subunits(department: Unit, asking: Unit) -> QuerySet[Unit]:
    """The department's open sub-units: those that are tied to the township that asks or to none, all for a department."""
    units = Unit.objects.open_on(timezone.localdate()).filter(parent=department, kind=Unit.Kind.SUBUNIT)
    return units.filter(Q(township=asking) | Q(township=None)) if asking.is_township else units


def officers_of(unit: Unit) -> QuerySet[User]:
    """Who may be named to go: officers and liaisons of the department and its sub-units, or of the one sub-unit; of a
    township the officers of its squad and the duty officers.

    A department's seconded officers are not among its own: they are under the township's command
    (浙江省综合行政执法条例 art 9).
    """
    posts = Post.objects.active(timezone.localdate()).filter(role__in=GOES_ON_SITE)
    posts = posts.filter(Q(unit=unit) | Q(unit__parent=unit, unit__kind=Unit.Kind.SUBUNIT))
    return User.objects.filter(pk__in=posts.values("user_id")).order_by("name", "username")


def officers_near(department: Unit, asking: Unit) -> QuerySet[User]:
    """The same people, those of the department's sub-unit that is tied to the township that asks first."""
    posts = Post.objects.active(timezone.localdate()).filter(
        user=OuterRef("pk"), role__in=GOES_ON_SITE, unit__parent=department, unit__township=asking
    )
    return officers_of(department).annotate(is_near=Exists(posts)).order_by("-is_near", "name", "username")


def schedulable(township: Unit, day: date) -> QuerySet[User]:
    """Who may be put on the rota: the township's own desk and officers, and its squad save the liaisons, who are not
    under its command.
    """
    posts = Post.objects.active(day).filter(unit=township, role__in=(*COMMAND_ROOM, Role.OFFICER))
    members = SquadMember.objects.active(day).filter(township=township).exclude(slot=SquadMember.Slot.LIAISON)
    wanted = Q(pk__in=posts.values("user_id")) | Q(pk__in=members.values("user_id"))
    return User.objects.filter(wanted, is_active=True).order_by("name", "username")


# --- the squad ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Place:
    """One member of a squad with what the page says of them."""

    member: SquadMember
    certificate: Certificate | None  # the one that is valid longest
    days_left: int | None  # of the certificate; negative when it has expired, None without one

    @property
    def is_certified(self) -> bool:
        return self.days_left is not None and self.days_left >= 0

    @property
    def is_expiring(self) -> bool:
        return self.days_left is not None and self.days_left <= WARN_DAYS

    @property
    def needs_certificate(self) -> bool:
        """Officers enforce; auxiliaries and liaisons of further departments do not (domain 1.3)."""
        return self.member.position in SquadMember.ENFORCING


def roster(township: Unit, day: date) -> list[Place]:
    """The squad on that day, in the order of its slots. Two queries."""
    members = list(
        SquadMember.objects.active(day)
        .filter(township=township, user__is_active=True)
        .select_related("user", "seconding_unit", "seconding_unit__parent")
        .by_slot()
    )
    certificates = latest_certificates([member.user_id for member in members])
    return [_place(member, certificates.get(member.user_id), day) for member in members]


def _place(member: SquadMember, certificate: Certificate | None, day: date) -> Place:
    return Place(member, certificate, (certificate.valid_to - day).days if certificate else None)


def latest_certificates(user_ids: Collection[int]) -> dict[int, Certificate]:
    """User id → the certificate that is valid longest. One query."""
    rows = Certificate.objects.filter(holder_id__in=user_ids).order_by("valid_to")
    return {row.holder_id: row for row in rows}


def completeness(places: Sequence[Place]) -> Completeness:
    """编成完整度 n/10 (domain 1.4), from a roster. No query."""
    return squad.completeness({(place.member.slot, place.member.sending_organ.code) for place in places})


# --- who can come now -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class OnDuty:
    """Somebody the command room can call now, and what it should know before calling."""

    user: User
    member: SquadMember | None  # None: on the rota without being in the squad
    certificate: Certificate | None
    shift: Shift | None  # None: in the squad and on post, but not on the rota now
    liaison_rank: str  # 主, 备, 代理 or nothing
    is_certified: bool

    @property
    def tel(self) -> str:
        return self.user.mobile

    @property
    def group(self) -> str:
        """How the list calls where they come from."""
        if self.member is None:
            return "指挥室"
        if self.member.slot == SquadMember.Slot.LIAISON:
            return f"{self.member.sending_organ}联络员"
        return "镇街执法队" if self.member.slot == SquadMember.Slot.OWN else f"{self.member.sending_organ}派驻"

    @property
    def can_come(self) -> bool:
        return self.member is None or self.member.status == SquadMember.Status.ON


def on_duty_now(township: Unit, now: datetime) -> list[OnDuty]:
    """Who is on the rota at this moment, shifts over midnight included, and the rest of the squad that is not on leave.

    On the rota and present first, then who is present, then who is out. Four queries.
    """
    day = timezone.localdate(now)
    shifts = {s.user_id: s for s in Shift.objects.covering(now).filter(township=township).select_related("user")}
    members = {place.member.user_id: place for place in roster(township, day)}
    ranks = _liaison_ranks(members.keys(), day)
    people = [
        _on_duty(shifts.get(user_id), members.get(user_id), ranks.get(user_id, ""))
        for user_id in dict.fromkeys([*members, *shifts])
    ]
    away = SquadMember.Status.LEAVE
    reachable = [p for p in people if p.member is None or p.member.status != away]
    return sorted(reachable, key=lambda p: (not (p.shift and p.can_come), not p.can_come))


def _on_duty(shift: Shift | None, place: Place | None, rank: str) -> OnDuty:
    return OnDuty(
        user=place.member.user if place else shift.user,  # type: ignore[union-attr]  # one of the two is there
        member=place.member if place else None,
        certificate=place.certificate if place else None,
        shift=shift,
        liaison_rank=rank,
        is_certified=place is not None and place.is_certified,
    )


def _liaison_ranks(user_ids: Collection[int], day: date) -> dict[int, str]:
    posts = Post.objects.active(day).filter(user_id__in=user_ids, role=Role.LIAISON).order_by("-rank")
    return {post.user_id: post.get_rank_display() for post in posts}
