"""Who lives in the demo: grids, sub-units, an account for every post, squads with certificates, and the rota.

Names say the post and nothing else; phone numbers are of one plainly artificial range, addresses of a domain that
cannot exist.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from random import Random

from django.contrib.auth.hashers import make_password

from townships.models import Certificate, Post, Role, Shift, SquadMember, Unit, User

SLUGS = {
    "330683001": "shanhu",
    "330683002": "sanjiang",
    "330683003": "lushan",
    "330683005": "pukou",
    "330683100": "ganlin",
    "330683101": "changle",
    "330683102": "chongren",
    "330683103": "huangze",
    "330683104": "sanjie",
    "330683105": "shihuang",
    "330683106": "gulai",
    "330683107": "xianyan",
    "330683108": "jinting",
    "330683110": "xiawang",
    "330683200": "guimen",
}
STATIONS = {
    "zfj": "综合执法中队",
    "zrzy": "自然资源所",
    "scjg": "市场监管所",
    "jtys": "交通执法中队",
    "gaj": "交警中队",
}
LEADER = "scjg"
GANLIN, CHANGLE, CHONGREN, GUIMEN = "330683100", "330683101", "330683102", "330683200"
GRIDS, GANLIN_GRIDS = 5, 12
NUMERALS = "一二三四五六七八九十"
SERVED_FOR = timedelta(days=400)
ROTA_DAYS = 14
NO_PASSWORD = make_password(None)


def numeral(n: int) -> str:
    """1 → 一, 12 → 十二."""
    return NUMERALS[n - 1] if n <= len(NUMERALS) else NUMERALS[-1] + NUMERALS[n - len(NUMERALS) - 1]


@dataclass
class Town:
    unit: Unit
    grids: list[tuple[Unit, User]] = field(default_factory=list)
    duty: list[User] = field(default_factory=list)
    leaders: list[User] = field(default_factory=list)
    officers: list[User] = field(default_factory=list)

    @property
    def slug(self) -> str:
        return SLUGS[self.unit.code]

    @property
    def stem(self) -> str:
        """The name without its kind: 甘霖."""
        return self.unit.short_name.removesuffix("街道").removesuffix("镇").removesuffix("乡")


@dataclass
class Department:
    unit: Unit
    liaisons: list[User] = field(default_factory=list)
    leaders: list[User] = field(default_factory=list)
    officers: list[User] = field(default_factory=list)
    stations: dict[int, tuple[Unit, list[User]]] = field(default_factory=dict)  # by the township's id

    @property
    def duty(self) -> list[User]:
        """Who speaks for it, as the duty officers do for a town."""
        return self.liaisons


class Cast:
    """Everybody, saved. `people` is by user name; each user acts in their first post."""

    def __init__(self, now: datetime, rng: Random) -> None:
        """`now` is naive local time."""
        self.now, self.today, self.rng = now, now.date(), rng
        self.towns = {unit.code: Town(unit) for unit in Unit.objects.townships().filter(code__in=SLUGS)}
        self.departments = {unit.code: Department(unit) for unit in Unit.objects.departments()}
        self.guidance: list[User] = []
        self.people: dict[str, User] = {}
        self.certified_until: dict[str, date] = {}  # by user name
        self.certificates: dict[str, Certificate] = {}  # by user name
        self._posts: list[Post] = []
        self._squad: list[SquadMember] = []
        self._serial = count(1)

    def settle(self) -> None:
        """Make and save them all."""
        self._units()
        self._habits()
        self._phones()
        for town in self.towns.values():
            self._town(town)
        for department in self.departments.values():
            self._department(department)
        self._city()
        for town in self.towns.values():
            self._squad_of(town)
        self._exceptions()
        self._save()

    def _habits(self) -> None:
        """One department wants its leader's yes before it returns a whistle."""
        unit = self.departments[LEADER].unit
        unit.return_needs_leader = True
        unit.save()

    def _phones(self) -> None:
        """A number for every desk, of a range that no exchange has."""
        units = [*(town.unit for town in self.towns.values()), *(one.unit for one in self.departments.values())]
        for place, unit in enumerate(units, 1):
            unit.phone = f"0575-0000{place:04d}"
        Unit.objects.bulk_update(units, ["phone"])

    def side(self, unit: Unit) -> Town | Department:
        """Whoever whistles, or is whistled for."""
        return self.towns[unit.code] if unit.is_township else self.departments[unit.code]

    # --- units ------------------------------------------------------------------------------------------------------
    def _units(self) -> None:
        children = []
        for town in self.towns.values():
            for n in range(1, (GANLIN_GRIDS if town.unit.code == GANLIN else GRIDS) + 1):
                code, name = f"{town.unit.code}{n:03d}", f"{town.stem}第{n}网格"
                children.append(Unit(code=code, name=name, short_name=name, kind=Unit.Kind.GRID, parent=town.unit))
            for code, suffix in STATIONS.items():
                parent, name = self.departments[code].unit, f"{town.stem}{suffix}"
                station = Unit(code=f"{code}-{town.slug}", name=name, short_name=name, parent=parent)
                station.kind, station.township = Unit.Kind.SUBUNIT, town.unit
                children.append(station)
        Unit.objects.bulk_create(children)
        self._children = {unit.code: unit for unit in children}

    # --- people -----------------------------------------------------------------------------------------------------
    def _person(self, username: str, name: str, unit: Unit, role: str, **post: str) -> User:
        """An account with its post; the first of a kind carries the bare name, the others a number."""
        serial = next(self._serial)
        user = User(
            username=username,
            name=name,
            mobile=f"1380000{serial:04d}",
            email=f"{username}@demo.invalid",
            home_unit=unit,
            password=NO_PASSWORD,
            must_change_password=False,
        )
        user.acting = Post(user=user, unit=unit, role=role, valid_from=self.today - SERVED_FOR, **post)
        self._posts.append(user.acting)
        self.people[username] = user
        return user

    def _several(self, username: str, label: str, unit: Unit, role: str, *, n: int) -> list[User]:
        return [
            self._person(username + (f"-{i}" if i > 1 else ""), f"{label}{numeral(i)}", unit, role)
            for i in range(1, n + 1)
        ]

    def _town(self, town: Town) -> None:
        unit, slug = town.unit, town.slug
        for n in range(1, (GANLIN_GRIDS if unit.code == GANLIN else GRIDS) + 1):
            grid = self._children[f"{unit.code}{n:03d}"]
            name = f"{unit}网格员{numeral(n)}"
            member = self._person(f"{slug}-grid" + (f"-{n}" if n > 1 else ""), name, grid, Role.GRID)
            town.grids.append((grid, member))
        town.duty = self._several(f"{slug}-duty", f"{unit}值班员", unit, Role.DUTY, n=3)
        town.leaders = self._several(f"{slug}-leader", f"{unit}领导", unit, Role.LEADER, n=2)

    def _department(self, department: Department) -> None:
        unit, code = department.unit, department.unit.code
        department.liaisons = self._several(f"{code}-liaison", f"{unit}联络员", unit, Role.LIAISON, n=2)
        department.liaisons[1].acting.rank = Post.Rank.BACKUP  # type: ignore[union-attr]
        department.leaders = self._several(f"{code}-leader", f"{unit}领导", unit, Role.DEPT_LEADER, n=1)
        if code in STATIONS:
            for town in self.towns.values():
                station = self._children[f"{code}-{town.slug}"]
                slug = code if town.unit.code == GANLIN else f"{code}-{town.slug}"
                people = self._several(f"{slug}-officer", f"{station}执法员", station, Role.OFFICER, n=2)
                department.stations[town.unit.pk] = (station, people)
        else:
            department.officers = self._several(f"{code}-officer", f"{unit}执法员", unit, Role.OFFICER, n=2)

    def _city(self) -> None:
        units = Unit.objects.in_bulk(["zdb", "city"], field_name="code")
        self.guidance = self._several("zdb-officer", "指导办人员", units["zdb"], Role.GUIDANCE, n=3)
        self._person("bureau-admin", "系统管理员一", units["city"], Role.ADMIN)
        self._person("auditor", "审计员一", units["city"], Role.AUDITOR)

    # --- squads -----------------------------------------------------------------------------------------------------
    def _squad_of(self, town: Town) -> None:
        """1+1+3+X: own staff, seconded officers, a liaison of each of five further departments (domain 1.3)."""
        slot, position = SquadMember.Slot, SquadMember.Position
        own = self._several(f"{town.slug}-own-officer", f"{town.unit}自有队员", town.unit, Role.OFFICER, n=3)
        places = zip(own, (position.CAPTAIN, position.OFFICER, position.AUXILIARY), strict=True)
        for user, place in places:
            self._join(town, user, slot.OWN, place, town.unit)
        for code, sent in (("zfj", slot.ZHZF), ("zrzy", slot.ZRZY), ("jtys", slot.JTYS), ("scjg", slot.SCJG)):
            if (town.unit.code, code) in {(GANLIN, "zrzy"), (GUIMEN, "jtys")}:
                continue
            station = self._children[f"{code}-{town.slug}"]
            username = f"{town.slug}-officer" if code == "zfj" else f"{town.slug}-{code}-seconded"
            user = self._person(username, f"{station}派驻队员", town.unit, Role.OFFICER)
            user.home_unit = station
            self._join(town, user, sent, position.VICE if code == "zfj" else position.OFFICER, station)
        for code in ("nyncj", "wgl", "wsjk", "yjgl", "sthj"):
            liaisons = self.departments[code].liaisons
            user = liaisons[len(self._squad) % len(liaisons)]
            self._join(town, user, slot.LIAISON, position.LIAISON, self.departments[code].unit)

    def _join(self, town: Town, user: User, slot: str, position: str, sent_by: Unit) -> None:
        since = self.today - SERVED_FOR
        member = SquadMember(township=town.unit, user=user, slot=slot, position=position, seconding_unit=sent_by)
        member.valid_from = since
        self._squad.append(member)
        if slot != SquadMember.Slot.LIAISON:
            town.officers.append(user)

    def _exceptions(self) -> None:
        """What a real town has besides: somebody out, somebody on leave, certificates that end, a deputy."""
        by_user = {member.user.username: member for member in self._squad if member.township.code == GANLIN}
        if time(8) <= self.now.time() < time(20):
            back = (self.now + timedelta(minutes=80)).replace(minute=30 if self.now.minute < 30 else 0)  # noqa: PLR2004
            by_user["ganlin-scjg-seconded"].status = SquadMember.Status.OUT
            by_user["ganlin-scjg-seconded"].status_note = f"预计 {back:%H:%M} 回"
        by_user["ganlin-own-officer-3"].status = SquadMember.Status.LEAVE
        ends = {
            "ganlin-scjg-seconded": 12,
            "ganlin-own-officer-2": -6,
            "changle-own-officer": 45,
            "chongren-officer": 33,
        }
        self.certified_until = {user: self.today + timedelta(days=days) for user, days in ends.items()}
        self._posts.append(
            Post(
                user=self.people["ganlin-leader"],
                unit=self.towns[GANLIN].unit,
                role=Role.DUTY,
                rank=Post.Rank.DEPUTY,
                deputy_for=self.people["ganlin-duty-3"],
                valid_from=self.today - timedelta(days=1),
                valid_to=self.today + timedelta(days=30),
            )
        )

    # --- saved ------------------------------------------------------------------------------------------------------
    def _save(self) -> None:
        User.objects.bulk_create(self.people.values())
        Post.objects.bulk_create(self._posts)
        SquadMember.objects.bulk_create(self._squad)
        enforcing = [member.user for member in self._squad if member.position in SquadMember.ENFORCING]
        for department in self.departments.values():
            enforcing += department.officers
            enforcing += [user for _, people in department.stations.values() for user in people]
        self.certificates = {user.username: self._certificate(n, user) for n, user in enumerate(enforcing, start=1)}
        Certificate.objects.bulk_create(self.certificates.values())
        Shift.objects.bulk_create(shift for town in self.towns.values() for shift in self._rota(town))

    def _certificate(self, n: int, user: User) -> Certificate:
        until = self.certified_until.get(user.username, self.today + timedelta(days=self.rng.randint(90, 1600)))
        since = until - timedelta(days=5 * 365)
        return Certificate(
            holder=user,
            number=f"DEMO{n:06d}",
            issuer="演示发证机关",
            domains="综合行政执法",
            valid_from=since,
            valid_to=until,
        )

    def _rota(self, town: Town) -> list[Shift]:
        """Two weeks either way: the desk round the clock, officers early and in the middle, a leader on call at night."""
        band, shifts = Shift.Band, []
        for offset in range(-ROTA_DAYS, ROTA_DAYS + 1):
            desk = [town.duty[(offset + i) % len(town.duty)] for i in range(3)]
            squad = [town.officers[(2 * offset + i) % len(town.officers)] for i in range(3)]
            on = [
                (band.EARLY, [desk[0], squad[0], squad[1]]),
                (band.MIDDLE, [desk[1], squad[2]]),
                (band.NIGHT, [desk[2]]),
                (band.DUTY, [town.leaders[offset % len(town.leaders)]]),
            ]
            shifts += [
                self._shift(town, user, self.today + timedelta(days=offset), name)
                for name, users in on
                for user in users
            ]
        return shifts

    @staticmethod
    def _shift(town: Town, user: User, day: date, band: str) -> Shift:
        starts_at, ends_at = Shift.HOURS[band]
        on_call = band == Shift.Band.DUTY
        return Shift(
            township=town.unit, user=user, day=day, band=band, starts_at=starts_at, ends_at=ends_at, is_on_call=on_call
        )
