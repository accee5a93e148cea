"""What a desk leaves open at the end of a shift: numbers, kinds, states and due times, the overdue first."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from command_room.services.worklist_act import page
from enforcement.models import Dispatch, Event, Whistle
from enforcement.services.labels import (
    CLOCKS,
    DISPATCH_STATES,
    WHISTLE_KINDS,
    WHISTLE_STATES,
    dispatch_clock,
    part_rows,
    whistle_clock,
)
from townships.models import Unit

KEPT = 100  # of each sort; the earliest due first
COUNTED = 2000
EVENT_STATES = dict(Event.State.choices)
AT_THE_DESK = (*Event.TO_TRIAGE, "squad")

Item = dict[str, Any]


def open_items(township: Unit, now: datetime) -> tuple[list[Item], dict[str, int]]:
    """(what is open as the note keeps it, how many there are of each sort and late). Seven queries."""
    events = Event.objects.filter(township=township, state__in=AT_THE_DESK)
    whistles = Whistle.objects.filter(by_unit=township, state__in=Whistle.OPEN)
    asked = Dispatch.objects.filter(department=township, state__in=Dispatch.IN_HAND)
    found = [*_events(events), *_whistles(whistles), *_asked(asked)]
    found.sort(key=lambda item: (item["due"] is None, item["due"] or now, item["number"]))
    counts = {"events": _count(events, now), "whistles": _count(whistles, now), "asked": _count(asked, now)}
    totals = {name: one["n"] for name, one in counts.items()}
    late = sum(one["late"] for one in counts.values())
    return [_kept(item, now) for item in found], {**totals, "late": late}


def titled(items: Sequence[Item], user: Any) -> list[Item]:
    """The items each with its title, where this person may see it now: the note itself keeps none. Three queries."""
    numbers = [item["number"] for item in items]
    of = (
        (Event, "title"),
        (Whistle, "title"),
        (Dispatch, "whistle__title"),
    )
    titles: dict[str, str] = {}
    for model, title in of:
        seen: Any = model.objects.visible_to(user)
        titles |= dict(seen.filter(number__in=numbers).values_list("number", title))
    return [{**item, "title": titles.get(item["number"], "")} for item in items]


def _kept(item: Item, now: datetime) -> Item:
    due = item["due"]
    return {**item, "due": due.isoformat() if due else None, "is_late": due is not None and due < now}


def _count(rows: Any, now: datetime) -> Mapping[str, int]:
    counted: Mapping[str, int] = rows[:COUNTED].aggregate(n=Count("pk"), late=Count("pk", filter=Q(next_due__lt=now)))
    return counted


def _events(rows: Any) -> Iterator[Item]:
    for row in _first(rows, "is_urgent", "category__name"):
        yield {
            "number": row["number"],
            "matter": f"紧急，{row['category__name']}" if row["is_urgent"] else row["category__name"],
            "state": EVENT_STATES[row["state"]],
            "label": CLOCKS["squad_due" if row["state"] == "squad" else "accept_due"],
            "due": row["next_due"],
            "link": page("enforcement:event-detail", row["id"]),
        }


def _whistles(rows: Any) -> Iterator[Item]:
    found = list(_first(rows, "kind", "provisional"))
    parts = part_rows([row["id"] for row in found])
    for row in found:
        yield {
            "number": row["number"],
            "matter": WHISTLE_KINDS[row["kind"]],
            "state": WHISTLE_STATES[row["state"]],
            "label": whistle_clock(row, parts.get(row["id"], ())).label,
            "due": row["next_due"],
            "link": page("enforcement:whistle-detail", row["id"]),
        }


def _asked(rows: Any) -> Iterator[Item]:
    """What other units' whistles ask of this township."""
    for row in _first(rows, "whistle__kind", "report_due", "interim_at", "provisional"):
        yield {
            "number": row["number"],
            "matter": WHISTLE_KINDS[row["whistle__kind"]],
            "state": DISPATCH_STATES[row["state"]],
            "label": dispatch_clock(row).label,
            "due": row["next_due"],
            "link": page("enforcement:dispatch-detail", row["id"]),
        }


def _first(rows: Any, *fields: str) -> list[dict[str, Any]]:
    return list(rows.order_by("next_due", "id").values("id", "number", "state", "next_due", *fields)[:KEPT])
