"""As much of what was found as lies in somebody's area."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.scope import Scope
from residents.queries import LineMatch
from residents.tables import Home


def narrowed(session: Session, match: LineMatch, scope: Scope) -> LineMatch:
    """As much of `match` as lies in `scope`; a resident without a home is of no known place."""
    if scope.everywhere:
        return match
    told = {match.home_id, *(p.home_id for p in match.people), *(c.home_id for c in match.contact_of)}
    rows = select(Home.id).where(Home.id.in_([home for home in told if home is not None]))
    seen = set(session.scalars(rows.where(scope.where(Home.division_code))))
    device = match.device if match.device is not None and match.home_id in seen else None
    return LineMatch(
        device,
        match.home_id if match.home_id in seen else None,
        tuple(p for p in match.people if (p.home_id in seen if p.home_id is not None else scope.covers(None))),
        tuple(c for c in match.contact_of if c.home_id in seen),
    )
