"""Into a group chat by its robot, in DingTalk's format for custom robots, signed.

ROBOT_SECRETS holds for each group its `url` with the access token, and its `secret`; the group's code is the unit's.
A robot takes 20 messages a minute and then is silent for ten (errcode 130101 and 410100).
"""

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from notifications.kinds import Kind
from notifications.transports import web
from notifications.transports.errors import Busy, Refused
from notifications.transports.letter import INBOX, Letter, absolute
from notifications.transports.web import Line, is_down, is_permanent

__all__ = ["connect", "is_down", "is_on", "is_permanent", "send"]

SYSTEM_BUSY = -1
PASSING = {SYSTEM_BUSY, 45009, 90018, 130101, 410100}  # the system is busy, or too much was asked of this robot
MARKUP = str.maketrans({char: f"\\{char}" for char in "\\`*_[]()#>!|~"} | {"\n": " "})


def is_on() -> bool:
    return bool(settings.ROBOT_SECRETS)


def connect() -> Line:
    return web.Line()


def send(line: Line, letter: Letter) -> None:
    robot = settings.ROBOT_SECRETS.get(letter.address)
    if robot is None:
        raise Refused("这个单位没有群机器人")
    joint = "&" if "?" in robot["url"] else "?"
    url = f"{robot['url']}{joint}{signature(robot['secret'], time.time_ns() // 1_000_000)}"
    body = json.dumps({"msgtype": "markdown", "markdown": {"title": letter.title, "text": text(letter)}})
    headers = {"Content-Type": "application/json; charset=utf-8"}
    check(line.request("POST", url, body=body, headers=headers).text)


def signature(secret: str, timestamp: int) -> str:
    """The two parameters that prove that the message is ours; `timestamp` in milliseconds, good for an hour."""
    digest = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256)
    return urlencode({"timestamp": timestamp, "sign": base64.b64encode(digest).decode()})


def check(answer: str) -> None:
    """Every answer comes with HTTP 200; what became of the message says its errcode."""
    try:
        code = int(json.loads(answer)["errcode"])
    except (ValueError, LookupError, TypeError):
        raise Busy("回答里没有 errcode") from None
    if code in PASSING:
        raise Busy(f"errcode {code}")
    if code:
        raise Refused(f"errcode {code}")


def text(letter: Letter) -> str:
    more = f"\n\n另有 {letter.left_out} 条，请看[消息]({absolute(INBOX)})" if letter.left_out else ""
    return "\n\n".join(paragraph(kind) for kind in letter.shown) + more


def paragraph(kind: Kind) -> str:
    lines = [f"#### {kind.title}", f"- 编号：{plain(kind.number)}", f"- 事项：{plain(kind.matter)}"]
    lines.append(f"- 单位：{plain(kind.unit)}")
    if kind.due_at:
        lines.append(f"- {kind.clock_label}：{date_format(timezone.localtime(kind.due_at), 'Y年n月j日 H:i')}")
    return "\n".join([*lines, f"- [打开办理]({absolute(kind.link)})"])


def plain(value: str) -> str:
    """A value that is no markup, whatever it holds."""
    return value.translate(MARKUP)
