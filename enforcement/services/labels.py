"""Which clock of a whistle or a dispatch runs, and how kinds and states are called and coloured: for lists and cards.

Rows are mappings of values, as a list brings them; of a model instance it is `vars(instance)`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from enforcement.models import Dispatch, Whistle
from enforcement.rules import clocks
from townships.models import Unit

Row = Mapping[str, Any]
WHISTLE_STATES = dict(Whistle.State.choices)
WHISTLE_KINDS = dict(Whistle.Kind.choices)
DISPATCH_STATES = dict(Dispatch.State.choices)
KIND_TONES = {"emergency": "urgent", "campaign": "blue"}
WHISTLE_TONES = {
    "submitted": "blue", "signing": "blue", "signed": "blue", "reported": "soon", "suspended": "soon", "closed": "ok",
}  # fmt: skip
DISPATCH_TONES = {
    "sent": "blue", "signed": "blue", "arrived": "blue", "rework": "soon", "reported": "ok", "closed": "ok",
    "returning": "soon", "arbitration": "soon", "suspended": "soon", "returned": "", "withdrawn": "",
}  # fmt: skip
WORDS = {**DISPATCH_STATES, "sent": "未签收"}  # where a department stands, as others see it
NOT_BEGUN = ("sent", "returning", "arbitration", "returned", "withdrawn", "suspended")
CLOCKS = {
    "accept_due": "受理",
    "squad_due": "处置",
    "approve_due": "审核",
    "confirm_due": "事后确认",
    "sign_due": "签收",
    "arrive_due": "到场",
    "report_due": "首报",
    "finish_due": "办结",
    "rework_due": "返工",
    "eval_due": "评价",
    "return_due": "退哨答复",
    "resume_due": "恢复",
}
OWN = {"submitted": "approve_due", "reported": "eval_due", "suspended": "resume_due"}


def day_words(moment: datetime) -> str:
    """12 月 18 日, as the pages say it."""
    local = timezone.localtime(moment)
    return f"{local.month} 月 {local.day} 日"


def minute_words(moment: datetime) -> str:
    """12 月 18 日 23:59."""
    return f"{day_words(moment)} {timezone.localtime(moment):%H:%M}"


class Clock(NamedTuple):
    """What runs now: the field that holds it, until when, and whether it was guessed."""

    name: str
    due: datetime | None
    is_provisional: bool

    @property
    def label(self) -> str:
        return CLOCKS[self.name]


class Dot(NamedTuple):
    """A department on a whistle: `text` is its name and where it stands; `tone` is late, done or nothing."""

    text: str
    tone: str


class Voice(NamedTuple):
    """How a page calls the unit that whistles, who decides there and who answers for it."""

    side: str
    leaders: str
    desk: str


TOWNSHIP_VOICE = Voice("镇街", "镇领导", "指挥室")
DEPARTMENT_VOICE = Voice("吹哨部门", "部门领导", "联络员")


def voice(unit: Unit) -> Voice:
    return TOWNSHIP_VOICE if unit.is_township else DEPARTMENT_VOICE


def desk_word(unit: Unit) -> str:
    """Who speaks for a unit, in a sentence."""
    return voice(unit).desk


PART_FIELDS = (
    "whistle_id", "state", "next_due", "report_due", "interim_at", "provisional", "department__short_name",
    "signed_at", "arrived_at", "reported_at",
)  # fmt: skip


def part_rows(whistle_ids: Sequence[int]) -> defaultdict[int, list[dict[str, Any]]]:
    """Whistle id → the rows of whoever is asked still, in the order in which they were asked. One query."""
    found = defaultdict(list)
    rows = Dispatch.objects.filter(whistle_id__in=whistle_ids).exclude(state="returned").order_by("id")
    for row in rows.values(*PART_FIELDS):
        found[row["whistle_id"]].append(row)
    return found


def dispatch_clock(part: Row) -> Clock:
    """The clock of the department's next act. Of a suspended one, where a list brings it, when it goes on."""
    if part["state"] == "suspended":
        return Clock("resume_due", part.get("whistle__resume_due"), is_provisional=False)
    name = clocks.CLOCKS.get(part["state"], "finish_due")
    if part["state"] == "arrived" and part["report_due"] and not part["interim_at"]:
        name = "report_due"
    return Clock(name, part["next_due"], name in part["provisional"])


def whistle_clock(whistle: Row, parts: Sequence[Row]) -> Clock:
    """The whistle's own clock, or that of the department whose turn comes first."""
    name, due = OWN.get(whistle["state"]), whistle["next_due"]
    first = next((part for part in parts if part["next_due"] and part["next_due"] == due), None)
    if name is None and first:
        return dispatch_clock(first)
    name = name or "finish_due"
    return Clock(name, due, name in whistle["provisional"])


def part_word(part: Row) -> str:
    """Where a department stands, as others see it. A whistle's end does not make done what it had not done by then."""
    if part["state"] == "suspended":
        return f"挂账，此前{_before(part)}"
    if part["state"] != "closed" or part["reported_at"]:
        return WORDS[part["state"]]
    if part["arrived_at"]:
        return "已到场，未反馈"
    return "已签收，未到场" if part["signed_at"] else "未签收"


def _before(part: Row) -> str:
    """How far a department was when its clocks were stopped."""
    if part["reported_at"]:
        return WORDS["rework"]
    return WORDS["arrived" if part["arrived_at"] else "signed" if part["signed_at"] else "sent"]


def dot(part: Row, name: str, now: datetime) -> Dot:
    """`name` is the department's."""
    word = part_word(part)
    if part["next_due"] is not None and part["next_due"] < now:
        return Dot(f"{name} {word} 超期", "late")
    is_behind = part["state"] in NOT_BEGUN or (part["state"] == "closed" and not part["arrived_at"])
    return Dot(f"{name} {word}", "" if is_behind else "done")


def late_mark(at: datetime, limit: datetime | None) -> str:
    """What the timeline adds to an act that came after its limit; empty where it was in time or had none."""
    return "（超期）" if limit and at > limit else ""


def bureau_note(by: Any, *parties: Unit) -> str:
    """What is added to an arbitrator's decision where its own bureau is one of the two sides; empty where it is not."""
    post = by.acting
    bureau = post.unit.parent if post else None
    return f"（指导办设在{bureau}，{bureau}是当事一方）" if bureau in parties else ""
