"""现在该我做的: every act that waits for this person's office and role, by due time, each with why it is here.

An act waits for an office; who took it up is shown and nothing more. Each role asks one to six queries, each by an
index and with a limit, whatever stands in the tables.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from command_room.services.clock import midnight, turning
from command_room.services.worklist_act import Act, common, event_tag, first, kind_tag, page
from command_room.services.worklist_appeal import appeals
from command_room.services.worklist_check import checks
from command_room.services.worklist_extension import extensions, second_extensions
from command_room.services.worklist_handover import handovers, unanswered
from command_room.services.worklist_returns import to_agree, to_decide
from command_room.services.worklist_suspension import suspensions
from command_room.templatetags.look import tone_of
from enforcement.models import Check, Dispatch, Event, Whistle
from enforcement.services.labels import CLOCKS, PART_FIELDS, dispatch_clock, whistle_clock
from townships.models import OVERSIGHT, Post, Role, Unit

SHOWN = 100
DAY, WEEK, MINUTE = timedelta(days=1), timedelta(days=7), timedelta(minutes=1)


def acts(user: Any, now: datetime, limit: int = SHOWN) -> list[Act]:
    """What waits for the post that `user` acts in: at most `limit` lines, earliest due first, without a due time last.

    A grid member gets the own reports, guidance office and auditors what is late in the whole city: to know, not to do.
    """
    post = user.acting
    if post is None:
        return []
    found = [act for part in _parts(post) for act in part(post, user, now, limit)]
    if post.role != Role.GRID:
        found.sort(key=lambda act: (not act.is_first, act.due is None, act.due or now))
    return found[:limit]


Part = Callable[[Post, Any, datetime, int], Iterable[Act]]


def _parts(post: Post) -> tuple[Part, ...]:
    return (IN_TOWNSHIP if post.unit.is_township else ELSEWHERE).get(post.role, ())


# --- the township ---------------------------------------------------------------------------------------------------
EVENT_FIELDS = (
    "id", "number", "title", "state", "is_urgent", "grid__short_name", "next_due", "provisional",
    "claimed_by_id", "claimed_by__name", "source", "category__name",
)  # fmt: skip
EVENT_ACTS = {  # state → verb, why it is here
    "reported": ("受理", "等指挥室核实，再定谁来办"),
    "verified": ("定去向", "已核实，等定去向：自办、交队伍还是吹哨"),
    "squad": ("看进展", "执法队没有按时办结，请看进展，或改为吹哨"),
}


def _to_accept(post: Post, user: Any, now: datetime, limit: int) -> Iterable[Act]:
    """Events that wait for the desk, and what the squad has let run over."""
    rows = Event.objects.filter(
        ~Q(state="squad") | Q(next_due__lt=now), township_id=post.unit_id, state__in=list(EVENT_ACTS)
    ).exclude(unanswered(now))
    return [_event_act(row, user, *EVENT_ACTS[row["state"]]) for row in first(rows, limit, EVENT_FIELDS)]


def _squad(post: Post, user: Any, _: datetime, limit: int) -> Iterable[Act]:
    rows = Event.objects.filter(township_id=post.unit_id, state="squad")
    why = "指挥室交执法队处置，办完请填结果"
    return [_event_act(row, user, "填结果", why) for row in first(rows, limit, EVENT_FIELDS)]


def _event_act(row: dict[str, Any], user: Any, verb: str, why: str, tone: str = "") -> Act:
    in_squad = row["state"] == "squad"
    return Act(
        verb=verb,
        title=row["title"],
        number=row["number"],
        **event_tag(row["category__name"], is_urgent=row["is_urgent"]),
        where=row["grid__short_name"] or Event.Source(row["source"]).label,
        why=why,
        label="处置" if in_squad else "受理",
        url=page("enforcement:event-detail", row["id"]),
        tone=tone,
        **common(row, user, "squad_due" if in_squad else "accept_due"),
    )


WHISTLE_FIELDS = (
    "id", "number", "title", "state", "kind", "event__grid__short_name", "next_due", "confirm_due", "provisional",
    "claimed_by_id", "claimed_by__name", "by_unit__short_name",
)  # fmt: skip


def _to_close(post: Post, user: Any, _: datetime, limit: int) -> Iterable[Act]:
    rows = Whistle.objects.filter(by_unit_id=post.unit_id, state="reported")
    why = "主办已反馈，请确认办结，不行就退回返工"
    return [_whistle_act(row, user, "确认", "eval_due", why) for row in first(rows, limit, WHISTLE_FIELDS)]


def _to_approve(post: Post, user: Any, _: datetime, limit: int) -> Iterable[Act]:
    rows = Whistle.objects.filter(by_unit_id=post.unit_id, state="submitted")
    why = "等您审核，批准以后才派出去、开始计时"
    return [_whistle_act(row, user, "审核", "approve_due", why) for row in first(rows, limit, WHISTLE_FIELDS)]


def _to_confirm(post: Post, user: Any, _: datetime, limit: int) -> Iterable[Act]:
    """Emergencies that went at once; one may be over before it is confirmed."""
    rows = Whistle.objects.filter(by_unit_id=post.unit_id, sent_at__isnull=False, approved_at=None)
    rows = rows.exclude(state="withdrawn")
    why = "应急哨已经先发出，等您事后确认"
    for row in rows.order_by("confirm_due").values(*WHISTLE_FIELDS)[:limit]:
        row["next_due"] = row["confirm_due"]
        yield _whistle_act(
            row, user, "事后确认", "confirm_due", why, post_to=page("enforcement:whistle-confirm", row["id"])
        )


def _whistle_act(row: dict[str, Any], user: Any, verb: str, clock: str, why: str, *, post_to: str = "") -> Act:
    return Act(
        verb=verb,
        title=row["title"],
        number=row["number"],
        **kind_tag(row["kind"]),
        where=row["event__grid__short_name"] or row["by_unit__short_name"],
        why=why,
        label=CLOCKS[clock],
        url=page("enforcement:whistle-detail", row["id"]),
        post_to=post_to,
        **common(row, user, clock),
    )


# --- whoever is asked ------------------------------------------------------------------------------------------------
DISPATCH_FIELDS = (
    "id", "number", "whistle__title", "state", "is_lead", "whistle__kind", "by_unit__short_name", "next_due",
    "report_due", "interim_at", "provisional", "claimed_by_id", "claimed_by__name",
)  # fmt: skip


def _dispatches(post: Post, user: Any, _: datetime, limit: int) -> Iterable[Act]:
    """The desk of a department, or of a township: all that is open; a sub-unit or an officer: what was given to them."""
    rows = Dispatch.objects.filter(department_id=post.organ_id, state__in=Dispatch.IN_HAND)
    if post.unit.kind == Unit.Kind.SUBUNIT:
        rows = rows.filter(Q(assigned_unit_id=post.unit_id) | Q(assigned_officer=user))
    elif post.role == Role.OFFICER:
        rows = rows.filter(assigned_officer=user)
    return [_dispatch_act(row, user) for row in first(rows, limit, DISPATCH_FIELDS)]


def _dispatch_act(row: dict[str, Any], user: Any) -> Act:
    clock = dispatch_clock(row).name
    verb, why = STEPS[clock]
    return Act(
        verb=verb,
        title=row["whistle__title"],
        number=row["number"],
        **kind_tag(row["whistle__kind"]),
        where=row["by_unit__short_name"],
        why=why if row["next_due"] else HELPER_WHY,
        label=CLOCKS[clock],
        url=page("enforcement:dispatch-detail", row["id"]),
        post_to=page("enforcement:dispatch-sign", row["id"]) if row["state"] == "sent" else "",
        **common(row, user, clock),
    )


STEPS = {  # the clock that runs → verb, why it is here
    "sign_due": ("签收", "等您签收，签收后吹哨的单位才知道谁来"),
    "arrive_due": ("报到", "已签收，等到场报到"),
    "report_due": ("首报", "已到场，先报一次进展"),
    "finish_due": ("反馈", "已到场，办完请反馈结果"),
    "rework_due": ("反馈", "退回返工，看过要求再反馈"),
}
HELPER_WHY = "协办，已到场；有情况就反馈，没有办结期限"


# --- to know, not to do -----------------------------------------------------------------------------------------------
REPORT_FIELDS = (
    *EVENT_FIELDS, "dismissal", "result", "merged_into__result", "merged_into__dismissal", "main_state", "whistle_state"
)  # fmt: skip
STANDS = {
    "reported": "等指挥室受理",
    "verified": "已核实，指挥室在安排由谁处置",
    "squad": "镇里执法队在处置",
}
WHISTLE_STANDS = {
    "submitted": "拟吹哨，等镇领导审核",
    "signing": "已吹哨，等部门签收",
    "signed": "部门已签收，等到场",
    "handling": "部门在处置",
    "reported": "部门已反馈，等镇里确认",
    "suspended": "条件还不具备，部门先不处置，到期自动继续",
}


def _own_reports(_: Post, user: Any, now: datetime, limit: int) -> Iterable[Act]:
    """A grid member's reports, newest first: those still open, and those that ended this week. Not what is to be checked.

    A merged one goes on as long as the one it was merged into.
    """
    goes_on = Q(state__in=Event.OPEN) | Q(merged_into__state__in=Event.OPEN)
    rows = Event.objects.filter(goes_on | Q(closed_at__gte=now - WEEK), reported_by=user)
    rows = rows.exclude(Exists(Check.objects.filter(event_id=OuterRef("pk"), asked_of=user, state=Check.State.ASKED)))
    rows = rows.annotate(main=Coalesce("merged_into_id", "pk"), main_state=F("merged_into__state"))
    whistle = Whistle.objects.filter(event_id=OuterRef("main"), state__in=Whistle.OPEN).values("state")
    rows = rows.annotate(whistle_state=Subquery(whistle[:1]))
    return [_report_act(row, user) for row in rows.order_by("-id").values(*REPORT_FIELDS)[:limit]]


ENDS = ("result", "dismissal")


def _report_act(row: dict[str, Any], user: Any) -> Act:
    if row["main_state"]:
        row = {**row, "state": row["main_state"], **{name: row[f"merged_into__{name}"] for name in ENDS}}
    stands = WHISTLE_STANDS.get(row["whistle_state"]) or STANDS.get(row["state"]) or row["result"]
    if row["dismissal"]:
        stands = f"不予受理：{Event.Dismissal(row['dismissal']).label}。{row['result']}"
    if row["main_state"]:
        stands = f"与同样的上报并在一起办：{stands}"
    return _event_act({**row, "claimed_by_id": None}, user, "", stands, tone="idle")


def _late_everywhere(_: Post, user: Any, now: datetime, limit: int) -> Iterable[Act]:
    """Whistles whose clock has run out, in the whole city, and whom they wait for. Three queries."""
    organs = list(Unit.objects.organs().values_list("pk", flat=True))  # named, so that the index on them serves
    late = Whistle.objects.filter(by_unit_id__in=organs, state__in=Whistle.OPEN, next_due__lt=now)
    rows = list(first(late, limit, WHISTLE_FIELDS))
    waiting = Dispatch.objects.filter(whistle_id__in=[row["id"] for row in rows], next_due__lt=now)
    parts: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for part in waiting.order_by("id").values(*PART_FIELDS):
        parts[part["whistle_id"]].append(part)
    return [_late_act(row, user, parts[row["id"]], now) for row in rows]


def _late_act(row: dict[str, Any], user: Any, parts: Sequence[dict[str, Any]], now: datetime) -> Act:
    late = dict.fromkeys(_whom(part) for part in parts if part["next_due"] and part["next_due"] < now)
    own = {"submitted": "领导审核", "reported": "评价", "suspended": "恢复"}.get(row["state"])
    whom = f"{row['by_unit__short_name']}{own}" if own else "、".join(late)
    clock = whistle_clock(row, parts).name
    row = {**row, "event__grid__short_name": "", "claimed_by_id": None}
    return _whistle_act(row, user, "", clock, f"{Whistle.State(row['state']).label}，等{whom}")


def _whom(part: dict[str, Any]) -> str:
    """Who keeps a department's part waiting."""
    name: str = part["department__short_name"]
    return {"returning": f"{name}领导答复退哨", "arbitration": "指导办裁定退哨"}.get(part["state"], name)


