"""Public links: made once and shown once, found by the hash of their token, limited in how often they are asked for."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from records.models import PublicLink
from records.services import access
from records.services.once import once

MINUTE = 60
BYTES = 24  # 192 bits: nobody finds one by trying
MOST_WRONG = 20  # a minute and address, tokens that are none


class TooMany(Exception):  # noqa: N818 - an answer, not a fault
    """Asked for more often than a screen does."""


def make(
    target: models.Model, *, by: Any, purpose: str, label: str, days: int, request_id: UUID
) -> tuple[PublicLink, str]:
    """The link and its token, which is kept nowhere: of a form sent twice the second gets an empty one."""
    token = secrets.token_urlsafe(BYTES)

    def create() -> PublicLink:
        link = PublicLink.objects.create(
            purpose=purpose,
            target_type=ContentType.objects.get_for_model(target),
            target_id=target.pk,
            label=label,
            token_hash=_hashes(token)[0],
            made_by=by,
            expires_at=timezone.now() + timedelta(days=days),
            request_id=request_id,
        )
        access.note(by, f"{purpose}_link_made", target, detail={"label": label, "days": days})
        return link

    link = once(PublicLink, request_id, create, made_by_id=by.pk, target_id=target.pk)
    return link, token if link.token_hash in _hashes(token) else ""


@transaction.atomic
def revoke(link: PublicLink, *, by: Any) -> bool:
    """Whether it was still to be taken back. From the next request on it shows nothing."""
    now = timezone.now()
    found = PublicLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now, revoked_by=by)
    if found:
        access.note(by, f"{link.purpose}_link_revoked", link.target, detail={"label": link.label})
    return bool(found)


def find(token: str, *, purposes: Collection[str], address: str, now: datetime, most: int) -> PublicLink | None:
    """The link of this token, if it holds. One query; a write only with the first use of a minute. Raises TooMany.

    `most` uses a minute. The limits are counted by each web process for itself: they keep a mistake or a script from
    being a load, the length of the token keeps it from being guessed.
    """
    wrong = f"link-wrong:{address}:{now:%H%M}"
    if cache.get(wrong, 0) >= MOST_WRONG:
        raise TooMany
    link = PublicLink.objects.valid(now).filter(token_hash__in=_hashes(token), purpose__in=purposes).first()
    if link is None:
        _count(wrong)
        return None
    if _count(f"link:{link.pk}:{now:%H%M}") > most:
        raise TooMany
    _used(link, now)
    return link


def _used(link: PublicLink, now: datetime) -> None:
    minute = now.replace(second=0, microsecond=0)
    if link.used_at is None or link.used_at < minute:
        earlier = Q(used_at=None) | Q(used_at__lt=minute)
        PublicLink.objects.filter(earlier, pk=link.pk).update(used_at=now)


def _count(key: str) -> int:
    cache.add(key, 0, 2 * MINUTE)
    return int(cache.incr(key))


def _hashes(token: str) -> list[str]:
    """By the key in use, which makes new ones, and by the earlier ones."""
    said = b"link:" + token.encode()
    return [hmac.new(key.encode(), said, hashlib.sha256).hexdigest() for key in settings.SEAL_KEYS]
