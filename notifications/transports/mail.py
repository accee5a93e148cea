"""By mail: over SMTP, or into files where there is no mail server."""

import smtplib
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.template.loader import render_to_string

from notifications.kinds import Kind
from notifications.transports import hosts
from notifications.transports.errors import NotAllowed
from notifications.transports.letter import Letter, absolute

FOR_GOOD = 500  # SMTP's permanent replies begin here


def is_on() -> bool:
    return True


def connect() -> Any:
    return get_connection()


def send(connection: Any, letter: Letter) -> None:
    """Send over this connection, which is opened if it is not. Raises what the mail server says, and NotAllowed."""
    if not is_allowed(letter.address):
        raise NotAllowed("收件地址不在 MAIL_ALLOW 名单内，没有发送")
    if isinstance(connection, EmailBackend):
        hosts.check_server(connection.host, connection.port)
    connection.open()
    headers = {"Message-ID": message_id(letter.mark), "Auto-Submitted": "auto-generated"}
    text = body(letter.kinds[0]) if len(letter.kinds) == 1 else body_of_many(letter)
    mail = EmailMessage(subject(letter), text, to=[letter.address], headers=headers)
    connection.send_messages([mail])


def subject(letter: Letter) -> str:
    return f"{settings.EMAIL_SUBJECT_PREFIX}{letter.title}"


def body(kind: Kind) -> str:
    """The mail's text: number, matter, unit, due time and link."""
    context = {"number": kind.number, "matter": kind.matter, "unit": kind.unit, "due": kind.due_at}
    return render_to_string(
        f"notifications/{kind.code()}.txt",
        {**context, "clock_label": kind.clock_label, "link": absolute(kind.link)},
    )


def body_of_many(letter: Letter) -> str:
    """The same of each, none left out, and nothing besides."""
    lines = [(kind, absolute(kind.link)) for kind in letter.kinds]
    return render_to_string(
        "notifications/_mail_of_many.txt",
        {"lines": lines, "count": len(letter.kinds)},
    )


def message_id(mark: str) -> str:
    """The same for every try, so that a repeated sending can be recognised."""
    return f"<{mark}@{urlsplit(settings.PORTAL_URL).hostname or 'portal.invalid'}>"


def is_allowed(address: str) -> bool:
    """MAIL_ALLOW lists addresses, domains as "@example.org", or "*" for all."""
    domain = "@" + address.rpartition("@")[2]
    return any(entry in ("*", address, domain) for entry in settings.MAIL_ALLOW)


def is_permanent(error: Exception) -> bool:
    """Another try would end the same: the server refuses the recipient or the content for good, or it may not be sent."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= FOR_GOOD for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= FOR_GOOD
    return isinstance(error, (NotAllowed, ValueError))


def is_down(error: Exception) -> bool:
    """The transport itself fails, so the next message would too: SMTPException is an OSError, like refused and timed out."""
    about_this_message = (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError)
    return isinstance(error, OSError) and not isinstance(error, about_this_message)
