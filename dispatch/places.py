"""Where things are and how far apart. Pure: WGS-84 degrees in, kilometres and minutes out; no map service is asked."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

ASSUMED_KMH = 20.0
"""How fast somebody comes on the road, in km/h. Assumed, and always said to be: about what an electric bicycle does."""
DETOUR = 1.3
"""How much longer the road is than the straight line: assumed as well."""
_EARTH_KM = 6371.0
_KM_OF_A_DEGREE = math.pi * _EARTH_KM / 180


class Place(NamedTuple):
    """A point on the map."""

    latitude: float
    longitude: float


def place(latitude: float | None, longitude: float | None) -> Place | None:
    """The place of two columns; None unless both are known."""
    return None if latitude is None or longitude is None else Place(latitude, longitude)


def distance_km(here: Place, latitude: Any, longitude: Any) -> Any:
    """The straight line from `here`, for numbers and numpy columns alike.

    The earth is taken as flat between the two, at the latitude of `here`: within a city (50 km) that is wrong by less
    than one part in a hundred.
    """
    north = (latitude - here.latitude) * _KM_OF_A_DEGREE
    east = (longitude - here.longitude) * (_KM_OF_A_DEGREE * math.cos(math.radians(here.latitude)))
    return (north * north + east * east) ** 0.5


def travel_minutes(km: Any) -> Any:
    """How long somebody needs for it at the assumed speed."""
    return km * (DETOUR * 60 / ASSUMED_KMH)