# --- what each role's list is made of -----------------------------------------------------------------------------------
IN_TOWNSHIP: dict[str, tuple[Part, ...]] = {
    Role.DUTY: (_to_accept, _to_close, extensions, handovers, _dispatches),
    Role.LEADER: (_to_approve, _to_confirm, suspensions, to_agree),
    Role.OFFICER: (_squad, _dispatches),
}
ELSEWHERE: dict[str, tuple[Part, ...]] = {
    Role.LIAISON: (_dispatches, _to_close, extensions),
    Role.DEPT_LEADER: (_dispatches, _to_approve, _to_confirm, suspensions, to_agree),
    Role.OFFICER: (_dispatches,),
    Role.GRID: (checks, _own_reports),
    Role.GUIDANCE: (to_decide, second_extensions, appeals, _late_everywhere),
    Role.AUDITOR: (_late_everywhere,),
}


# --- shown in parts -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Segment:
    code: str
    title: str
    acts: list[tuple[str, Act]]  # (tone, act)


def segments(found: Sequence[Act], now: datetime, role: str) -> list[Segment]:
    """现在 (late, or due within two hours), 今天, 全部; where there is only something to know: what is open, what ended."""
    toned = [(act.tone or tone_of(act.due, now), act) for act in found]
    if role == Role.GRID:
        over = ("settled", "dismissed")
        return [
            Segment("open", "在办", [pair for pair in toned if pair[1].state not in over]),
            Segment("ended", "一周内办结", [pair for pair in toned if pair[1].state in over]),
        ]
    if role in OVERSIGHT:
        to_know = Segment("late", "超期未办", [pair for pair in toned if not pair[1].verb])
        to_do = Segment("todo", "等您裁定", [pair for pair in toned if pair[1].verb])
        return [to_do, to_know] if role == Role.GUIDANCE else [to_know]
    tonight = midnight(now) + DAY
    return [
        Segment("now", "现在", [pair for pair in toned if pair[0] in ("late", "soon")]),
        Segment("today", "今天", [pair for pair in toned if pair[1].due and pair[1].due < tonight]),
        Segment("all", "全部", toned),
    ]


def first_filled(parts: Sequence[Segment]) -> Segment:
    """The first that has something; the last if none has."""
    return next((part for part in parts if part.acts), parts[-1])


def until(found: Sequence[Act], now: datetime, role: str) -> datetime:
    """Up to when the clock alone leaves this list as it is. A desk looks every minute whether a squad has become late."""
    turns = turning((act.due for act in found), now)
    return min(turns, now + MINUTE) if role == Role.DUTY else turns
