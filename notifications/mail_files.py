"""Mail as files: one .eml a message under EMAIL_FILE_PATH, for a portal without a mail server and for its admins to read."""

import email.policy
import heapq
import os
import re
import tempfile
from collections.abc import Sequence
from email.message import EmailMessage as ParsedMessage
from email.parser import BytesParser
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

SUFFIX = ".eml"


class EmailBackend(BaseEmailBackend):
    """Writes each message whole or not at all, named by its Message-ID: any number of processes, and sent twice is one file."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            write(folder, message)
        return len(email_messages)


def write(folder: Path, message: EmailMessage) -> None:
    """One message into one file; a reader never sees half of it."""
    mail = message.message()
    name = re.sub(r"[^\w.@-]", "", str(mail["Message-ID"]), flags=re.ASCII).lstrip(".") + SUFFIX
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(mail.as_bytes())
    Path(temporary).replace(folder / name)


def newest(limit: int) -> list[str]:
    """The names of the last `limit` files; the outbox's Message-IDs begin with their time, so the names sort by it."""
    try:
        names = [entry.name for entry in os.scandir(settings.EMAIL_FILE_PATH) if is_mail(entry.name)]
    except FileNotFoundError:
        return []
    return heapq.nlargest(limit, names)


def is_mail(name: str) -> bool:
    """A plain file name as `write` makes them: no folder, no leading dot."""
    return re.fullmatch(r"[\w@-][\w.@-]*\.eml", name, flags=re.ASCII) is not None


def read(name: str) -> ParsedMessage | None:
    """The parsed message of this name. None if there is no such file, or the name leaves the folder."""
    file = Path(settings.EMAIL_FILE_PATH) / name
    if not is_mail(name) or file.is_symlink() or not file.is_file():
        return None
    return BytesParser(policy=email.policy.default).parsebytes(file.read_bytes())
