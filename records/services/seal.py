"""The seal of a file: an HMAC of its content, the time it came and who sent it; and a further one when the key changes.

`SEAL_KEYS` has the key in use first and then the earlier ones, which are needed until `reseal` has been through all.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings

from records.models import Attachment, Reseal

BLOCK = 1024 * 1024
BATCH = 200


def seal(digest: str, at: str, person: int, key: str = "") -> str:
    """The seal by this key; by the one in use if none is named."""
    secret = (key or settings.SEAL_KEYS[0]).encode()
    return hmac.new(secret, f"{digest}|{at}|{person}".encode(), hashlib.sha256).hexdigest()


def is_intact(attachment: Attachment) -> bool:
    """Whether the stored original is still, byte for byte, what this person sent at this time."""
    try:
        digest = digest_of(Path(settings.MEDIA_ROOT) / attachment.original)
    except FileNotFoundError:
        return False
    return _is_sealed(attachment, digest, [attachment.seal]) or _is_sealed(
        attachment, digest, attachment.reseals.values_list("seal", flat=True)
    )


def reseal() -> Iterator[tuple[Attachment, bool]]:
    """Seal by the key in use what only an earlier key has sealed; each file, and whether it was intact and is sealed now.

    What was cleared after its time is none any more. May be stopped at any file and called again: what is sealed by the key in use is passed over.
    """
    key, last = key_id(settings.SEAL_KEYS[0]), 0
    while found := list(
        Attachment.objects.filter(pk__gt=last, cleared=None).exclude(reseals__key_id=key).order_by("pk")[:BATCH]
    ):
        last = found[-1].pk
        for attachment in found:
            if not hmac.compare_digest(_by(attachment, attachment.sha256), attachment.seal):
                yield attachment, _reseal(attachment, key)


def key_id(key: str) -> str:
    """Tells one key from another, and tells nothing about it."""
    return hmac.new(key.encode(), b"key id", hashlib.sha256).hexdigest()[:16]


def digest_of(path: Path) -> str:
    """The file's SHA-256, in hexadecimal. Raises FileNotFoundError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


def _reseal(attachment: Attachment, key: str) -> bool:
    if not is_intact(attachment):
        return False
    row = Reseal(attachment=attachment, key_id=key, seal=_by(attachment, attachment.sha256))
    Reseal.objects.bulk_create([row], ignore_conflicts=True)  # two of these at once: one row
    return True


def _by(attachment: Attachment, digest: str, key: str = "") -> str:
    return seal(digest, attachment.at.isoformat(), attachment.by_id, key)


def _is_sealed(attachment: Attachment, digest: str, seals: Iterable[str]) -> bool:
    found = list(seals)
    return any(hmac.compare_digest(_by(attachment, digest, key), one) for key in settings.SEAL_KEYS for one in found)
