from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from portal import health
from portal.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", health.livez, name="livez"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("command_room.urls")),
    path("", include("enforcement.urls")),
    path("", include("townships.urls")),
    path("", include("notifications.urls")),
    path("", include("records.urls")),
]
