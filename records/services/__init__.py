from records.services.once import once
from records.services.timeline import Refused, WrongState, advance, lock, record

__all__ = ["Refused", "WrongState", "advance", "lock", "once", "record"]
