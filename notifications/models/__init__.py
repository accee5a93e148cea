from notifications.models.channel import ChannelRule
from notifications.models.message import Delivery, Message, Sweep
from notifications.models.preference import MessagePreference

__all__ = ["ChannelRule", "Delivery", "Message", "MessagePreference", "Sweep"]
