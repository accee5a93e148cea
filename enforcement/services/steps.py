"""Where a whistle, or one department's part of it, stands: what is done, what is on now and until when, what follows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from enforcement.models import Dispatch, Return, Whistle
from enforcement.rules.deadlines import assembled
from enforcement.services.labels import voice
from enforcement.services.limit import whistle_clocks
from enforcement.services.returns import return_of


@dataclass(frozen=True)
class Step:
    """One step: `at` when it was done, `due` by when it has to be. `state`: done, now or next."""

    name: str
    at: datetime | None = None
    due: datetime | None = None
    note: str = ""
    is_provisional: bool = False
    state: str = "next"

    @property
    def late_by(self) -> timedelta | None:
        """By how much it came late; None where it came in time or has not come yet."""
        return self.at - self.due if self.at and self.due and self.at > self.due else None


def dispatch_steps(dispatch: Dispatch) -> list[Step]:
    """The department's way, from the report to the township's confirmation."""
    way = [*_before(dispatch), *_return(dispatch)]
    if dispatch.state != Dispatch.State.RETURNED:
        way += [*_by_department(dispatch), _end(dispatch)]
    if dispatch.state in (Dispatch.State.RETURNING, Dispatch.State.ARBITRATION):
        way = _undecided(way)
    elif dispatch.state == Dispatch.State.SUSPENDED:
        way = _standing_still(way, dispatch.whistle)
    elif dispatch.state == Dispatch.State.WITHDRAWN:
        way = _withdrawn(way, dispatch.whistle)
    return _with_states(way, is_over=not dispatch.is_open)


def whistle_steps(whistle: Whistle, dispatches: Sequence[Dispatch]) -> list[Step]:
    """The whole whistle's way; a step of several departments is done when the last of them has done it."""
    submitted = Step("提交", at=whistle.submitted_at)
    if whistle.state == Whistle.State.REJECTED:
        steps = [submitted, Step("未批准", at=whistle.rejected_at, note=whistle.rejection)]
        return _with_states(steps, is_over=True)
    everybody = "各单位" if whistle.is_action else "部门"
    asked = [dispatch for dispatch in dispatches if dispatch.state != Dispatch.State.RETURNED]
    steps = [submitted, _approval(whistle), *_returns(dispatches), *_of_all(asked, everybody), _confirmation(whistle)]
    if whistle.state == Whistle.State.SUSPENDED:
        steps = _standing_still(steps, whistle)
    elif whistle.state == Whistle.State.WITHDRAWN:
        steps = _withdrawn(steps, whistle)
    return _with_states(steps, is_over=not whistle.is_open)


def _standing_still(steps: list[Step], whistle: Whistle) -> list[Step]:
    """What is left has no due time until the clocks go on."""
    pause = Step("挂账", due=whistle.resume_due, note="暂停计时，到期自动恢复")
    return [*_done(steps), pause, *(replace(step, due=None) for step in steps if step.at is None)]


def _undecided(steps: list[Step]) -> list[Step]:
    """Whose it is has to be decided first; what comes then is counted from there."""
    done, (now, *later) = _done(steps), [step for step in steps if step.at is None]
    return [*done, now, *(replace(step, due=None) for step in later)]


def _withdrawn(steps: list[Step], whistle: Whistle) -> list[Step]:
    return [*_done(steps), Step("撤哨", at=whistle.withdrawn_at, note=whistle.withdrawal)]


def _done(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.at is not None]


def _with_states(steps: list[Step], *, is_over: bool) -> list[Step]:
    """Everything with a time is done; the first without one is what is on now."""
    found, current = [], None if is_over else next((step for step in steps if step.at is None), None)
    for step in steps:
        state = "done" if step.at else "now" if step is current else "next"
        found.append(replace(step, state=state))
    return found


def _before(dispatch: Dispatch) -> Iterator[Step]:
    event, whistle = dispatch.event, dispatch.whistle
    if event:
        urgent = "紧急，" if event.is_urgent else ""
        yield Step("上报", at=event.reported_at, note=f"{urgent}来源：{event.get_source_display()}")
    leaders = voice(dispatch.by_unit).leaders
    note = f"{leaders}已批准"
    if whistle.kind == Whistle.Kind.EMERGENCY:
        note = f"应急哨先发后核，{_confirmed(whistle)}"
    yield Step("吹哨", at=dispatch.sent_at, note=note)


def _by_department(dispatch: Dispatch) -> Iterator[Step]:
    guessed = dispatch.provisional
    sign, arrive = dispatch.sign_due, dispatch.arrive_due
    row = return_of(dispatch)
    note = "退哨不成立，申请时即视同签收" if row and row.state == Return.State.UPHELD else ""
    yield Step("签收", at=dispatch.signed_at, due=sign, note=note, is_provisional="sign_due" in guessed)
    yield Step("到场", at=dispatch.arrived_at, due=arrive, is_provisional="arrive_due" in guessed)
    if dispatch.report_due and (dispatch.interim_at or not dispatch.reported_at):
        interim = Step("首报", at=dispatch.interim_at, due=dispatch.report_due)
        yield replace(interim, is_provisional="report_due" in guessed)
    first, finish = dispatch.first_reported_at, dispatch.finish_due
    note = "" if dispatch.is_lead else "协办只计签收和到场"
    yield Step("反馈", at=first, due=finish, note=note, is_provisional="finish_due" in guessed)
    if dispatch.rework_at:
        yield Step("退回返工", at=dispatch.rework_at, note=dispatch.rework_reason)
        again = dispatch.reported_at if dispatch.reported_at and dispatch.reported_at > dispatch.rework_at else None
        yield Step("再次反馈", at=again, due=dispatch.rework_due, is_provisional="rework_due" in guessed)


