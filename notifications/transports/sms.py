"""By text message through any gateway that takes an HTTP request: SMS_URL, SMS_BODY and SMS_HEADERS are its templates.

They may hold {phone}, {text} and {secret}; what is filled in is quoted as the place needs it. SMS_OK is a pattern that
the answer of a gateway that has taken the message matches, SMS_REFUSED one that says that it never will.
"""

import json
import re
from urllib.parse import quote_plus

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from notifications.kinds import Kind
from notifications.transports import web
from notifications.transports.errors import Busy, NotAllowed, Refused
from notifications.transports.letter import INBOX, Letter, absolute
from notifications.transports.web import Line, is_down, is_permanent

__all__ = ["connect", "is_down", "is_on", "is_permanent", "send"]

LONGEST = 300  # characters: four or five parts, which gateways and phones put together
PLACES = re.compile(r"\{(phone|text|secret)\}")


def is_on() -> bool:
    return bool(settings.SMS_URL)


def connect() -> Line:
    return web.Line()


def send(line: Line, letter: Letter) -> None:
    if not is_allowed(letter.address):
        raise NotAllowed("号码不在 SMS_ALLOW 名单内，没有发送")
    values = {"phone": letter.address, "text": text(letter), "secret": settings.SMS_SECRET}
    kind = settings.SMS_CONTENT_TYPE
    headers = {name: fill(value, values) for name, value in settings.SMS_HEADERS.items()}
    answer = line.request(
        settings.SMS_METHOD,
        fill(settings.SMS_URL, values, "application/x-www-form-urlencoded"),
        body=fill(settings.SMS_BODY, values, kind),
        headers={"Content-Type": kind, **headers},
    )
    check(answer.text)


def check(answer: str) -> None:
    if settings.SMS_REFUSED and re.search(settings.SMS_REFUSED, answer):
        raise Refused("短信网关拒收")
    if not re.search(settings.SMS_OK, answer):
        raise Busy("短信网关没有确认收下")


def is_allowed(phone: str) -> bool:
    """SMS_ALLOW lists numbers, or "*" for all: a copy of the portal writes to nobody real."""
    return any(entry in ("*", phone) for entry in settings.SMS_ALLOW)


def fill(template: str, values: dict[str, str], content_type: str = "") -> str:
    """The template with its places filled, each once, so that a text with braces stays what it is."""
    return PLACES.sub(lambda place: quoted(values[place[1]], content_type), template)


def quoted(value: str, content_type: str) -> str:
    if "json" in content_type:
        return json.dumps(value, ensure_ascii=False)[1:-1]
    return quote_plus(value) if "urlencoded" in content_type else value


def text(letter: Letter) -> str:
    """As short as the five things allow; of several as many as fit, and where all of them stand."""
    if len(letter.kinds) == 1:
        return f"{line_of(letter.kinds[0])} {absolute(letter.kinds[0].link)}"
    lines: list[str] = []
    for kind in letter.kinds:
        line = f"{line_of(kind)} {absolute(kind.link)}"
        if lines and sum(map(len, [*lines, line])) > LONGEST:
            break
        lines.append(line)
    rest = len(letter.kinds) - len(lines)
    more = [f"另有{rest}条 {absolute(INBOX)}"] if rest else []
    return "\n".join([f"{len(letter.kinds)}条：", *lines, *more])


def line_of(kind: Kind) -> str:
    due = f" {date_format(timezone.localtime(kind.due_at), 'n月j日H:i')}前" if kind.due_at else ""
    return f"{kind.title} {kind.number} {kind.unit}{due}"
