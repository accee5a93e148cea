"""The board of a township: a column a state, overdue first, and the numbers over them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from command_room.services.clock import turning
from command_room.services.worklist_act import page
from command_room.templatetags.look import SOON, tone_of
from enforcement.models import Event, Whistle
from enforcement.rules.escalation import Level
from enforcement.services.labels import KIND_TONES, NOT_BEGUN, WORDS, part_rows, whistle_clock
from enforcement.services.marks import NAMES, TONES, highest, late_whistles
from townships.models import Unit

COLUMN = 50
COUNTED = 2000  # open whistles of one township: beyond that the numbers say 2000+
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Lane:
    state: str
    title: str
    count: int
    slips: list[dict[str, Any]]

    @property
    def more(self) -> int:
        """How many there are that the column does not show."""
        return max(0, self.count - len(self.slips))


@dataclass(frozen=True)
class Board:
    lanes: list[Lane]
    open: int
    late: int
    soon: int
    yellow: int  # of the late ones: those marked yellow, and those marked red
    red: int
    to_accept: int  # events that wait for the desk
    until: datetime  # the first moment at which the clock alone makes something look different


def board(township: Unit, now: datetime) -> Board:
    """The columns and the numbers over them, in six queries."""
    cards = _cards(township.pk)
    parts = part_rows([card["id"] for card in cards])
    names = _names(cards)
    levels = highest(late_whistles([township.pk], now))
    slips: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for card in cards:
        slips[card["state"]].append(
            _slip(card, parts.get(card["id"], ()), names, now) | _mark(levels.get(card["id"], 0))
        )
    counts = _counts(township.pk, now)
    lanes = [
        Lane(state, Whistle.State(state).label, counts[state], slips[state])
        for state in Whistle.OPEN
        if counts[state] or state != Whistle.State.SUSPENDED  # rare: it has a column while there is one
    ]
    to_accept = Event.objects.filter(township=township, state__in=Event.TO_TRIAGE)[:COUNTED].count()
    clocks = [card["next_due"] for card in cards] + [part["next_due"] for some in parts.values() for part in some]
    until = turning(clocks, now)
    if any(lane.more for lane in lanes):
        until = min(until, now + MINUTE)  # what the columns do not show is counted over them all the same
    marks = Counter(levels.values())
    return Board(
        lanes, counts["open"], counts["late"], counts["soon"], marks[Level.YELLOW], marks[Level.RED], to_accept, until
    )


CARD_FIELDS = (
    "id", "number", "kind", "title", "state", "next_due", "sent_at", "approved_at", "departments", "provisional",
    "claimed_by__name",
)  # fmt: skip


def _cards(township_id: int) -> list[dict[str, Any]]:
    """At most COLUMN cards of each state, the earliest due first: an index scan a state, in one query."""
    open_ones = Whistle.objects.filter(by_unit_id=township_id)
    columns = [
        open_ones.filter(state=state).order_by("next_due").values(*CARD_FIELDS)[:COLUMN] for state in Whistle.OPEN
    ]
    first, *others = columns
    return sorted(first.union(*others, all=True), key=lambda card: card["next_due"])


def _names(cards: Iterable[dict[str, Any]]) -> dict[int, str]:
    """Names of the departments that whistles not yet approved ask for."""
    wanted = {pk for card in cards if card["state"] == "submitted" for pk in card["departments"]}
    return dict(Unit.objects.filter(pk__in=wanted).values_list("pk", "short_name")) if wanted else {}


def _counts(township_id: int, now: datetime) -> dict[str, int]:
    rows = Whistle.objects.filter(by_unit_id=township_id, state__in=Whistle.OPEN)[:COUNTED]
    return rows.aggregate(**tally(now))


def tally(now: datetime) -> dict[str, Count]:
    """What is counted of open whistles: each state, all, the late ones and those due soon."""
    return {
        **{state: Count("pk", filter=Q(state=state)) for state in Whistle.OPEN},
        "open": Count("pk"),
        "late": Count("pk", filter=Q(next_due__lt=now)),
        "soon": Count("pk", filter=Q(next_due__gte=now, next_due__lt=now + SOON)),
    }


def _slip(
    card: dict[str, Any], parts: Sequence[dict[str, Any]], names: dict[int, str], now: datetime
) -> dict[str, Any]:
    """What a card's template needs, as plain values: lookups in a dict are what Django's templates do fastest."""
    clock = whistle_clock(card, parts)
    asked = [(names.get(pk, ""), "", "") for pk in card["departments"]] if card["state"] == "submitted" else []
    serial = card["number"].split("-")
    return {
        "id": card["id"],
        "url": page("enforcement:whistle-detail", card["id"]),
        "tone": tone_of(card["next_due"], now),
        "changes": " ".join([card["state"], card["claimed_by__name"] or "", *(part["state"] for part in parts)]),
        "kind": Whistle.Kind(card["kind"]).label,
        "kind_tone": KIND_TONES.get(card["kind"], ""),
        "number": f"{serial[1][4:]}-{serial[2]}",
        "title": card["title"],
        "unconfirmed": card["sent_at"] is not None and card["approved_at"] is None,
        "claimed": card["claimed_by__name"] or "",
        "parts": asked or [_dot(part, now) for part in parts],
        "due": card["next_due"],
        "label": clock.label,
        "provisional": clock.is_provisional,
    }


def _mark(level: int) -> dict[str, str]:
    return {"mark": NAMES[level], "mark_tone": TONES[level]}


def _dot(part: dict[str, Any], now: datetime) -> tuple[str, str, str]:
    """(department, tone, words): grey while nothing is due soon and nobody has signed."""
    tone = tone_of(part["next_due"], now)
    if tone in ("ok", "idle"):
        tone = "" if part["state"] in NOT_BEGUN else "done"
    return part["department__short_name"], tone, WORDS[part["state"]]
