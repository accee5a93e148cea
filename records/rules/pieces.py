"""What of a typed query has to be found. The twin of the SQL functions `search_plain` and `search_pieces` (migration 0003_pieces).

A run of Chinese characters is cut into pairs, since a trigram index is blind to a word of two; a number or a Latin word
into threes, so that any three digits of it find it; one of two stands whole. A short number beside a Chinese character
is a piece with it, for house numbers: 街12 and 12号. Pieces narrow the rows down by an index;
whether they stand side by side, as they were typed, is looked up in the few rows that remain.
"""

import re
import unicodedata
from dataclasses import dataclass

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
RUN = re.compile(f"[{HAN}]+|[0-9a-z]+")
BESIDE = (re.compile(f"(?<![0-9a-z])[0-9a-z]{{1,4}}[{HAN}]"), re.compile(f"[{HAN}][0-9a-z]{{1,4}}(?![0-9a-z])"))
HAN_SIZE, LATIN_SIZE = 2, 3
MOST_TERMS = 5
MOST_LETTERS = 60


@dataclass(frozen=True)
class Term:
    """`text` as it is compared; `is_exact`: the pieces say it all, there is nothing to look up."""

    text: str
    pieces: tuple[str, ...]
    is_exact: bool


def plain(text: str) -> str:
    """Full-width letters and digits as narrow ones, capitals as small ones."""
    return unicodedata.normalize("NFKC", text.replace("\0", "")).lower()


def terms(query: str) -> list[Term]:
    """What was typed, blank by blank. Empty when nothing of it is long enough for the index."""
    found = [_term(word) for word in dict.fromkeys(plain(query)[:MOST_LETTERS].split()[:MOST_TERMS])]
    return found if any(term.pieces for term in found) else []


def _term(word: str) -> Term:
    runs = RUN.findall(word)
    found = [piece for run in runs for piece in _cut(run)] + [one for beside in BESIDE for one in beside.findall(word)]
    pieces = tuple(dict.fromkeys(found or [run for run in runs if run.isascii() and len(run) == LATIN_SIZE - 1]))
    return Term(word, pieces, is_exact=pieces == (word,))


def _cut(run: str) -> list[str]:
    """Of a number side by side, and its end: all that overlap would be asked for in vain, each is in most rows."""
    if run.isascii():
        last = len(run) - LATIN_SIZE
        return [run[at : at + LATIN_SIZE] for at in [*range(0, last, LATIN_SIZE), last]] if last >= 0 else []
    return [run[at : at + HAN_SIZE] for at in range(len(run) - HAN_SIZE + 1)]
