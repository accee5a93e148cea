from townships.admin import channel, person, place, squad

__all__ = ["channel", "person", "place", "squad"]
