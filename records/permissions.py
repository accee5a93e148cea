"""Who may do what with a long job: its sight is `visible_to`, the person's own."""

from typing import Any

from django.utils import timezone

from records.models import Job


def can_cancel(user: Any, job: Job) -> bool:
    return job.is_open and job.by_id == user.pk


def can_fetch(user: Any, job: Job) -> bool:
    """The result holds what one post sees: only while it is kept, and while the person still holds that post."""
    is_kept = job.state == Job.State.DONE and job.expires_at is not None and job.expires_at > timezone.now()
    return is_kept and job.by_id == user.pk and user.active_posts().filter(pk=job.post_id).exists()
