from command_room.models.saved_filter import DefaultFilter, ListCode, SavedFilter

__all__ = ["DefaultFilter", "ListCode", "SavedFilter"]
