"""Where a matter is, and which districts lie next to it: from the coordinates of homes and divisions."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.places import Place, distance_km, place
from residents.tables import Division, Home

NEIGHBOUR_KM = 30.0
"""Two districts are neighbours when their places lie no farther apart: an hour and a half at the assumed speed, half a
day's round. Borders are in no table, so the nearest places stand for them."""
MOST_NEIGHBOURS = 3


def place_of(session: Session, home: Home | None, community: str) -> Place | None:
    """The home's own place, else that of the narrowest division around `community` that has one."""
    own = place(home.latitude, home.longitude) if home is not None else None
    if own is not None or not community:
        return own
    around = [community[:length] for length in (12, 9, 6, 4) if length <= len(community)]
    found = session.execute(
        select(Division.latitude, Division.longitude)
        .where(Division.code.in_(around), Division.latitude.is_not(None), Division.longitude.is_not(None))
        .order_by(func.length(Division.code).desc())
        .limit(1)
    ).first()
    return place(*found) if found is not None else None


def neighbours(session: Session, district: str, here: Place | None, day: date) -> list[str]:
    """The districts next to `district` (6 digits), the nearest to `here` first; none where no place is known."""
    here = here or place_of(session, None, district)
    if here is None:
        return []
    rows = session.execute(
        select(Division.code, Division.latitude, Division.longitude).where(
            Division.level == "district", Division.code != district, Division.latitude.is_not(None),
            Division.longitude.is_not(None), Division.valid_from <= day,
            Division.valid_to.is_(None) | (Division.valid_to > day),
        )
    )  # fmt: skip
    near = sorted((float(distance_km(here, lat, lon)), code) for code, lat, lon in rows)
    return [code for km, code in near if km <= NEIGHBOUR_KM][:MOST_NEIGHBOURS]
