from command_room.models.feedback import Feedback

__all__ = ["Feedback"]
