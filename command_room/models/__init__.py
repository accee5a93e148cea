from command_room.models.feedback import Feedback
from command_room.models.saved_filter import DefaultFilter, ListCode, SavedFilter

__all__ = ["DefaultFilter", "Feedback", "ListCode", "SavedFilter"]
