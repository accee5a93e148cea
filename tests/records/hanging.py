"""A job that hangs for as long as the file HANG_FILE is there."""

import os
import time
from pathlib import Path

from records.models import Job
from records.services.job import Outcome, Progress


def work(job: Job, progress: Progress) -> Outcome:
    hang = Path(os.environ["HANG_FILE"])
    progress(1, 2)
    while hang.exists():
        time.sleep(0.05)
    path = progress.folder() / "done.csv"
    path.write_text(str(job.attempts))
    return Outcome("好了。", [progress.made(path, 1)])
