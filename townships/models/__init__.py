from townships.models.person import DESKS, LEADERS, OldPassword, Post, Role, User
from townships.models.place import CalendarYear, Holiday, Unit, WorkingHours
from townships.models.shift_note import ShiftNote
from townships.models.squad import Certificate, Shift, SquadMember

__all__ = [
    "DESKS",
    "LEADERS",
    "CalendarYear",
    "Certificate",
    "Holiday",
    "OldPassword",
    "Post",
    "Role",
    "Shift",
    "ShiftNote",
    "SquadMember",
    "Unit",
    "User",
    "WorkingHours",
]
