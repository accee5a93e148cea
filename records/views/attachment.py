"""Files, shown to whoever may see what they are attached to."""

import unicodedata
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from records.models import Attachment
from records.services import access

SANDBOX = "default-src 'none'; sandbox"
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # marks that turn the writing direction make an .exe look like a .jpg
ENDINGS = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "image/heic": (".heic", ".heif"),
    "application/pdf": (".pdf",),
    "application/msword": (".doc",),
    "application/vnd.ms-excel": (".xls",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
}


def visible_attachment(request: HttpRequest, pk: int) -> Attachment:
    """The attachment, if its target is visible to this user; else 404, as if it were not there."""
    attachment = get_object_or_404(Attachment.objects.select_related("target_type"), pk=pk)
    model = attachment.target_type.model_class()
    if model is None or not model.objects.visible_to(request.user).filter(pk=attachment.target_id).exists():  # type: ignore[attr-defined]
        raise Http404
    return attachment


def _file(name: str, mime: str, download_as: str = "") -> HttpResponseBase:
    path = Path(settings.MEDIA_ROOT) / name
    if not path.is_file():
        raise Http404("这个文件已按保存期限清理，只留下了名称和封签。")
    response = FileResponse(path.open("rb"), content_type=mime, as_attachment=bool(download_as), filename=download_as)
    response["Content-Security-Policy"] = SANDBOX
    return response


def safe_name(attachment: Attachment) -> str:
    """The name for a download: nothing that is not seen, and the ending of what the content is.

    A photo may carry a page or a program behind it; under the name of a photo it stays one.
    """
    seen = "".join(" " if unicodedata.category(one) in INVISIBLE else one for one in attachment.name)
    endings = ENDINGS.get(attachment.mime, ("",))
    return seen if seen.lower().endswith(endings) else f"{seen}{endings[0]}"


@require_GET
@cache_control(private=True, no_cache=True)
def attachment(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The original, byte for byte, always as a download."""
    found = visible_attachment(request, pk)
    response = _file(found.original, found.mime, download_as=safe_name(found))
    access.note(request.user, "file_opened", found.target, detail={"file": found.pk})
    return response


@require_GET
@cache_control(private=True, no_cache=True)
def attachment_preview(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A photo's resized copy without EXIF."""
    found = visible_attachment(request, pk)
    if not found.preview:
        raise Http404
    tag = f'"{Path(found.preview).stem}"'  # named by its content
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is not None:
        return unchanged
    response = _file(found.preview, "image/jpeg")
    response["ETag"] = tag
    return response
