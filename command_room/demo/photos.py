"""Photos for the demo, drawn: plainly artificial, but one can tell a stall from a pit in the road."""

from datetime import datetime, timedelta
from io import BytesIO
from random import Random

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from PIL import Image, ImageDraw, ImageFilter

from records.models import Attachment
from records.services.attachment import attach
from townships.models import User

SIZE = (960, 720)
HORIZON = 330
SKIES = ("#c9d8e6", "#d9dee2", "#b9c6d3", "#e3ddd0")
VIEWS = 3  # of each scene

Draw = ImageDraw.ImageDraw


def stall(draw: Draw, rng: Random) -> None:
    for x in range(90, 800, 240):
        shade = rng.choice(("#b5483a", "#2f6f8f", "#c58a2a"))
        draw.polygon([(x, 360), (x + 100, 280), (x + 200, 360)], fill=shade)
        draw.line([(x + 100, 360), (x + 100, 520)], fill="#5d5348", width=8)
        draw.rectangle([x + 10, 450, x + 190, 530], fill="#8a7256")
        for fruit in range(8):
            left, tone = x + 18 + 21 * fruit, rng.choice(("#d9822b", "#7a9c3a", "#b93a32"))
            draw.ellipse([left, 432, left + 20, 452], fill=tone)


def road(draw: Draw, rng: Random) -> None:
    draw.polygon([(330, HORIZON), (630, HORIZON), (960, 720), (0, 720)], fill="#6b6d70")
    for y in range(HORIZON + 10, 720, 70):
        draw.line([(480, y), (480, y + 35)], fill="#e8e4d8", width=10)
    for _ in range(3):
        x, y, r = rng.randint(250, 650), rng.randint(470, 640), rng.randint(40, 90)
        draw.ellipse([x - r, y - r // 3, x + r, y + r // 3], fill="#3d3b38", outline="#8d8a84", width=6)


def rubble(draw: Draw, rng: Random) -> None:
    for _ in range(70):
        x, y, r = rng.randint(120, 840), rng.randint(430, 650), rng.randint(14, 52)
        corners = [(x + rng.randint(-r, r), y + rng.randint(-r, r)) for _ in range(6)]
        draw.polygon(corners, fill=rng.choice(("#8f8578", "#a79a88", "#6f675d", "#bcae98")))


def plant(draw: Draw, rng: Random) -> None:
    for x in (60, 360, 640):
        top = rng.randint(220, 300)
        draw.rectangle([x, top, x + 260, 560], fill=rng.choice(("#93a3ad", "#a9b2b0", "#7f8f9c")))
        draw.polygon([(x, top), (x + 130, top - 70), (x + 260, top)], fill="#566069")
        draw.rectangle([x + 90, 430, x + 170, 560], fill="#474e54")
    draw.rectangle([700, 90, 730, 300], fill="#6d5b52")


def site(draw: Draw, rng: Random) -> None:
    for x in range(140, 700, 130):
        for y in range(200, 520, 80):
            draw.rectangle([x, y, x + 110, y + 62], outline="#4c5660", width=7, fill=rng.choice(("#b8bdc2", "#a8adb3")))
    draw.line([(780, 80), (780, 560)], fill="#c9962b", width=16)
    draw.line([(420, 110), (900, 110)], fill="#c9962b", width=12)
    draw.rectangle([0, 540, 960, 580], fill="#3f7f5d")


def river(draw: Draw, rng: Random) -> None:
    draw.polygon([(0, 420), (960, 370), (960, 640), (0, 700)], fill="#56707a")
    for _ in range(40):
        x, y = rng.randint(0, 900), rng.randint(430, 640)
        draw.ellipse([x, y, x + rng.randint(20, 70), y + 12], fill=rng.choice(("#8aa0a0", "#3f4f4c", "#c8c3ae")))
    draw.ellipse([60, 380, 170, 470], fill="#2d2c2a")


def field(draw: Draw, rng: Random) -> None:
    for y in range(HORIZON + 20, 720, 36):
        draw.line([(0, y), (960, y + rng.randint(-20, 20))], fill="#93874d", width=14)
    for _ in range(25):
        x, y, r = rng.randint(340, 620), rng.randint(120, 420), rng.randint(30, 90)
        draw.ellipse([x - r, y - r, x + r, y + r], fill="#b4b2ad")
    draw.polygon([(400, 520), (480, 400), (560, 520)], fill="#d6702a")


def truck(draw: Draw, rng: Random) -> None:
    draw.rectangle([0, 520, 960, 720], fill="#6b6d70")
    draw.rectangle([240, 300, 660, 500], fill=rng.choice(("#8a4a3c", "#3d6b86")))
    draw.rectangle([660, 360, 800, 500], fill="#d0b24a")
    draw.polygon([(240, 300), (450, 210), (660, 300)], fill="#a39271")
    for x in (320, 540, 720):
        draw.ellipse([x - 48, 470, x + 48, 566], fill="#26272a")


SCENES = {f.__name__: f for f in (stall, road, rubble, plant, site, river, field, truck)}


class Album:
    """Draws each view once, however many cases show it."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._views: dict[tuple[str, int], bytes] = {}

    def attach(self, target: models.Model, scene: str, *, count: int, by: User, at: datetime, phase: str) -> None:
        """Keep `count` photos with the saved `target`, sealed like any that a phone sends."""
        first = self._rng.randrange(VIEWS)
        for n in range(count):
            taken = at - timedelta(minutes=count - n)
            name = f"IMG_{taken:%Y%m%d_%H%M%S}.jpg"
            photo = SimpleUploadedFile(name, self._view(scene, (first + n) % VIEWS), content_type="image/jpeg")
            attach(target, photo, by=by, phase=phase, at=at)

    def _view(self, scene: str, n: int) -> bytes:
        if (scene, n) not in self._views:
            self._views[(scene, n)] = draw_scene(scene, Random(f"{scene}{n}"))  # noqa: S311 - a drawing
        return self._views[(scene, n)]


BEFORE, AFTER = Attachment.Phase.BEFORE, Attachment.Phase.AFTER


def draw_scene(scene: str, rng: Random) -> bytes:
    """A JPEG of this scene."""
    image = Image.new("RGB", SIZE, rng.choice(SKIES))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, HORIZON, *SIZE], fill=rng.choice(("#9a938a", "#a7a195", "#8e9483")))
    SCENES[scene](draw, rng)
    image = image.filter(ImageFilter.GaussianBlur(1.2))
    out = BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
