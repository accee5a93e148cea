from townships.models.account import AccountBatch
from townships.models.person import COMMAND_ROOM, DESKS, LEADERS, OVERSIGHT, OldPassword, Post, Role, User
from townships.models.place import CalendarYear, Holiday, Unit, WorkingHours
from townships.models.shift_note import ShiftNote
from townships.models.squad import Certificate, Shift, SquadMember

__all__ = [
    "COMMAND_ROOM",
    "DESKS",
    "LEADERS",
    "OVERSIGHT",
    "AccountBatch",
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
