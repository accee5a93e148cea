from townships.admin import person, place, squad

__all__ = ["person", "place", "squad"]
