"""Who may open which page of the command room: predicates on the acting post."""

from typing import Any

from django.conf import settings

from command_room.models import Feedback
from townships.models import COMMAND_ROOM, OVERSIGHT, Role


def can_view_board(user: Any) -> bool:
    """The township's own people, grid members excepted; guidance office and auditors for any township."""
    post = user.acting
    if post is None:
        return False
    return can_choose_township(user) or (post.unit.is_township and post.role in (*COMMAND_ROOM, Role.OFFICER))


def can_choose_township(user: Any) -> bool:
    post = user.acting
    return post is not None and post.role in OVERSIGHT


def can_view_components(user: Any) -> bool:
    """The page for whoever builds and administers the portal."""
    post = user.acting
    return settings.DEBUG or (post is not None and post.role == Role.ADMIN)


def can_read_feedback(user: Any) -> bool:
    """What everybody says about the portal: for whoever administers it, and whoever audits that."""
    post = user.acting
    return post is not None and post.role in (Role.ADMIN, Role.AUDITOR)


def can_answer_feedback(user: Any, row: Feedback) -> bool:
    post = user.acting
    return row.answered_at is None and post is not None and post.role == Role.ADMIN
