from django.urls import path

from records.views import attachment, job

app_name = "records"

urlpatterns = [
    path("files/<int:pk>/", attachment.attachment, name="attachment"),
    path("files/<int:pk>/preview/", attachment.attachment_preview, name="attachment-preview"),
    path("jobs/", job.job_list, name="job-list"),
    path("jobs/<int:pk>/", job.detail, name="job-detail"),
    path("jobs/<int:pk>/cancel/", job.cancel, name="job-cancel"),
    path("jobs/<int:pk>/files/<int:number>/", job.file, name="job-file"),
]
