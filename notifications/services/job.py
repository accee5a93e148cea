"""The message about a long job, which the room of records, lying below, asks for (settings.JOB_NEWS)."""

from notifications import kinds
from notifications.services.outbox import notify
from records.models import Job


def tell(job: Job) -> None:
    """Whoever asked hears how it ended, in the transaction in which it ends."""
    kind = kinds.JobDone if job.state == Job.State.DONE else kinds.JobFailed
    due = job.expires_at.isoformat() if job.expires_at else None
    said = kind(number=job.number, matter=job.title, unit=job.office, due=due, link=job.get_absolute_url())
    notify(said, to=[job.by], key=f"{kind.code()}:{job.pk}")
