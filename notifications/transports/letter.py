"""What goes to one receiver in one piece: one message, or all that waited for them."""

from dataclasses import dataclass

from django.conf import settings

from notifications.kinds import Kind

SHOWN = (
    30  # messages that a robot, which takes 20,000 bytes, says in full; the others it counts, and the inbox has them
)
INBOX = "/messages/"


@dataclass(frozen=True)
class Letter:
    """`kinds` are not empty, most urgent first, none twice; `mark` is the same for every try of the same messages."""

    address: str
    kinds: tuple[Kind, ...]
    mark: str

    @property
    def title(self) -> str:
        first = self.kinds[0]
        more = f" 等 {len(self.kinds)} 条" if len(self.kinds) > 1 else ""
        return f"{first.title} {first.number}{more}"

    @property
    def shown(self) -> tuple[Kind, ...]:
        return self.kinds[:SHOWN]

    @property
    def left_out(self) -> int:
        return len(self.kinds) - len(self.shown)


def absolute(link: str) -> str:
    """A path inside the portal as an address that works outside."""
    return f"{settings.PORTAL_URL.rstrip('/')}{link}"
