from records.services.once import once
from records.services.timeline import Refused, WrongState, advance, entry_for, lock, record

__all__ = ["Refused", "WrongState", "advance", "entry_for", "lock", "once", "record"]
