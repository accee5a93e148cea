"""Mail transports that fail, wait or die as a test says."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from notifications import mail_files


class Scripted(BaseEmailBackend):
    """Raises what `script` holds next for each message; sends it if that is None or the script has ended."""

    script: ClassVar[list[Exception | None]] = []
    sent: ClassVar[list[EmailMessage]] = []
    pause: ClassVar[float] = 0

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            time.sleep(self.pause)
            error = self.script.pop(0) if self.script else None
            if error is not None:
                raise error
            self.sent.append(message)
        return len(email_messages)


class Hanging(mail_files.EmailBackend):
    """Hangs before sending, and says so, as long as the file named by HANG_FILE is there; otherwise writes files."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        flag = Path(os.environ["HANG_FILE"])
        if flag.exists():
            flag.with_suffix(".reached").touch()
            time.sleep(60)
        return super().send_messages(email_messages)
