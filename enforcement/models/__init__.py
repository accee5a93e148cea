from enforcement.models.appeal import Appeal
from enforcement.models.category import Category, Limit, RoutingRule
from enforcement.models.check import Check
from enforcement.models.dispatch import Attendance, Dispatch, Remark, Report
from enforcement.models.escalation import Escalation
from enforcement.models.event import Caller, Event
from enforcement.models.extension import Extension
from enforcement.models.handover import Handover
from enforcement.models.lot import Lot
from enforcement.models.returns import Return
from enforcement.models.suspension import Suspension
from enforcement.models.whistle import Whistle

__all__ = [
    "Appeal",
    "Attendance",
    "Caller",
    "Category",
    "Check",
    "Dispatch",
    "Escalation",
    "Event",
    "Extension",
    "Handover",
    "Limit",
    "Lot",
    "Remark",
    "Report",
    "Return",
    "RoutingRule",
    "Suspension",
    "Whistle",
]
