from notifications.models.message import Delivery, Message, Sweep
from notifications.models.preference import MessagePreference

__all__ = ["Delivery", "Message", "MessagePreference", "Sweep"]
