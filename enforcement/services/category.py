"""Finding an event's class: by code, by name, by what people call it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from enforcement.models import Category, Event

SHOWN = 8
USUAL = 5
LOOK_BACK = 200  # the township's newest events that say what is usual here


def groups() -> Sequence[Category]:
    """The 大类, in the order of their codes. One query."""
    return list(Category.objects.filter(is_active=True, parent=None))


def search(text: str) -> list[Category]:
    """The 小类 that fit, best first; all of a 大类 where its name or code is given; none for no words. One query."""
    words = text.split()
    if not words:
        return []
    found = [(score, category) for category in _classes() if (score := _score(category, words))]
    found.sort(key=lambda pair: (-pair[0], pair[1].code))
    if any(_names_group(category, text.strip()) for _, category in found):
        return [category for _, category in found]
    return [category for _, category in found[:SHOWN]]


def resolve(text: str) -> Category | None:
    """The one class that this text names: its code, its name, or the only one that it fits."""
    text = text.strip()
    found = search(text)
    exact = [category for category in found if text in (category.code, category.name, label(category))]
    return (exact or found)[0] if exact or len(found) == 1 else None


def usual(user: Any, township_id: int) -> list[Category]:
    """What this person reports most, filled up with what is usual in the township. Three queries."""
    own = _most_common(Event.objects.filter(reported_by=user))
    here = _most_common(Event.objects.filter(township_id=township_id))
    wanted = list(islice(dict.fromkeys([*own, *here]), USUAL))
    rows = Category.objects.filter(is_active=True, parent__isnull=False).in_bulk(wanted)
    return [rows[pk] for pk in wanted if pk in rows]


def label(category: Category) -> str:
    return f"{category.code} {category.name}"


def _classes() -> Iterable[Category]:
    return Category.objects.filter(is_active=True, parent__isnull=False).select_related("parent")


def _most_common(events: Any) -> list[int]:
    newest = events.order_by("-id").values_list("category_id", flat=True)[:LOOK_BACK]
    return [category_id for category_id, _ in Counter(newest).most_common(SHOWN)]


def _score(category: Category, words: Sequence[str]) -> int:
    """0 where one of the words says nothing about the class; a higher number is a better fit."""
    scores = [_word_score(category, word) for word in words]
    return min(scores) and sum(scores)


def _word_score(category: Category, word: str) -> int:
    group = category.parent.name if category.parent else ""
    if word in (category.code, category.name):
        return 100
    for place, score in ((category.name, 40), (category.keywords, 30), (group, 10)):
        if word in place:
            return score
    if word.isascii() and category.code.startswith(word):
        return 20
    # a phrase such as 路边摆摊卖水果: how many of its two-character pieces are known here
    known = f"{category.name} {category.keywords}"
    pieces = {word[i : i + 2] for i in range(len(word) - 1)}
    return sum(piece in known for piece in pieces)


def _names_group(category: Category, text: str) -> bool:
    return category.parent is not None and text in (category.parent.code, category.parent.name)
