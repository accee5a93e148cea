"""Small files made on the spot for tests: no photograph of anything."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image


def jpeg(name: str = "现场.jpg", size: tuple[int, int] = (320, 240)) -> SimpleUploadedFile:
    content = io.BytesIO()
    Image.new("RGB", size, (120, 140, 160)).save(content, "JPEG")
    return SimpleUploadedFile(name, content.getvalue(), content_type="image/jpeg")
