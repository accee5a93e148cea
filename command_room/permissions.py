"""Who may open which page of the command room: predicates on the acting post."""

from typing import Any

from django.conf import settings

from command_room.models import Feedback, SavedFilter
from townships.models import COMMAND_ROOM, DESKS, OVERSIGHT, Role


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


def can_manage_wall_links(user: Any) -> bool:
    """A township's leader for the own walls, the guidance office for the city's, the bureau's administrators for all."""
    post = user.acting
    if post is None:
        return False
    return post.role in (Role.ADMIN, Role.GUIDANCE) or (post.role == Role.LEADER and post.unit.is_township)


def can_audit(user: Any) -> bool:
    """Who looked at what: for the auditors alone; those who administer are among those who are watched."""
    post = user.acting
    return post is not None and post.role == Role.AUDITOR


def can_view_retention(user: Any) -> bool:
    post = user.acting
    return post is not None and post.role in (Role.ADMIN, Role.AUDITOR)


def can_decide_retention(user: Any) -> bool:
    post = user.acting
    return post is not None and post.role == Role.ADMIN


def can_share_filter(user: Any) -> bool:
    """Whoever speaks for the unit may keep filters for all of it; so may the guidance office and the auditors for theirs."""
    post = user.acting
    return post is not None and post.role in (*DESKS, *OVERSIGHT)


def can_change_filter(user: Any, saved: SavedFilter) -> bool:
    """Rename and delete: the own; the unit's by whoever may make them."""
    is_own: bool = saved.owner_id == user.pk
    return is_own or (can_share_filter(user) and saved.unit_id == user.acting.unit_id)


def can_export_contacts(user: Any) -> bool:
    """Whoever has a post and so can look people up; which of them, and whose mobile, is the page's rule."""
    return user.acting is not None


def can_read_feedback(user: Any) -> bool:
    """What everybody says about the portal: for whoever administers it, and whoever audits that."""
    post = user.acting
    return post is not None and post.role in (Role.ADMIN, Role.AUDITOR)


def can_answer_feedback(user: Any, row: Feedback) -> bool:
    post = user.acting
    return row.answered_at is None and post is not None and post.role == Role.ADMIN