def _return(dispatch: Dispatch) -> Iterator[Step]:
    """What became of its return, where it was asked for."""
    row, leaders = return_of(dispatch), voice(dispatch.department).leaders
    if row is None:
        return
    yield Step("申请退哨", at=row.asked_at, due=dispatch.sign_due, note=row.get_ground_display())
    if row.state == Return.State.LEADER:
        yield Step(f"{leaders}同意", due=dispatch.return_due, is_provisional="return_due" in dispatch.provisional)
    if row.state == Return.State.DECLINED:
        yield Step(f"{leaders}不同意", at=row.leader_at)
    elif row.arb_at and row.state != Return.State.VOID:
        note = row.outcome if row.decided_at else ""
        guessed = "arb_due" in row.provisional
        yield Step("指导办仲裁", at=row.decided_at, due=row.arb_due, note=note, is_provisional=guessed)


def _end(dispatch: Dispatch) -> Step:
    note = f"{dispatch.stars} 星" if dispatch.stars else "未评价" if dispatch.is_unrated else ""
    if (appeal := dispatch.its_appeal) and appeal.is_struck:
        note = "评价不计"
    return Step(f"{voice(dispatch.by_unit).side}确认办结", at=dispatch.closed_at, note=note)


def _approval(whistle: Whistle) -> Step:
    if whistle.kind == Whistle.Kind.EMERGENCY:
        return Step("吹响，先发后核", at=whistle.sent_at, note=_confirmed(whistle))
    leaders, guessed = voice(whistle.by_unit).leaders, "approve_due" in whistle.provisional
    return Step(f"{leaders}审核", at=whistle.approved_at, due=whistle.approve_due, is_provisional=guessed)


def _returns(dispatches: Sequence[Dispatch]) -> Iterator[Step]:
    """One step for each department that has said that it is not its own: where that stands, or how it ended."""
    for dispatch in dispatches:
        row = return_of(dispatch)
        if row and row.state != Return.State.VOID:
            at = row.leader_at if row.state == Return.State.DECLINED else row.decided_at
            guessed = "return_due" in dispatch.provisional or "arb_due" in row.provisional
            yield Step(
                f"{dispatch.department}退哨",
                at=at,
                due=row.arb_due or dispatch.return_due,
                note=f"{row.get_ground_display()}。{row.outcome}",
                is_provisional=guessed,
            )


def _confirmed(whistle: Whistle) -> str:
    leaders = voice(whistle.by_unit).leaders
    if whistle.approved_at:
        return f"{leaders}已事后确认"
    return f"待{leaders}事后确认" if whistle.awaits_confirmation else "已撤哨，不用再事后确认"


def _of_all(dispatches: Sequence[Dispatch], everybody: str) -> Iterator[Step]:
    for name, did, due in (("签收", "signed_at", "sign_due"), ("到场", "arrived_at", "arrive_due")):
        missing = [dispatch for dispatch in dispatches if getattr(dispatch, did) is None]
        times = [getattr(dispatch, did) for dispatch in dispatches if getattr(dispatch, did)]
        is_over = bool(missing) and not any(dispatch.is_open for dispatch in missing)  # nobody is waited for any more
        waits = f"等{_names(missing)}" if missing and times else ""
        yield Step(
            f"{everybody}{name}",
            at=max(times) if times and not missing else None,
            due=None if is_over else max((getattr(dispatch, due) for dispatch in dispatches), default=None),
            note=f"{_names(missing)}未{name}" if is_over else waits,
            is_provisional=any(due in dispatch.provisional for dispatch in dispatches),
        )
    lead = next((dispatch for dispatch in dispatches if dispatch.is_lead), None)
    if lead is None:
        yield Step("主办反馈")
        return
    at, due = lead.reported_at, lead.current_finish_due
    note = "返工中" if lead.state == Dispatch.State.REWORK else ""
    guessed = "rework_due" if lead.rework_due else "finish_due"
    yield Step("主办反馈", at=None if note else at, due=due, note=note, is_provisional=guessed in lead.provisional)


def _confirmation(whistle: Whistle) -> Step:
    guessed = "eval_due" in whistle.provisional
    return Step("确认办结", at=whistle.closed_at, due=whistle.eval_due, is_provisional=guessed)


def _names(dispatches: Sequence[Dispatch]) -> str:
    return "、".join(str(dispatch.department) for dispatch in dispatches)


# --- before it is sent ----------------------------------------------------------------------------------------------
def forecast(kind: str, now: datetime, assemble_at: datetime | None = None) -> list[Step]:
    """The due times that a whistle of this kind would get if it were sent now, each with its limit in words."""
    clocks = whistle_clocks(kind, now)
    dues, guessed = assembled(*clocks.dues(now), assemble_at)
    limits = clocks.limits
    steps = [
        ("签收", dues.sign_due, limits.sign, "sign_due"),
        ("到场", dues.arrive_due, "集合时间" if dues.arrive_due == assemble_at else limits.arrive, "arrive_due"),
        ("首报", dues.report_due, limits.report, "report_due"),
        ("办结", dues.finish_due, limits.finish, "finish_due"),
    ]
    return [
        Step(name, due=due, note=str(limit), is_provisional=key in guessed) for name, due, limit, key in steps if due
    ]
