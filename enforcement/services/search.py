"""Events, whistles and dispatches in which the words stand that were typed. Callers are in a table that nothing searches."""

import re

from django.db.models import F, Q, QuerySet

from enforcement.models import Dispatch, Event, Whistle
from records.models.pieces import Plain, Words
from records.services.search import Wanted, find

OF_A_DISPATCH = Plain(
    F("number"), F("whistle__title"), F("whistle__area"), F("whistle__assemble_place"), Words("whistle__facts")
)
NUMBER = re.compile(r"([事哨]?)(\w+-\d{8}-\d{4,})(/\d+)?", re.ASCII)  # as it is printed; the kind may be left out


def events(rows: QuerySet[Event], wanted: Wanted) -> QuerySet[Event]:
    """By number, number elsewhere, title, place and facts."""
    whole = NUMBER.fullmatch(wanted.typed)
    if whole is None:
        return find(rows, wanted)
    return rows.filter(Q(number=f"事{whole[2]}") | Q(outside_number=wanted.typed))


def whistles(rows: QuerySet[Whistle], wanted: Wanted, *, within: Q | None = None) -> QuerySet[Whistle]:
    """By number, title, area and place to assemble, and facts. `within`: of the whistle, as `find` has it."""
    whole = NUMBER.fullmatch(wanted.typed)
    return rows.filter(number=f"哨{whole[2]}") if whole else find(rows, wanted, within=within)


def dispatches(rows: QuerySet[Dispatch], wanted: Wanted, *, within: Q | None = None) -> QuerySet[Dispatch]:
    """By what its whistle says; by the number with its stroke the one, without it all of that whistle. `within`: of the
    whistle, as `find` has it."""
    whole = NUMBER.fullmatch(wanted.typed)
    if whole is None:
        return find(rows, wanted, via="whistle", text=OF_A_DISPATCH, within=within)
    number = f"哨{whole[2]}"
    return rows.filter(number=number + whole[3]) if whole[3] else rows.filter(whistle__number=number)
