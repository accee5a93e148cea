"""The manual's pictures, and the way to it from the head of a page."""

from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from PIL import Image

from command_room.pictures import PICTURES
from command_room.services.manual import BY_SLUG

register = template.Library()


@register.inclusion_tag("_components/help.html")
def help_link(slug: str) -> dict[str, Any]:
    """The “?” at the head of a page. A topic that is not there is a KeyError."""
    return {"topic": BY_SLUG[slug]}


@register.inclusion_tag("help/_picture.html")
def picture(*files: str) -> dict[str, Any]:
    """Pictures side by side, of what a person sees on a phone or at a desk; those that are not made yet are left out."""
    found = [(PICTURES[file], size) for file in files if (size := size_of(file))]
    return {"pictures": [(shown, f"help/{shown.file}.webp", size) for shown, size in found]}


@lru_cache(maxsize=128)
def size_of(file: str) -> tuple[int, int] | None:
    """Width and height as stored, so that the page does not jump when the picture comes."""
    path = settings.BASE_DIR / "static/help" / f"{file}.webp"
    if not path.exists():
        return None
    with Image.open(path) as image:
        return image.size
