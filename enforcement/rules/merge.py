"""Whether two reports may be one and the same matter: pure functions on what the reports say.

A proposal only; the command room decides. How far and how long is a shipped default, no law names it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt

EARTH = 6_371_008.8  # metres, the mean radius of the WGS84 ellipsoid
NEAR = 100  # metres
WINDOW = timedelta(days=14)
DEGREE = EARTH * radians(1)  # metres of one degree of latitude

Position = tuple[float, float]  # longitude, latitude


@dataclass(frozen=True)
class Sight:
    """What a report says of where and when."""

    category: int
    grid: int | None
    position: Position | None
    reported_at: datetime


def metres(one: Position, other: Position) -> float:
    """The distance on the globe between two positions in degrees (haversine)."""
    (east, north), (other_east, other_north) = (tuple(map(radians, place)) for place in (one, other))
    bow = sin((other_north - north) / 2) ** 2
    bow += cos(north) * cos(other_north) * sin((other_east - east) / 2) ** 2
    return 2 * EARTH * asin(min(1, sqrt(bow)))


def box(around: Position) -> tuple[Position, Position]:
    """South-west and north-east corner of what is NEAR, for a database to look in; its corners are a little farther."""
    east, north = around
    high = NEAR / DEGREE
    wide = min(180.0, high / max(cos(radians(north)), 1e-9))
    return (east - wide, north - high), (east + wide, north + high)


def reason(one: Sight, other: Sight) -> str:
    """Why they may be the same, one class within the window: how far apart, or the grid; empty where they are not."""
    if one.category != other.category or abs(one.reported_at - other.reported_at) > WINDOW:
        return ""
    if one.position and other.position:
        away = metres(one.position, other.position)
        if away <= NEAR:
            return f"相距 {round(away)} 米"
    return "同一网格" if one.grid is not None and one.grid == other.grid else ""
