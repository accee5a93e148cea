"""What was looked for, marked where it stands."""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

from records.rules.pieces import MOST_LETTERS, MOST_TERMS

register = template.Library()
BEFORE, LENGTH = 16, 60  # letters of a free text that are shown around a match


def words_in(query: str) -> list[str]:
    return sorted(query[:MOST_LETTERS].split()[:MOST_TERMS], key=len, reverse=True)


@register.filter
def marked(text: str, query: str) -> SafeString:
    """The text with every word of the query in <mark>."""
    words = words_in(query)
    if not words:
        return SafeString(escape(text))
    parts = re.split("(" + "|".join(map(re.escape, words)) + ")", text, flags=re.IGNORECASE)
    return SafeString(
        "".join(f"<mark>{escape(part)}</mark>" if at % 2 else escape(part) for at, part in enumerate(parts))
    )


@register.filter
def around(text: str, query: str) -> str:
    """The part of a free text in which the first of the words stands; empty where none does."""
    lowered = text.lower()
    found = [at for at in (lowered.find(word.lower()) for word in words_in(query)) if at >= 0]
    if not found:
        return ""
    start = max(0, min(found) - BEFORE)
    part = " ".join(text[start : start + LENGTH].split()).lstrip("。，；、：,.;")
    return f"{'…' if start else ''}{part}{'…' if start + LENGTH < len(text) else ''}"
