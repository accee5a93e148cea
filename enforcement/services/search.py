"""Events, whistles and dispatches in which the words stand that were typed. Callers are in a table that nothing searches."""

from django.db.models import F, QuerySet

from enforcement.models import Dispatch, Event, Whistle
from records.models.pieces import Plain, Words
from records.services.search import find

OF_A_DISPATCH = Plain(
    F("number"), F("whistle__title"), F("whistle__area"), F("whistle__assemble_place"), Words("whistle__facts")
)


def events(rows: QuerySet[Event], query: str) -> QuerySet[Event]:
    """By number, number elsewhere, title, place and facts."""
    return find(rows, query)


def whistles(rows: QuerySet[Whistle], query: str) -> QuerySet[Whistle]:
    """By number, title, area and place to assemble, and facts."""
    return find(rows, query)


def dispatches(rows: QuerySet[Dispatch], query: str) -> QuerySet[Dispatch]:
    """By what its whistle says; by the number with its stroke, as it is printed, the one dispatch."""
    if "/" in query:
        return rows.filter(number=query.strip())
    return find(rows, query, via="whistle", text=OF_A_DISPATCH)
