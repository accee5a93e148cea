"""An event's way in plain words, as its reporter reads it: what is done, what is on now and until when, what follows.

Offices, states and times only, so that whoever may see the event may read all of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from enforcement.models import Check, Dispatch, Event, Handover, Return, Whistle
from enforcement.services.returns import return_of
from enforcement.services.steps import Step


def milestones(
    event: Event,
    whistles: Sequence[Whistle],
    dispatches: Sequence[Dispatch],
    *,
    checks: Sequence[Check] = (),
    handovers: Sequence[Handover] = (),
) -> list[Step]:
    """Oldest first, the end last; the first that is not done is on now.

    `whistles`: all of the event's, the newest first, or of the one that it has been merged into; `dispatches`: all of
    theirs, with their departments; `checks` and `handovers` the newest first. No query.
    """
    whistle = whistles[0] if whistles and whistles[0].state != Whistle.State.REJECTED else None
    if whistle and whistle.state == Whistle.State.WITHDRAWN and whistle.sent_at is None:
        whistle = None
    parts = [dispatch for dispatch in dispatches if whistle and dispatch.whistle_id == whistle.pk]
    looked = [check for check in checks if whistle and check.whistle_id == whistle.pk]
    main = event.merged_into or event
    stones = [*_before(event, handovers), *_stones(main, whistle, parts, looked)]
    done = [replace(stone, state="done") for stone in stones if stone.at]
    left = [stone for stone in stones if not stone.at]
    return [*done, *(replace(stone, state="now") for stone in left[:1]), *left[1:]]


def _before(event: Event, handovers: Sequence[Handover]) -> Iterator[Step]:
    """The report, and how it came to whoever has it now."""
    urgent = "紧急，" if event.is_urgent else ""
    yield Step("上报", note=f"{urgent}{event.get_source_display()}", at=event.reported_at)
    for handover in reversed(handovers):
        if handover.state == Handover.State.ACCEPTED:
            yield Step("移交", note=f"{handover.from_township}移交{handover.to_township}", at=handover.decided_at)
    if event.merged_into:
        yield Step("并案", note="与另一件上报是同一件事，并在一起办", at=event.closed_at)


def _stones(
    event: Event, whistle: Whistle | None, parts: Sequence[Dispatch], checks: Sequence[Check]
) -> Iterator[Step]:
    if event.state == Event.State.DISMISSED:
        yield Step("不予受理", note=f"{event.get_dismissal_display()}。{event.result}", at=event.closed_at)
        return
    if event.verified_at:
        yield Step("受理", note="已核实", at=event.verified_at)
        yield from _handling(event, whistle, parts, checks)
    else:
        yield Step("受理", note="等镇街指挥室受理", **_clock(event, "accept_due"))
        yield Step("处置")
    yield Step("办结", note=event.result if event.closed_at else "", at=event.closed_at)


def _handling(
    event: Event, whistle: Whistle | None, parts: Sequence[Dispatch], checks: Sequence[Check]
) -> Iterator[Step]:
    if event.squad_at:
        yield Step("交镇街执法队", at=event.squad_at)
    if event.state == Event.State.SQUAD:
        yield Step("处置", note="执法队在处置", **_clock(event, "squad_due"))
    if whistle is not None:
        yield from _whistle(whistle, parts)
        yield from _judged(whistle, checks)
    if event.state == Event.State.VERIFIED:
        yield Step("处置", note="指挥室在安排由谁处置", **_clock(event, "accept_due"))


def _whistle(whistle: Whistle, dispatches: Sequence[Dispatch]) -> Iterator[Step]:
    kind = whistle.get_kind_display()
    if whistle.sent_at is None:
        yield Step("吹哨", note=f"{kind}，等镇街领导审核", **_clock(whistle, "approve_due"))
        return
    asked = [dispatch for dispatch in dispatches if dispatch.state != Dispatch.State.RETURNED]
    yield Step("吹哨", note=f"{kind}，请{_names(asked)}", at=whistle.sent_at)
    yield from _returns(dispatches)
    if whistle.state == Whistle.State.WITHDRAWN:
        yield Step("撤回", note="镇街撤回吹哨，另行安排", at=whistle.withdrawn_at)
        return
    if whistle.state == Whistle.State.SUSPENDED:
        yield Step("暂缓处置", note="条件还不具备，部门先不处置，到期自动继续", due=whistle.resume_due)
        yield Step("部门处置")
        return
    for name, did, due in (("部门签收", "signed_at", "sign_due"), ("部门到场", "arrived_at", "arrive_due")):
        yield _of_all(name, asked, did, due)
    yield _feedback(asked)


def _judged(whistle: Whistle, checks: Sequence[Check]) -> Iterator[Step]:
    """Looked at on the spot, where a grid member is asked to, and then the township's turn."""
    if checks and not checks[0].is_open:
        yield Step("网格员核查", note=checks[0].get_state_display(), at=checks[0].checked_at)
    elif checks:
        yield Step("网格员核查", due=checks[0].due, is_provisional=checks[0].is_provisional)
    if whistle.state == Whistle.State.REPORTED:
        yield Step("镇街确认", note="镇街在核查处置结果", **_clock(whistle, "eval_due"))


def _returns(dispatches: Sequence[Dispatch]) -> Iterator[Step]:
    """A department that says that it is not its own, until it is decided whose it is."""
    for dispatch in dispatches:
        row = return_of(dispatch)
        if row and row.state in Return.OPEN:
            note = f"{dispatch.department}认为不该由它办，在定由谁来"
            yield Step("部门退哨", note=note, **_clock(dispatch, "return_due"))
        elif row and row.decided_at:
            yield Step("部门退哨", note=f"{dispatch.department}：指导办裁定{row.outcome}", at=row.decided_at)


def _of_all(name: str, dispatches: Sequence[Dispatch], did: str, due: str) -> Step:
    """Done when the last department has done it; until then who is still missing, and the earliest due time."""
    missing = [dispatch for dispatch in dispatches if getattr(dispatch, did) is None and dispatch.is_open]
    times = [at for dispatch in dispatches if (at := getattr(dispatch, did))]
    if missing:
        first = min(missing, key=lambda dispatch: getattr(dispatch, due))
        return Step(name, note=f"等{_names(missing)}", **_clock(first, due))
    return Step(name, note=_names(dispatches), at=max(times, default=None))


def _feedback(dispatches: Sequence[Dispatch]) -> Step:
    lead = next(dispatch for dispatch in dispatches if dispatch.is_lead)
    if lead.state == Dispatch.State.REWORK:
        return Step("部门反馈", note=f"镇街请{lead.department}再处置", **_clock(lead, "rework_due"))
    if lead.reported_at:
        return Step("部门反馈", note=str(lead.department), at=lead.reported_at)
    if lead.arrived_at is None:
        return Step("部门反馈")
    return Step("部门反馈", note=f"{lead.department}在处置", **_clock(lead, "finish_due"))


def _clock(obj: Event | Whistle | Dispatch, name: str) -> dict[str, Any]:
    """A due time as a step takes it: when, and whether it is only provisional."""
    return {"due": getattr(obj, name), "is_provisional": name in obj.provisional}


def _names(dispatches: Sequence[Dispatch]) -> str:
    return "、".join(str(dispatch.department) for dispatch in dispatches)
