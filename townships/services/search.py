"""People and units by name, by its spelling or first letters, by account or code; people by a mobile that one may see."""

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Replace

from records.rules.pieces import plain
from townships.models import Unit, User

MOST_WORDS = 5
MOST_LETTERS = 40
LEAST_DIGITS = 4  # of a mobile; fewer are in too many
LETTERS = Replace("pinyin", Value(" "), Value(""))


def words_of(query: str) -> list[str]:
    return plain(query)[:MOST_LETTERS].split()[:MOST_WORDS]


def people(rows: QuerySet[User], query: str, mobiles: Q) -> QuerySet[User]:
    """Each word is found in one of them. `mobiles`: whose may be asked for."""
    found = rows.alias(letters=LETTERS)
    for word in words_of(query):
        named = Q(name__icontains=word) | Q(username__icontains=word) | _spelled(word)
        by_mobile = mobiles & Q(mobile__contains=word) if word.isdigit() and len(word) >= LEAST_DIGITS else Q(pk__in=[])
        found = found.filter(named | by_mobile)
    return found


def units(rows: QuerySet[Unit], query: str) -> QuerySet[Unit]:
    found = rows.alias(letters=LETTERS)
    for word in words_of(query):
        found = found.filter(
            Q(name__icontains=word) | Q(short_name__icontains=word) | Q(code__istartswith=word) | _spelled(word)
        )
    return found


def _spelled(word: str) -> Q:
    """By its first letters or the beginning of its spelling: zs and zhangs find 张三."""
    return Q(letters__startswith=word) | Q(initials__startswith=word) if word.isascii() else Q(pk__in=[])
