"""我的任务: how far a long job is, its result, and its cancelling."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from records.models import Job
from records.permissions import can_cancel, can_fetch
from records.services import access
from records.services import job as jobs
from records.services.spreadsheet import MIMES
from records.verbs import require

SHOWN = 50  # older ones have long lost their files
TONES = {"waiting": "blue", "running": "blue", "done": "ok", "failed": "late"}


def visible_job(request: HttpRequest, pk: int) -> Job:
    return get_object_or_404(Job.objects.visible_to(request.user), pk=pk)


@require_GET
def job_list(request: HttpRequest) -> HttpResponse:
    found = Job.objects.visible_to(request.user).order_by("-id")[:SHOWN]
    rows = [{"job": job, "tone": TONES.get(job.state, "")} for job in found]
    return render(request, "records/job_list.html", {"rows": rows, "now": timezone.now(), "shown": SHOWN})


@never_cache
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; for htmx, which asks again until the job has ended, the part that changes."""
    job = visible_job(request, pk)
    is_part = request.htmx.target == "job"  # type: ignore[attr-defined]  # django-htmx puts it there
    return render(request, f"records/{'_job' if is_part else 'job_detail'}.html", job_context(request, job))


def job_context(request: HttpRequest, job: Job) -> dict[str, Any]:
    return {
        "job": job,
        "tone": TONES.get(job.state, ""),
        "now": timezone.now(),
        "percent": 100 * job.done // job.total if job.total else None,
        "ahead": Job.objects.filter(state__in=Job.OPEN, pk__lt=job.pk).count() if job.state == "waiting" else 0,
        "can_cancel": can_cancel(request.user, job),
        "can_fetch": can_fetch(request.user, job),
    }


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    job = visible_job(request, pk)
    require(request, can_cancel, job)
    jobs.cancel(job, by=request.user, seen_state=request.POST.get("seen_state", ""))
    messages.success(request, "已取消，没有留下文件")
    return redirect(job)


@never_cache
@require_GET
def file(request: HttpRequest, pk: int, number: int) -> HttpResponseBase:
    """A result file, for as long as it is kept; that it was fetched is on record. What is not there (any more) is 404."""
    job = visible_job(request, pk)
    if not can_fetch(request.user, job) or not 0 < number <= len(job.files):
        raise Http404
    made = job.files[number - 1]
    path = Path(settings.MEDIA_ROOT) / made["path"]
    if not path.is_file():
        raise Http404
    access.note(request.user, "job_file_fetched", job, count=made["rows"], detail={"file": made["name"]})
    mime = MIMES.get(path.suffix.removeprefix("."), "application/octet-stream")
    return FileResponse(path.open("rb"), content_type=mime, as_attachment=True, filename=made["name"])
