"""What chaos starts from, and what its receivers must have in hand when it is over."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.utils import parseaddr
from random import Random

from bench import seed
from bench.measure import client_for
from bench.sinks import Got, MailSink, WebSink
from enforcement.models import Dispatch, Whistle
from notifications.models import Delivery
from townships.models import Post, Role, Unit

NUMBER = re.compile(r"哨\d{9}-\d{8}-\d{4,}(?:/\d+)?")
Receipt = tuple[str, str, str]  # (channel, address, number)


@dataclass(frozen=True)
class Job:
    """One event to whistle for: who submits, and who approves what is not an emergency."""

    event: int
    kind: str
    desk: str
    leader: str
    lead: int
    helper: int


def jobs_for(many: int, rng: Random) -> list[Job]:
    """Staff, units and one event a job, written with the rights of the owner before anything is killed."""
    seed.base()
    townships, departments = list(Unit.objects.townships()), list(Unit.objects.departments().order_by("id"))
    cookies = {
        f"{t.code}-{role}": client_for(f"{t.code}-{role}-0")[1] for t in townships for role in ("duty", "leader")
    }
    made = []
    for place, event in enumerate(seed.urgent_events(townships, many)):
        lead, helper = departments[place % len(departments)], departments[(place * 7 + 3) % len(departments)]
        if lead == helper:
            helper = departments[(place + 1) % len(departments)]
        kind = rng.choice(("emergency", "emergency", "urgent"))
        code = event.township.code
        desk, leader = cookies[f"{code}-duty"], cookies[f"{code}-leader"]
        made.append(Job(event.pk, kind, desk, leader, lead.pk, helper.pk))
    return made


def due_receipts(acknowledged: Sequence[int], groups: Sequence[str]) -> set[Receipt]:
    """What has to arrive for the whistles that were answered for: told by who holds which post, not by the outbox."""
    people: dict[tuple[int, str], list[str]] = {}
    for unit, role, mail in Post.objects.values_list("unit_id", "role", "user__email"):
        people.setdefault((unit, role), []).append(mail)
    found: set[Receipt] = set()
    for whistle in Whistle.objects.filter(event__in=acknowledged):
        role = Role.LEADER if whistle.kind == "emergency" else Role.DUTY  # who hears that it has gone out
        found |= {("mail", mail, whistle.number) for mail in people[(whistle.by_unit_id, role)]}
    for dispatch in Dispatch.objects.filter(whistle__event__in=acknowledged).select_related("department"):
        unit = dispatch.department
        if unit.code in groups:
            found.add(("robot", unit.code, dispatch.number))
        else:
            found |= {("mail", mail, dispatch.number) for mail in people[(unit.pk, Role.LIAISON)]}
    return found


def received(mails: MailSink, hooks: WebSink) -> Counter[Receipt]:
    """What the mail server and the web hook have in hand, as numbers by receiver."""
    found: Counter[Receipt] = Counter()
    for raw in list(mails.mails):
        to = parseaddr(message_from_bytes(raw, policy=policy.default)["To"])[1]
        found.update(("mail", to, number) for number in numbers_of_mail(raw))
    for got in list(hooks.got):
        found.update(("robot", got.path.strip("/"), number) for number in numbers_of_hook(got))
    return found


def numbers_of_mail(raw: bytes) -> set[str]:
    return set(NUMBER.findall(message_from_bytes(raw, policy=policy.default).get_content()))  # type: ignore[attr-defined]


def numbers_of_hook(got: Got) -> set[str]:
    return set(NUMBER.findall(json.loads(got.body)["markdown"]["text"].replace("\\", "")))


def tries() -> Counter[Receipt]:
    """How often each was taken in hand, by the outbox: what came more often than once was tried more often than once."""
    found: Counter[Receipt] = Counter()
    for channel, address, attempts, data in Delivery.objects.values_list(
        "channel", "address", "attempts", "message__data"
    ):
        found[(channel, address, data["number"])] += attempts
    return found


def waiting() -> int:
    """Deliveries that are not out yet."""
    return int(Delivery.objects.filter(state__in=Delivery.OPEN).count())


@dataclass(frozen=True)
class Count:
    """What became of the acknowledged whistles and their messages."""

    lost: int
    doubled: int
    messages: int
    missing: int
    repeated: int
    unexplained: int
    where_missing: dict[str, int]

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.missing or self.unexplained)


def count(acknowledged: Sequence[int], mails: MailSink, hooks: WebSink, groups: Sequence[str]) -> Count:
    by_event = Counter(Whistle.objects.values_list("event_id", flat=True))
    due, got, tried = due_receipts(acknowledged, groups), received(mails, hooks), tries()
    return Count(
        lost=sum(not by_event[event] for event in acknowledged),
        doubled=sum(times - 1 for times in by_event.values()),
        messages=len(due),
        missing=len(due - got.keys()),
        repeated=sum(got[one] - 1 for one in due if got[one] > 1),
        unexplained=sum(got[one] > tried[one] for one in due),
        where_missing=dict(Counter(_fate(one) for one in due - got.keys())),
    )


def _fate(receipt: Receipt) -> str:
    """What the outbox says of a message that did not arrive."""
    channel, address, number = receipt
    rows = Delivery.objects.filter(message__data__number=number).order_by("id")
    own = rows.filter(channel=channel, address=address) or rows.filter(message__recipient__email=address)
    return "; ".join(f"{row.channel} {row.state} {row.attempts} {row.error}" for row in own) or f"no row for {channel}"
