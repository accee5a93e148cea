"""What runs for a whistle or a dispatch, and where each department stands, in a word: for lists and cards.

Rows are mappings of values, as a list brings them; of a model instance it is `vars(instance)`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from enforcement.models import Dispatch, Whistle

Row = Mapping[str, Any]
WHISTLE_STATES = dict(Whistle.State.choices)
WHISTLE_KINDS = dict(Whistle.Kind.choices)
DISPATCH_STATES = dict(Dispatch.State.choices)
KIND_TONES = {"emergency": " urgent", "campaign": " blue"}
WHISTLE_TONES = {"submitted": " blue", "signing": " blue", "signed": " blue", "reported": " soon", "closed": " ok"}
DISPATCH_TONES = {
    "sent": " blue",
    "signed": " blue",
    "arrived": " blue",
    "rework": " soon",
    "reported": " ok",
    "closed": " ok",
}
WORDS = {
    "sent": "未签收", "signed": "已签收", "arrived": "已到场", "reported": "已反馈", "rework": "返工中", "closed": "已办结",
}  # fmt: skip
OWN = {"submitted": ("审核", "approve_due"), "reported": ("评价", "eval_due")}
PARTS = {"sent": ("签收", "sign_due"), "signed": ("到场", "arrive_due"), "rework": ("返工", "rework_due")}
FINISH = ("办结", "finish_due")
INTERIM = ("首报", "report_due")


class Clock(NamedTuple):
    """What runs now: what it is for, until when, and whether it was guessed."""

    label: str
    due: datetime | None
    is_provisional: bool


class Dot(NamedTuple):
    """A department on a whistle: `text` is its name and where it stands; `tone` is late, done or nothing."""

    text: str
    tone: str


PART_FIELDS = ("whistle_id", "state", "next_due", "report_due", "interim_at", "provisional", "department__short_name")


def dispatch_clock(part: Row) -> Clock:
    """The clock of the department's next act."""
    label, name = PARTS.get(part["state"], FINISH)
    if part["state"] == "arrived" and part["report_due"] and not part["interim_at"]:
        label, name = INTERIM
    return Clock(label, part["next_due"], name in part["provisional"])


def whistle_clock(whistle: Row, parts: Sequence[Row]) -> Clock:
    """The whistle's own clock, or that of the department whose turn comes first."""
    due = whistle["next_due"]
    label, name = OWN.get(whistle["state"], FINISH)
    if whistle["state"] not in OWN:
        first = next((part for part in parts if part["next_due"] and part["next_due"] == due), None)
        if first:
            return dispatch_clock(first)
    return Clock(label, due, name in whistle["provisional"])


def dot(part: Row, name: str, now: datetime) -> Dot:
    """`name` is the department's."""
    word = WORDS[part["state"]]
    if part["next_due"] is not None and part["next_due"] < now:
        return Dot(f"{name} {word} 超期", "late")
    return Dot(f"{name} {word}", "" if part["state"] == "sent" else "done")
