"""Figures for Prometheus: each request is counted, the rest is asked for when /metrics is read (`portal.gauges`).

No figure has a name, a number or an address in it: views go by the names of their addresses. gunicorn's workers count in
files that they share, see `portal.webserver`.
"""

import hmac
import ipaddress
import os
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from portal.gauges import Gauges

METHODS = frozenset({"GET", "HEAD", "POST"})
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # the directory of the shared files, read when prometheus_client is imported
NO_VIEW = "none"  # a static file, or an address that is none
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

registry = CollectorRegistry()
requests = Counter("portal_requests", "Requests answered.", ["view", "method", "status"], registry=registry)
seconds = Histogram(
    "portal_request_seconds", "Time to the answer.", ["view", "method"], buckets=SECONDS, registry=registry
)


class MetricsMiddleware:
    """The outermost: counts whatever is answered, and how long that took."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        response = self.get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else NO_VIEW
        method = request.method if request.method in METHODS else "other"
        requests.labels(view, method, response.status_code).inc()
        seconds.labels(view, method).observe(time.perf_counter() - begun)
        return response


@never_cache
@require_safe
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for whoever METRICS_ALLOW or METRICS_TOKEN lets in; for anybody else there is no such page."""
    if not may_read(request):
        raise Http404
    read = CollectorRegistry()
    if SHARED in os.environ:
        MultiProcessCollector(read)  # type: ignore[no-untyped-call]
    else:
        read.register(registry)
    read.register(Gauges())
    return HttpResponse(generate_latest(read), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """By token from anywhere; by address only without a proxy between, whose word would have to be believed."""
    told = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and hmac.compare_digest(told.encode(), settings.METRICS_TOKEN.encode()):
        return True
    if "X-Forwarded-For" in request.headers:
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in settings.METRICS_ALLOW)
