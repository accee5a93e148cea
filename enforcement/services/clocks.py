"""`rules.clocks` on stored rows: a whistle brought in line with its dispatches, in the caller's transaction."""

from enforcement.models import Dispatch, Whistle
from enforcement.rules.clocks import Part, whistle_next_due, whistle_state
from enforcement.rules.deadlines import Step
from townships.worktime import Due, due


def part_of(dispatch: Dispatch) -> Part:
    """What the clock rules need to know of a dispatch."""
    return Part(
        state=dispatch.state,
        is_lead=dispatch.is_lead,
        sign_due=dispatch.sign_due,
        arrive_due=dispatch.arrive_due,
        report_due=dispatch.report_due,
        finish_due=dispatch.finish_due,
        rework_due=dispatch.rework_due,
        has_interim=dispatch.interim_at is not None,
    )


def follow(whistle: Whistle) -> None:
    """Bring the stored state and due time of a locked whistle in line with its dispatches, and store them."""
    parts = [part_of(dispatch) for dispatch in whistle.dispatches.all()]
    if whistle.eval_due is None or not parts:
        return
    whistle.state = whistle_state(parts)
    whistle.next_due = whistle_next_due(parts, whistle.eval_due)
    whistle.save(update_fields=["state", "next_due", "changed_at"])


def evaluation_due(whistle: Whistle, step: Step, first: Due) -> Due:
    """`first`, which is counted from the finish; or `step` after the end of the last rework, where that is later."""
    last = whistle.dispatches.filter(rework_due__isnull=False).order_by("rework_due").last()
    if last is None or last.rework_due is None:
        return first
    clock = due(last.rework_due, step.unit, step.amount)
    if clock.at <= first.at:
        return first
    return Due(clock.at, clock.provisional or "rework_due" in last.provisional)


def put_off_evaluation(whistle: Whistle, step: Step) -> None:
    """The township judges a rework after it, so that its own time runs from the rework's end. Locked; stores it."""
    if whistle.eval_due is None:
        return
    clock = evaluation_due(whistle, step, Due(whistle.eval_due, "eval_due" in whistle.provisional))
    whistle.eval_due = clock.at
    if clock.provisional:
        whistle.provisional = sorted({*whistle.provisional, "eval_due"})
    whistle.save(update_fields=["eval_due", "provisional"])
