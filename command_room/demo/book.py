"""What is invented is collected here as unsaved rows and written in a few bulk inserts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from random import Random
from typing import Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.utils import timezone

from command_room.demo.cast import Cast
from command_room.demo.clocks import Clocks
from enforcement.models import (
    Appeal,
    Attendance,
    Caller,
    Check,
    Dispatch,
    Escalation,
    Event,
    Extension,
    Handover,
    Remark,
    Report,
    Return,
    Suspension,
    Whistle,
)
from notifications.kinds import Kind
from records.models import Entry, Serial
from townships.models import Unit, User

BATCH = 2000


@dataclass(frozen=True)
class Line:
    """A timeline entry to be; a model in `data` becomes its key."""

    target: models.Model
    at: datetime
    fields: dict[str, Any]
    data: dict[str, Any]
    about: Any  # whose number the words name


@dataclass(frozen=True)
class Notice:
    """A message to be: `about` gives number, link and unit when they are known."""

    kind: type[Kind]
    about: Event | Whistle | Dispatch
    to: Sequence[User]
    due: datetime | None
    at: datetime
    key: str
    page: models.Model | None  # where it leads, if not to the matter itself
    unit: Unit  # whose matter it was then, or who is on the other side


class Book:
    def __init__(self, cast: Cast, clocks: Clocks, rng: Random) -> None:
        self.cast, self.clocks, self.rng = cast, clocks, rng
        self.events: list[Event] = []
        self.callers: list[Caller] = []
        self.whistles: list[Whistle] = []
        self.parts: dict[UUID, list[Dispatch]] = {}  # the dispatches of a whistle, by its request_id
        self.returns: list[Return] = []
        self.extensions: list[Extension] = []
        self.suspensions: list[Suspension] = []
        self.attendances: list[Attendance] = []
        self.reports: list[Report] = []
        self.remarks: list[Remark] = []
        self.escalations: list[Escalation] = []
        self.checks: list[Check] = []
        self.appeals: list[Appeal] = []
        self.handovers: list[Handover] = []
        self.givers: dict[UUID, Unit] = {}  # the township that first had an event that was handed over, by request_id
        self.merged: dict[UUID, list[Event]] = defaultdict(list)  # what was merged into an event, by its request_id
        self.serials: list[Serial] = []
        self.lines: list[Line] = []
        self.notices: list[Notice] = []

    def request_id(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)

    def line(
        self,
        target: models.Model,
        verb: str,
        *,
        by: User | None,
        at: datetime,
        what: str,
        stage: str,
        from_state: str = "",
        to_state: str = "",
        data: dict[str, Any] | None = None,
        about: Any = None,
    ) -> None:
        """As `records.record`, at a time of its own. `about`: whose number comes where the words have {}."""
        fields = {"verb": verb, "what": what, "stage": stage, "from_state": from_state, "to_state": to_state, "by": by}
        self.lines.append(Line(target, at, fields, data or {}, about))

    def advance(
        self, obj: Any, to: str, *, by: User, at: datetime, data: dict[str, Any] | None = None, **more: Any
    ) -> None:
        """As `records.advance`: walk an arrow, set what is not the entry's own, write the entry."""
        if to not in obj.NEXT[obj.state]:
            raise ValueError(f"no arrow {obj.state} → {to}")
        entry = {name: more.pop(name) for name in ("verb", "what", "stage", "about") if name in more}
        before, obj.state = obj.state, to
        for name, value in more.items():
            setattr(obj, name, value)
        self.line(obj, by=by, at=at, from_state=before, to_state=to, data=data, **entry)

    def tell(
        self,
        kind: type[Kind],
        about: Event | Whistle | Dispatch,
        *,
        to: Iterable[User],
        at: datetime,
        due: datetime | None,
        key: str = "",
        page: models.Model | None = None,
        unit: Unit | None = None,
    ) -> None:
        """As `notifications.notify`; `key` tells two messages of one kind about one thing apart."""
        self.notices.append(Notice(kind, about, tuple(dict.fromkeys(to)), due, at, key, page, unit or about.by_unit))

    # --- written ----------------------------------------------------------------------------------------------------
    def save(self) -> None:
        """Number everything in the order in which it happened, and insert it."""
        self.events.sort(key=lambda event: event.reported_at)
        self.whistles.sort(key=lambda whistle: whistle.submitted_at)
        serials = self._number("事", self.events, "reported_at") + self._number("哨", self.whistles, "submitted_at")
        dispatches = [part for whistle in self.whistles for part in self.parts.get(whistle.request_id, ())]
        for part in dispatches:
            part.number = f"{part.whistle.number}/{part.number}"
        Serial.objects.bulk_create([*serials, *self.serials], batch_size=BATCH)
        runs = groupby(
            self.events, key=lambda event: event.merged_into is None
        )  # what was merged refers to an earlier one
        rows: list[Sequence[models.Model]] = [*(list(run) for _, run in runs), self.callers, self.whistles, dispatches]
        asked: list[Sequence[models.Model]] = [
            self.returns,
            self.extensions,
            self.suspensions,
            self.checks,
            self.appeals,
        ]
        asked.append(self.handovers)
        for each in (*rows, *asked, self.attendances, self.reports, self.remarks, self.escalations):
            _insert(each)
        self.lines.sort(key=lambda line: line.at)
        _insert([_entry(line) for line in self.lines])
        self._mark_changes()

    def _number(self, kind: str, rows: Sequence[Any], moment: str) -> list[Serial]:
        """Give out numbers as `next_number` would have, day by day; the serials that it goes on from."""
        last: dict[tuple[str, Any], int] = defaultdict(int)
        for row in rows:
            day, code = timezone.localdate(getattr(row, moment)), self.givers.get(row.request_id, row.by_unit).code
            last[(code, day)] += 1
            row.number = f"{kind}{code}-{day:%Y%m%d}-{last[(code, day)]:04d}"
        return [Serial(kind=kind, unit_code=code, day=day, last=n) for (code, day), n in last.items()]

    def _mark_changes(self) -> None:
        """`changed_at` is the time of the last entry; an insert would leave the time of loading."""
        moments: dict[tuple[type, int], datetime] = {}
        acts = [line for line in self.lines if line.fields["by"]]  # a sweep changes nothing
        for line in acts:
            moments[(type(line.target), line.target.pk)] = line.at
        for line in acts:
            if isinstance(line.target, Dispatch):
                key = (Whistle, line.target.whistle_id)
                moments[key] = max(moments[key], line.at)
        for model in (Event, Whistle, Dispatch):
            rows = [(pk, at) for (kind, pk), at in moments.items() if kind is model]
            _set_changed(model, rows)


def _insert(rows: Sequence[models.Model]) -> None:
    if rows:
        type(rows[0])._default_manager.bulk_create(rows, batch_size=BATCH)


def _entry(line: Line) -> Entry:
    data = {name: value.pk if isinstance(value, models.Model) else value for name, value in line.data.items()}
    fields = (
        line.fields if line.about is None else {**line.fields, "what": line.fields["what"].format(line.about.number)}
    )
    return Entry(
        target_type=ContentType.objects.get_for_model(line.target),
        target_id=line.target.pk,
        by_office=line.fields["by"].office if line.fields["by"] else "系统",
        data=data,
        at=line.at,
        **fields,
    )


def _set_changed(model: type[models.Model], rows: list[tuple[int, datetime]]) -> None:
    if not rows:
        return
    keys, moments = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {model._meta.db_table} AS row SET changed_at = new.at"  # noqa: S608 - a table's own name
            " FROM unnest(%s::bigint[], %s::timestamptz[]) AS new(id, at) WHERE row.id = new.id",
            [list(keys), list(moments)],
        )
