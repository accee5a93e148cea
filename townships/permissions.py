"""Who may see a squad and its rota, and who may change them: predicates on the acting post."""

from typing import Any

from django.utils import timezone

from townships.models import COMMAND_ROOM, OVERSIGHT, Role, Shift, ShiftNote, SquadMember, Unit, User


def can_oversee_squads(user: Any) -> bool:
    """The guidance office and the auditors see every township's squad and choose which."""
    return user.acting is not None and user.acting.role in OVERSIGHT


def can_see_administrators(user: Any) -> bool:
    """Who administers is watched by those who do and by the auditors."""
    return user.acting is not None and user.acting.role in (Role.ADMIN, Role.AUDITOR)


def can_let_go(user: Any, person: User) -> bool:
    """Posts and accounts are the administrators' business, each other's too; nobody's own."""
    return user.acting is not None and user.acting.role == Role.ADMIN and user.pk != person.pk


def can_view_squad(user: Any, township: Unit) -> bool:
    """Names, phones and certificates: for the township's own staff, not for its grid members or for departments."""
    post = user.acting
    if post is None:
        return False
    is_staff = post.unit_id == township.pk and post.role in (*COMMAND_ROOM, Role.OFFICER)
    return township.is_township and (is_staff or post.role in OVERSIGHT)


def _runs(user: Any, township_id: int) -> bool:
    post = user.acting
    return post is not None and post.unit_id == township_id and post.role in COMMAND_ROOM


def can_plan_shifts(user: Any, township: Unit) -> bool:
    return _runs(user, township.pk)


def can_set_status(user: Any, member: SquadMember) -> bool:
    return _runs(user, member.township_id)


def can_leave_note(user: Any, township: Unit) -> bool:
    """Whoever runs the desk hands it over."""
    return _runs(user, township.pk)


def can_take_note(user: Any, note: ShiftNote) -> bool:
    """The one who comes: a duty officer other than the writer, or whoever of the township is on the rota now."""
    post = user.acting
    if note.taken_over_at is not None or post is None or post.unit_id != note.township_id:
        return False
    if post.role == Role.DUTY and user.pk != note.written_by_id:
        return True
    return Shift.objects.covering(timezone.now()).filter(township=note.township_id, user=user).exists()
