"""A delivery as a mail: what it says, whom it may reach, and which failures are for good."""

import smtplib
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from notifications.kinds import Kind
from notifications.models import Delivery
from notifications.services.claim import Claimed


class NotAllowed(Exception):  # noqa: N818 - it is an answer, not a fault
    """MAIL_ALLOW does not list the address: a copy of the portal writes to nobody real."""


def body(kind: Kind) -> str:
    """The mail's text: number, matter, unit, due time and link."""
    context = {"number": kind.number, "matter": kind.matter, "unit": kind.unit, "due": kind.due_at}
    return render_to_string(
        f"notifications/{kind.code()}.txt",
        {**context, "clock_label": kind.clock_label, "link": f"{settings.PORTAL_URL.rstrip('/')}{kind.link}"},
    )


def subject(kind: Kind) -> str:
    return f"{settings.EMAIL_SUBJECT_PREFIX}{kind.title} {kind.number}"


def message_id(delivery: Delivery | Claimed) -> str:
    """The same for every try of one delivery, so that a repeated sending can be recognised."""
    host = urlsplit(settings.PORTAL_URL).hostname or "portal.invalid"
    return f"<{delivery.created_at:%Y%m%dT%H%M%S%f}.{delivery.pk}@{host}>"


def send(delivery: Claimed, transport: Any) -> None:
    """Send one delivery over an open mail connection. Raises what the transport raises, and NotAllowed."""
    if not is_allowed(delivery.address):
        raise NotAllowed("收件地址不在 MAIL_ALLOW 名单内，没有发送")
    kind = delivery.kind
    headers = {"Message-ID": message_id(delivery), "Auto-Submitted": "auto-generated"}
    mail = EmailMessage(subject(kind), body(kind), to=[delivery.address], headers=headers)
    transport.send_messages([mail])


def is_allowed(address: str) -> bool:
    """MAIL_ALLOW lists addresses, domains as "@example.org", or "*" for all."""
    domain = "@" + address.rpartition("@")[2]
    return any(entry in ("*", address, domain) for entry in settings.MAIL_ALLOW)


def is_permanent(error: Exception) -> bool:
    """Another try would end the same: the server refuses the recipient or the content for good, or it may not be sent."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())  # noqa: PLR2004 - SMTP's permanent replies
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500  # noqa: PLR2004
    return isinstance(error, (NotAllowed, ValueError))


def is_down(error: Exception) -> bool:
    """The transport itself fails, so the next message would too: SMTPException is an OSError, like refused and timed out."""
    about_this_message = (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError)
    return isinstance(error, OSError) and not isinstance(error, about_this_message)
