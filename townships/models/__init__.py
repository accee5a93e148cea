from townships.models.account import AccountBatch
from townships.models.person import (
    COMMAND_ROOM,
    DESKS,
    LEADERS,
    OVERSIGHT,
    OldPassword,
    Post,
    Role,
    User,
    mobile_sight,
    squad_of,
)
from townships.models.place import CalendarYear, Holiday, Unit, WorkingHours
from townships.models.second_factor import RecoveryCode, SecondFactor
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
    "RecoveryCode",
    "Role",
    "SecondFactor",
    "Shift",
    "ShiftNote",
    "SquadMember",
    "Unit",
    "User",
    "WorkingHours",
    "mobile_sight",
    "squad_of",
]
