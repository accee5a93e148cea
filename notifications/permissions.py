"""Who may look after the outbox."""

from typing import Any

ADMIN_ROLE = "admin"  # the post 系统管理员; the room of posts lies above this one


def can_administer(user: Any) -> bool:
    """See every kind of message and the mail files, and send again: bureau admins in that post, and superusers."""
    if not user.is_active:
        return False
    return bool(user.is_superuser or (user.acting is not None and user.acting.role == ADMIN_ROLE))
