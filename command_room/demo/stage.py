"""The cases that must be there at the moment of loading: one for every state and colour, and work for every account.

A scene says how far its case has come and how many minutes are left of the clock that runs now. Its start is searched
backwards from now, so the due time is what the portal's own rules make of that start, at whatever hour it is loaded.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from math import inf

from command_room.demo import judged, stage_handover, stage_pauses, stage_returns
from command_room.demo import matters as words
from command_room.demo.cast import GANLIN, Town
from command_room.demo.course import Course, Span
from command_room.demo.verbs import check as checks
from command_room.demo.verbs import dispatch as dispatches
from command_room.demo.verbs import event as events
from command_room.demo.verbs import whistle as whistles
from enforcement.models import Dispatch, Event, Whistle
from enforcement.rules.deadlines import Step, rework_step
from townships.models import User

DAY = 1440
LATE, VERY_LATE, SOON, OPEN = (-70, -8), (-4 * DAY, -75), (4, 110), (130, 20 * DAY)
ANY_LATE = (-5 * DAY, -1)  # where office hours leave no start that is only a little late
OFFICE_HOURS = range(7, 20)
TAKEN_UP_AFTER = {"settled": 45}  # minutes
LAST = {"arrived": "arrive", "interim": "interim", "reported": "report", "rework": "rework", "signed": "sign"}
NEIGHBOUR = {"ganlin": "330683101", "changle": GANLIN}
STEPS = ("sign", "arrive", "interim", "report", "rework")


@dataclass(frozen=True)
class Scene:
    """`reached`: submitted, sent, signed, arrived, interim, reported or rework, of the lead; for an event without a
    whistle: new, verified, squad or settled. `helpers_at` is how far the helpers are: as far as the lead, on site at most,
    where it is not said. `left` is in minutes, from–to."""

    town: str
    code: str
    reached: str
    left: Span
    kind: str = ""
    helpers_at: str = ""
    grid: int | None = None
    limit: Step = Step("work_minutes", 240)  # noqa: RUF009 - frozen
    source: str = "grid"
    then: str = ""  # what has become of it in `stage_pauses`: extended, suspended, withdrawn…
    handed: str = ""  # offered, accepted, refused or taken back: what has become of its 移交 to a neighbouring township
    checked: str = ""  # passed, failed or unable: what the grid member has found on the spot
    returned: str = ""  # leader, arbitration, upheld, reassigned or released: what has become of the department's 退哨


SCENES: tuple[Scene, ...] = (
    # --- 甘霖: the board -------------------------------------------------------------------------------------------
    Scene("ganlin", "0209", "submitted", SOON, kind="urgent", grid=0),
    Scene("ganlin", "0110", "submitted", OPEN),
    Scene("ganlin", "0302", "submitted", LATE),
    Scene("ganlin", "1303", "sent", LATE, helpers_at="signed"),
    Scene("ganlin", "0705", "sent", SOON, kind="emergency", grid=0),
    Scene("ganlin", "0504", "sent", OPEN),
    Scene("ganlin", "0601", "signed", OPEN),
    Scene("ganlin", "0710", "signed", SOON, kind="urgent"),
    Scene("ganlin", "0401", "signed", LATE, kind="urgent"),
    Scene("ganlin", "0808", "arrived", OPEN),
    Scene("ganlin", "0405", "arrived", VERY_LATE),
    Scene("ganlin", "0604", "arrived", SOON, kind="emergency"),
    Scene("ganlin", "0706", "arrived", OPEN),
    Scene("ganlin", "1301", "rework", OPEN),
    Scene("ganlin", "0301", "reported", OPEN, grid=0),
    Scene("ganlin", "1401", "reported", OPEN, checked="failed"),
    Scene("ganlin", "1108", "reported", VERY_LATE, checked="passed"),
    Scene("ganlin", "0207", "reported", (4, DAY), checked="unable"),
    # --- 甘霖: what waits for the desk, the squad and the grid ---------------------------------------------------------
    Scene("ganlin", "1307", "new", (5, 24), grid=0),
    Scene("ganlin", "0202", "new", OPEN, source="12345"),
    Scene("ganlin", "0101", "new", LATE, grid=3),
    Scene("ganlin", "1201", "verified", SOON, source="call"),
    Scene("ganlin", "0105", "squad", SOON, limit=Step("work_minutes", 120)),
    Scene("ganlin", "0701", "squad", OPEN, limit=Step("work_days", 2), grid=0),
    Scene("ganlin", "0210", "squad", VERY_LATE),
    Scene("ganlin", "0104", "settled", (-DAY, DAY), grid=0),
    Scene("ganlin", "0106", "squad", OPEN, limit=Step("work_days", 1), grid=5),
    # --- elsewhere, so that each account has something to do -----------------------------------------------------------
    Scene("changle", "0601", "submitted", OPEN),
    Scene("changle", "0502", "sent", LATE),
    Scene("changle", "0709", "sent", SOON, helpers_at="signed"),
    Scene("changle", "0504", "reported", VERY_LATE),
    Scene("changle", "0104", "new", LATE, source="patrol"),
    Scene("chongren", "0604", "signed", SOON, kind="emergency"),
    Scene("huangze", "0601", "sent", LATE, kind="urgent"),
    Scene("sanjie", "0609", "sent", OPEN),
    Scene("pukou", "0601", "rework", OPEN),
    Scene("lushan", "0601", "arrived", VERY_LATE),
    Scene("shanhu", "0401", "sent", SOON),
    Scene("sanjiang", "0209", "arrived", OPEN),
    Scene("gulai", "0405", "sent", LATE, kind="urgent"),
    Scene("xianyan", "1301", "signed", OPEN),
    Scene("ganlin", "1303", "signed", SOON),
    Scene("jinting", "0302", "reported", OPEN),
    # --- a matter of the neighbouring township -------------------------------------------------------------------------
    Scene("changle", "0104", "new", OPEN, handed="offered"),
    Scene("ganlin", "0106", "new", LATE, handed="offered"),
    Scene("ganlin", "0105", "new", OPEN, handed="accepted"),
    Scene("ganlin", "0210", "new", OPEN, handed="refused"),
    Scene("changle", "0701", "new", OPEN, handed="taken back"),
    # --- 延期, 挂账 and 撤哨 -------------------------------------------------------------------------------------------
    Scene("ganlin", "0601", "arrived", (DAY, 6 * DAY), then="extension_asked"),
    Scene("ganlin", "0808", "interim", (DAY, 12 * DAY), then="asked_twice"),
    Scene("ganlin", "0504", "arrived", (DAY, 6 * DAY), then="extended"),
    Scene("changle", "0209", "arrived", (DAY, 6 * DAY), then="extension_refused"),
    Scene("ganlin", "0706", "arrived", (DAY, 6 * DAY), then="suspended"),
    Scene("changle", "0601", "arrived", (60, 4 * DAY), then="over"),
    Scene("ganlin", "1301", "arrived", (DAY, 6 * DAY), then="suspension_asked"),
    Scene("ganlin", "0209", "arrived", (DAY, 6 * DAY), then="suspended_before"),
    Scene("ganlin", "0301", "signed", OPEN, then="withdrawn"),
    Scene("changle", "0504", "submitted", OPEN, then="withdrawn"),
    # --- a department says that it is not its own ----------------------------------------------------------------------
    Scene("ganlin", "0609", "sent", OPEN, returned="leader"),
    Scene("ganlin", "1402", "sent", OPEN, returned="arbitration"),
    Scene("changle", "0705", "sent", SOON, kind="emergency", returned="arbitration"),
    Scene("huangze", "0307", "sent", LATE, kind="urgent", returned="arbitration"),
    Scene("ganlin", "0110", "sent", OPEN, returned="upheld"),
    Scene("ganlin", "0302", "sent", OPEN, returned="reassigned"),
    Scene("gulai", "1301", "sent", OPEN, returned="released"),
)


class Stage:
    def __init__(self, course: Course) -> None:
        self.course, self.book, self.now, self.rng = course, course.book, course.now, course.rng
        back = [*range(7, 180), *range(180, 3 * DAY, 20), *range(3 * DAY, 45 * DAY, 180)]
        self._starts = [self.now - timedelta(minutes=minutes) for minutes in back]  # the nearest first, and densely

    def play(self, scene: Scene, town: Town) -> Event | None:
        """Invent the case of this scene; None where no start leads to it at this hour (a limit of work minutes that
        would end soon, in the middle of the night)."""
        if scene.reached in ("new", "verified", "squad", "settled"):
            return self._event(scene, town)
        return self._whistle(scene, town)

    def _event(self, scene: Scene, town: Town) -> Event | None:
        matter = self.course.matters[scene.code]
        kind = "event_urgent" if matter.is_urgent else "event"
        taken_up_after = timedelta(minutes=TAKEN_UP_AFTER.get(scene.reached, 6))

        def due_of(start: datetime) -> datetime | None:
            handed = start + taken_up_after
            if handed > self.now:
                return None
            if scene.handed:
                is_known = stage_handover.last_act(scene.handed, handed) <= self.now
                return stage_handover.due(self.book, scene.handed, kind, (start, handed)) if is_known else None
            in_squad = scene.reached == "squad"
            return (self.book.clocks.due(handed, scene.limit) if in_squad else self.book.clocks.accept(start, kind)).at

        start = self._search(scene, due_of)
        if start is None:
            return None
        event = self.course.report(town, matter, start, source=scene.source, grid=scene.grid)
        self._take_up(scene, town, event, start + taken_up_after)
        return event

    def _take_up(self, scene: Scene, town: Town, event: Event, at: datetime) -> None:
        if scene.handed:
            to = self.book.cast.towns[NEIGHBOUR[town.slug]]
            stage_handover.play(self.book, scene.handed, event, giver=town, to=to, at=at)
        elif scene.reached == "squad":
            events.hand_to_squad(self.book, event, by=town.duty[0], at=at, town=town, limit=scene.limit)
        elif scene.reached == "verified":
            events.verify(self.book, event, by=town.duty[1], at=at)
        elif scene.reached == "settled":
            result = self.course.matters[scene.code].settled.format(n=3)
            events.settle(self.book, event, by=town.duty[0], at=at, result=result)

    def _whistle(self, scene: Scene, town: Town) -> Event | None:
        kind = scene.kind or self.course.matters[scene.code].kind

        def due_of(start: datetime) -> datetime | None:
            times = self._times(scene, kind, start)
            return self._due(scene, kind, times) if max(times.values()) <= self.now else None

        start = self._search(scene, due_of)
        return None if start is None else self._tell(scene, town, kind, self._times(scene, kind, start))

    def _search(self, scene: Scene, due_of: Callable[[datetime], datetime | None]) -> datetime | None:
        """The nearest start after which as much is left as the scene wants, in office hours if there is one: a drawn
        number of minutes if possible, so that not all clocks show the same. What began later is due later."""

        @cache
        def gone(start: datetime) -> float:
            """Minutes since it was due, below zero when it is not yet."""
            due = due_of(start)
            return -inf if due is None else (self.now - due).total_seconds() / 60

        wanted = self.rng.randint(*scene.left)
        for least, most in [(wanted - 5, wanted + 5), scene.left] + ([ANY_LATE] if scene.left[1] < 0 else []):
            first = bisect_left(self._starts, float(-most), key=gone)
            end = bisect_right(self._starts, float(-least), key=gone)
            if first < end:
                return min(self._starts[first:end], key=lambda start: start.hour not in OFFICE_HOURS)
        return None

    def _times(self, scene: Scene, kind: str, start: datetime) -> dict[str, datetime]:
        """When each act of the lead was, up to the one that has been reached."""
        fast = kind in (Whistle.Kind.EMERGENCY, Whistle.Kind.URGENT)
        unit, gap = ("continuous_minutes", 4) if fast else ("work_minutes", 40)
        times = {"submit": start, "send": start}
        if kind != Whistle.Kind.EMERGENCY and scene.reached != "submitted":
            times["send"] = start + timedelta(minutes=2 + gap // 4)
        wanted = [step for step in STEPS if step != "interim" or scene.reached == "interim"]
        last = wanted.index(LAST[scene.reached]) if scene.reached in LAST else -1
        at = times["send"]
        if scene.returned:
            for step, minutes in zip(stage_returns.steps(scene.returned), (gap // 4, 2 * gap), strict=False):
                at = times[step] = self.book.clocks.later(at, minutes, unit)
        for step in wanted[: last + 1]:
            at = times[step] = self.book.clocks.later(at, gap, unit)
        return times

    def _due(self, scene: Scene, kind: str, times: dict[str, datetime]) -> datetime | None:
        """The clock that runs in the state that has been reached."""
        clocks = self.book.clocks
        if scene.returned:
            return stage_returns.due(self.book, scene.returned, kind, times)
        if scene.reached == "submitted":
            return clocks.due(times["submit"], clocks.rules[kind].approve).at
        if scene.reached == "rework":
            return clocks.due(times["rework"], rework_step(clocks.rules[kind].limits.finish)).at
        dues, _ = clocks.whistle(kind, times["send"])
        return {
            "sent": dues["sign_due"],
            "signed": dues["arrive_due"],
            "arrived": dues["report_due"] or dues["finish_due"],
            "interim": dues["finish_due"],
            "reported": dues["eval_due"],
        }[scene.reached]

    def _tell(self, scene: Scene, town: Town, kind: str, times: dict[str, datetime]) -> Event:
        """The case itself, with the verbs of the portal."""
        matter = self.course.matters[scene.code]
        reported_at = times["submit"] - timedelta(minutes=5)
        event = self.course.report(town, matter, reported_at, source=scene.source, grid=scene.grid)
        whistle = self.course.submit(town, matter, event, kind, by=town.duty[0], at=times["submit"])
        if scene.reached == "submitted":
            self._go_on(scene, town, whistle)
            return event
        units = self.course.units_of(matter)
        if kind != Whistle.Kind.EMERGENCY:
            whistles.approve(self.book, whistle, by=town.leaders[0], at=times["send"], town=town, units=units)
        if scene.returned:
            stage_returns.play(self.book, scene.returned, self.book.parts[whistle.request_id], times)
            return event
        lead, *helpers = self.book.parts[whistle.request_id]
        going = self._sign(lead, times["sign"]) if "sign" in times else []
        if "arrive" in times:
            dispatches.arrive(self.book, lead, by=going[0], at=times["arrive"], officers=going)
        if "interim" in times:
            text = words.INTERIM[0]
            dispatches.report_interim(self.book, lead, by=going[0], at=times["interim"], measures=text)
        if "report" in times:
            self.course.report_back(matter, lead, going[0], times["report"])
        if scene.checked and (check := checks.open_check(self.book, whistle)):
            judged.answer(self.book, check, scene.checked, min(times["report"] + timedelta(minutes=40), self.now))
        if "rework" in times:
            whistles.rework(self.book, lead, by=town.duty[0], at=times["rework"], reason=words.REWORK[0])
        for helper in helpers:
            self._help(scene, helper, times)
        self._go_on(scene, town, whistle)
        return event

    def _go_on(self, scene: Scene, town: Town, whistle: Whistle) -> None:
        if scene.then:
            stage_pauses.play(self.book, scene.then, whistle, town, now=self.now)

    def _help(self, scene: Scene, helper: Dispatch, times: dict[str, datetime]) -> None:
        reached = scene.helpers_at or {"sent": "sent", "signed": "signed"}.get(scene.reached, "arrived")
        if reached == "sent":
            return
        signed = times["send"] + timedelta(minutes=3)
        going = self._sign(helper, min(signed, self.now))
        if reached == "arrived":
            at = max(signed, times.get("arrive", signed))
            dispatches.arrive(self.book, helper, by=going[0], at=min(at, self.now), officers=going)

    def _sign(self, dispatch: Dispatch, at: datetime) -> list[User]:
        """The sub-unit goes where there is one; the people who go."""
        department = self.book.cast.departments[dispatch.department.code]
        unit, people = department.stations.get(dispatch.by_unit.pk, (None, department.officers))
        dispatches.sign(self.book, dispatch, by=department.liaisons[0], at=at, unit=unit)
        return people
