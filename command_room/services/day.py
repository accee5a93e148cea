"""The numbers of the day that no column shows, and what a township has to mind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Avg, Count, F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from command_room.services.clock import midnight
from command_room.templatetags.look import HOUR, span
from enforcement.models import Dispatch, Whistle
from townships import people
from townships.models import CalendarYear, Unit
from townships.people import Place

REACH = 60  # days: no limit of a whistle reaches further
COUNTED = 2000


@dataclass(frozen=True)
class Arrivals:
    """How long departments took from the sending to the arrival, those that arrived since Monday; None for none."""

    average: timedelta | None
    n: int

    @property
    def words(self) -> str:
        """To the minute below an hour, above it to the tenth of an hour."""
        if self.average is None:
            return ""
        hours = self.average.total_seconds() / HOUR
        return span(self.average.total_seconds()) if hours < 1 else f"{hours:.1f} 小时"


@dataclass(frozen=True)
class Finished:
    """Whistles closed this month, and how many of them the lead had reported back in time."""

    on_time: int
    n: int

    @property
    def percent(self) -> int:
        return round(100 * self.on_time / self.n) if self.n else 0


def arrivals(township: Unit, now: datetime) -> Arrivals:
    """By the index on changed whistles: whoever arrived since Monday has changed the whistle since Monday."""
    monday = midnight(now) - timedelta(days=timezone.localtime(now).weekday())
    rows = Dispatch.objects.filter(
        whistle__by_unit=township, whistle__changed_at__gte=monday, arrived_at__gte=monday
    ).aggregate(average=Avg(F("arrived_at") - F("sent_at")), n=Count("pk"))
    return Arrivals(rows["average"], rows["n"])


def finished(township: Unit, now: datetime) -> Finished:
    """By the index on closed whistles. A rework counts by its own limit."""
    first = midnight(now).replace(day=1)
    limit = Coalesce("rework_due", "finish_due")
    rows = Dispatch.objects.filter(is_lead=True, whistle__by_unit=township, whistle__closed_at__gte=first)
    return Finished(**rows.aggregate(n=Count("pk"), on_time=Count("pk", filter=Q(reported_at__lte=limit))))


def to_mind(township: Unit, places: Sequence[Place], today: date) -> list[str]:
    """Sentences: certificates that end, places of the squad that are empty, due times that are provisional."""
    return [*_certificates(places), *_empty_places(places), *_provisional(township, today)]


def _certificates(places: Sequence[Place]) -> Iterator[str]:
    expiring = [place for place in places if place.needs_certificate and place.is_expiring]
    for place in sorted(expiring, key=lambda place: place.days_left or 0):
        who, days = place.member.get_slot_display(), place.days_left or 0
        yield f"{who}队员的执法证{f'已过期 {-days} 天' if days < 0 else f' {days} 天后到期' if days else '今天到期'}"


def _empty_places(places: Sequence[Place]) -> Iterator[str]:
    squad = people.completeness(places)
    if squad.missing:
        yield f"一支队伍 {squad.have}/{squad.of}，缺{'、'.join(squad.missing)}"


def _provisional(township: Unit, today: date) -> Iterator[str]:
    """Nothing to say while the years that due times reach into are loaded."""
    wanted = {today.year, (today + timedelta(days=REACH)).year}
    missing = wanted - set(CalendarYear.objects.filter(year__in=wanted).values_list("year", flat=True))
    if missing:
        rows = Whistle.objects.filter(by_unit=township, state__in=Whistle.OPEN).exclude(provisional=[])
        n = rows[:COUNTED].count()
        yield f"{'、'.join(map(str, sorted(missing)))} 年放假安排未导入" + (f"，{n} 张哨单的期限为暂定" if n else "")
