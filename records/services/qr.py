"""An address as a picture that a phone reads: off the screen, or off the paper."""

import io

import segno
from django.utils.safestring import SafeString, mark_safe


def drawn(address: str) -> SafeString:
    """As SVG in the page: a picture with an address of its own would be one more place to read it from."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, scale=5, border=2, svgclass="qr", lineclass=None, title="二维码"
    )
    return mark_safe(out.getvalue().decode())  # noqa: S308 - drawn by the library, the text is in it as squares
