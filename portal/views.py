"""Answers that belong to no room."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page was open too long, or a foreign page sent the form: what was typed can be sent again from a fresh page."""
    return render(request, "403.html", {"stale_form": True, "reason": reason}, status=403)
