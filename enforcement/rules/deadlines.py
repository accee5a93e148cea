"""The clocks of a whistle (domain table D1): pure functions on naive Asia/Shanghai datetimes.

《浙江省综合行政执法条例》 art 17: a township may ask for enforcement assistance, and the organ asked gives it in time.
The law names no minutes: every number here is a shipped default, and the portal reads the rows that replace it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from townships.rules.worktime import Calendar, MissingYear, Span, Unit, add


class Kind(StrEnum):
    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE = "routine"
    CAMPAIGN = "campaign"


NAMES = MappingProxyType(
    {Kind.EMERGENCY: "应急哨", Kind.URGENT: "日常哨·急", Kind.ROUTINE: "日常哨", Kind.CAMPAIGN: "攻坚哨"}
)


@dataclass(frozen=True)
class Step:
    """A limit: how much of which unit. Its text is how people say it: 15 分钟, 24 小时, 4 个工作小时, 7 个工作日."""

    unit: str
    amount: int

    def __str__(self) -> str:
        unit = Unit(self.unit)
        if unit in HOUR_NAMES and self.amount % HOUR == 0:
            return f"{self.amount // HOUR} {HOUR_NAMES[unit]}"
        return f"{self.amount} {UNIT_NAMES[unit]}"


UNIT_NAMES = MappingProxyType(
    {
        Unit.CONTINUOUS_MINUTES: "分钟",
        Unit.WORK_MINUTES: "工作分钟",
        Unit.WORK_DAYS: "个工作日",
        Unit.CALENDAR_DAYS: "天",
    }
)
HOUR = 60
HOUR_NAMES = MappingProxyType({Unit.CONTINUOUS_MINUTES: "小时", Unit.WORK_MINUTES: "个工作小时"})


@dataclass(frozen=True)
class WhistleLimits:
    """The limits of one kind of whistle, all of them counted from the approval."""

    sign: Step
    arrive: Step
    report: Step | None
    finish: Step


@dataclass(frozen=True)
class Dues:
    sign_due: datetime
    arrive_due: datetime
    report_due: datetime | None
    finish_due: datetime
    eval_due: datetime
    reasons: tuple[str, ...]


def _minutes(amount: int) -> Step:
    return Step(Unit.CONTINUOUS_MINUTES, amount)


def _work_days(amount: int) -> Step:
    return Step(Unit.WORK_DAYS, amount)


SHIPPED_LIMITS: Mapping[str, WhistleLimits] = MappingProxyType(
    {
        Kind.EMERGENCY: WhistleLimits(_minutes(15), _minutes(30), _minutes(120), _minutes(1440)),
        Kind.URGENT: WhistleLimits(_minutes(60), _minutes(120), _work_days(1), _work_days(3)),
        Kind.ROUTINE: WhistleLimits(Step(Unit.WORK_MINUTES, 240), _work_days(1), None, _work_days(7)),
        Kind.CAMPAIGN: WhistleLimits(_work_days(1), _work_days(3), _work_days(5), _work_days(15)),
    }
)
SHIPPED_EVAL = _work_days(3)
AFTER_FINISH = ("finish_due", "eval_due")  # what may be counted from the finish


def whistle_dues(kind: str, sent_at: datetime, limits: WhistleLimits, eval_step: Step, cal: Calendar) -> Dues:
    """All due times of a whistle sent at `sent_at` (its approval). `eval_step` runs from finish_due.

    Raises MissingYear as soon as one of them needs a year that is not loaded.
    """
    return _dues(kind, sent_at, limits, eval_step, lambda _, start, step: add(start, step.unit, step.amount, cal))


def whistle_dues_or_provisional(
    kind: str,
    sent_at: datetime,
    limits: WhistleLimits,
    eval_step: Step,
    cal: Calendar,
    *,
    granted: Sequence[Step] = (),
    paused: Sequence[Span] = (),
) -> tuple[Dues, frozenset[str]]:
    """As `whistle_dues`, but a missing year stops nothing: the dues that needed it are computed on plain weekdays.

    Their field names are returned beside the dues. What is counted from a provisional time is provisional itself.
    `granted`: extensions, each counted from where the finish stood; `paused`: spans in which no clock has run.
    """
    provisional = set()
    plain = cal.provisional()

    def clock(name: str, start: datetime, step: Step) -> datetime:
        if name not in AFTER_FINISH or "finish_due" not in provisional:
            try:
                return add(start, step.unit, step.amount, cal, paused)
            except MissingYear:
                pass
        provisional.add(name)
        return add(start, step.unit, step.amount, plain, paused)

    return _dues(kind, sent_at, limits, eval_step, clock, granted=granted), frozenset(provisional)


def assembled(dues: Dues, provisional: frozenset[str], assemble_at: datetime | None) -> tuple[Dues, frozenset[str]]:
    """A joint action arrives when it assembles, where that is later than its kind's limit; such a time is never guessed.

    An interim report that would be due before anybody has to be there is not asked for.
    """
    if assemble_at is None or assemble_at <= dues.arrive_due:
        return dues, provisional
    report = dues.report_due if dues.report_due and dues.report_due > assemble_at else None
    moved = {"arrive_due"} if report else {"arrive_due", "report_due"}
    return replace(dues, arrive_due=assemble_at, report_due=report), provisional - moved


def extension_step(finish: Step) -> Step:
    """By how much an extension puts off the finish: half the number of its limit, rounded up, as for a rework."""
    return rework_step(finish)


def rework_step(finish: Step) -> Step:
    """The limit of a rework: half the number of the kind's finish limit, in its unit, rounded up."""
    return Step(finish.unit, (finish.amount + 1) // 2)


def _dues(
    kind: str,
    sent_at: datetime,
    limits: WhistleLimits,
    eval_step: Step,
    clock: Callable[[str, datetime, Step], datetime],
    *,
    granted: Sequence[Step] = (),
) -> Dues:
    finish_due = clock("finish_due", sent_at, limits.finish)
    for step in granted:
        finish_due = clock("finish_due", finish_due, step)
    return Dues(
        sign_due=clock("sign_due", sent_at, limits.sign),
        arrive_due=clock("arrive_due", sent_at, limits.arrive),
        report_due=clock("report_due", sent_at, limits.report) if limits.report else None,
        finish_due=finish_due,
        eval_due=clock("eval_due", finish_due, eval_step),
        reasons=tuple(_reasons(kind, limits, eval_step)),
    )


def _reasons(kind: str, limits: WhistleLimits, eval_step: Step) -> Iterator[str]:
    yield "部门应当及时支持镇街的执法协作请求（《浙江省综合行政执法条例》第17条）"
    report = f"{limits.report}内反馈进展、" if limits.report else ""
    yield f"{NAMES[Kind(kind)]}：自批准起 {limits.sign}内签收、{limits.arrive}内到场、{report}{limits.finish}内办结"
    units = {step.unit for step in (limits.sign, limits.arrive, limits.report, limits.finish) if step}
    if Unit.CONTINUOUS_MINUTES in units:
        yield "以分钟、小时计的连续计时，不分昼夜和节假日（《民法典》第201条）"
    if Unit.WORK_MINUTES in units:
        yield "工作小时只计工作日的工作时段"
    if Unit.WORK_DAYS in units:
        yield "工作日自次日起算，至末日24时届满（《民法典》第201条、第203条）"
    yield f"办结期限之后 {eval_step}内由镇街评价"
