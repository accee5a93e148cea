"""A link as a picture that a phone reads off the paper."""

import segno
from django.conf import settings


def qr_of(path: str) -> str:
    """A data: address of the page behind `path`; whoever scans it signs in and sees what they may."""
    return segno.make(f"{settings.PORTAL_URL}{path}", error="m").svg_data_uri(border=1, scale=3)
