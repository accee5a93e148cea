from enforcement.models.category import Category, Limit, RoutingRule
from enforcement.models.dispatch import Attendance, Dispatch, Remark, Report
from enforcement.models.event import Caller, Event
from enforcement.models.whistle import Whistle

__all__ = [
    "Attendance",
    "Caller",
    "Category",
    "Dispatch",
    "Event",
    "Limit",
    "Remark",
    "Report",
    "RoutingRule",
    "Whistle",
]
