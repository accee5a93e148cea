"""`make manual`: cut the manual's pictures out of the looks that the walks have kept in a directory."""

import sys
from pathlib import Path

from PIL import Image

from command_room.pictures import PICTURES

HELP = Path(__file__).parents[2] / "static/help"
WIDEST = 1080  # px: a desk's page is shown smaller than it is
QUALITY = 82


def cut(looks: Path) -> list[str]:
    """Write every picture anew and take away what no topic shows any more; the looks that were not taken."""
    HELP.mkdir(parents=True, exist_ok=True)
    for old in HELP.glob("*.webp"):
        if old.stem not in PICTURES:
            old.unlink()
    missing = []
    for file, picture in PICTURES.items():
        source = looks / f"{picture.look}-{picture.width}.png"
        if not source.exists():
            missing.append(source.name)
            continue
        with Image.open(source) as page:
            part = page.convert("RGB").crop(
                (0, picture.top, page.width, min(page.height, picture.top + picture.height))
            )
        if part.width > WIDEST:
            part = part.resize((WIDEST, part.height * WIDEST // part.width), Image.Resampling.LANCZOS)
        part.save(HELP / f"{file}.webp", quality=QUALITY, method=6)
    return missing


if __name__ == "__main__":
    missing = cut(Path(sys.argv[1]))
    size = sum(file.stat().st_size for file in HELP.glob("*.webp"))
    print(f"{len(PICTURES) - len(missing)} pictures, {size // 1024} KB, in {HELP}")  # noqa: T201 - it is a command
    sys.exit(f"not taken: {', '.join(missing)}" if missing else 0)
