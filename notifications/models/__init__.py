from notifications.models.message import Delivery, Message, Sweep

__all__ = ["Delivery", "Message", "Sweep"]
