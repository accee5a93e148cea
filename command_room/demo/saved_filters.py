"""A few filters under a name: of a desk for all of it, and of one who works there."""

from uuid import UUID

from django.utils import timezone

from command_room.demo.cast import GANLIN, Cast
from command_room.models import SavedFilter
from townships.models import Unit

KEPT = (  # (list, name, query, account that keeps it, code of the unit that it is for)
    ("events", "紧急在办", "state=open&urgent=True", "ganlin-duty", GANLIN),
    ("events", "市场周边", "q=市场&state=open", "ganlin-duty", ""),
    ("whistles", "超期最久", "late=late&order=due", "ganlin-duty", GANLIN),
    ("dispatches", "主办待签收", "state=sent&is_lead=True", "scjg-liaison", "scjg"),
    ("escalations", "没办的红牌", "level=3&open=open", "zdb-officer", "zdb"),
)


def write(cast: Cast) -> None:
    units = Unit.objects.in_bulk(filter(None, {code for *_, code in KEPT}), field_name="code")
    SavedFilter.objects.bulk_create(
        SavedFilter(
            list=code,
            name=name,
            query=query,
            owner=None if whose else cast.people[account],
            unit=units[whose] if whose else None,
            made_by=cast.people[account],
            made_at=timezone.now(),
            request_id=UUID(int=place),
        )
        for place, (code, name, query, account, whose) in enumerate(KEPT, 1)
    )
