"""评价: stars and tags on what a department did, for the department; words, for the guidance office alone.

Silence is not praise: where no stars were given until the whistle's `eval_due`, the pages say 未评价.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enforcement.models import Whistle


@dataclass(frozen=True)
class Rating:
    """What the whistling unit says of one department."""

    stars: int
    tags: Sequence[str] = ()
    text: str = ""

    def fields(self, by: Any) -> dict[str, Any]:
        """As they stand in the dispatch's row."""
        return {"stars": self.stars, "tags": sorted(set(self.tags)), "rating_text": self.text, "rated_by": by}


def is_too_late(whistle: Whistle, now: datetime) -> bool:
    """After `eval_due` a whistle can still be confirmed, and no stars are taken any more."""
    return whistle.eval_due is not None and now > whistle.eval_due
