from records.services.once import UsedForm, once
from records.services.timeline import Refused, WrongState, advance, advance_locked, entry_for, lock, record

__all__ = ["Refused", "UsedForm", "WrongState", "advance", "advance_locked", "entry_for", "lock", "once", "record"]
