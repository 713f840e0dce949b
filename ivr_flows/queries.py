"""What is read of published flows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ivr_flows.tables import FlowNode, FlowPublication, FlowVersion

SETTLING = timedelta(minutes=1)
"""So long a version that is no longer needed stays on the exchange: a call may have read its number and not yet be
counted among its calls."""


@dataclass(frozen=True)
class Wanted:
    """What an exchange node shall have: `current`, the version that new calls begin in; `digests` of all versions that
    must be there (0, which is always there, is none of them); `under_way`, a publication's id, version and state."""

    current: int
    digests: Mapping[int, str]
    under_way: tuple[int, int, str] | None


def current(session: Session) -> FlowPublication | None:
    """The publication in force; None while it is the delivered flows, never anything else having been published."""
    return session.scalar(select(FlowPublication).where(FlowPublication.state == "current"))


def current_version(session: Session) -> int:
    """The number of the version in force; 0 is what was delivered."""
    publication = current(session)
    return publication.version if publication is not None else 0


def under_way(session: Session) -> FlowPublication | None:
    """The publication that is on its way, or None."""
    where = FlowPublication.state.in_(("prepared", "loaded"))
    return session.scalar(select(FlowPublication).where(where).order_by(FlowPublication.id).limit(1))


def newest_version(session: Session) -> int:
    """The highest number given so far; 0 before the first publication."""
    return session.scalar(select(func.max(FlowVersion.id))) or 0


def before(session: Session, version: int) -> int:
    """The version that was in force when `version` was first published: where a step back leads."""
    first = select(FlowPublication.before).where(
        FlowPublication.version == version, FlowPublication.kind == "publish", FlowPublication.current_at.is_not(None)
    )
    return session.scalar(first.order_by(FlowPublication.id).limit(1)) or 0


def version(session: Session, number: int) -> FlowVersion | None:
    """One version, or None."""
    return session.get(FlowVersion, number)


def publication(session: Session, publication_id: int) -> FlowPublication | None:
    """One publication, or None."""
    return session.get(FlowPublication, publication_id)


def history(session: Session, most: int = 50) -> list[FlowPublication]:
    """Who put what into force, and what became of it; the newest first."""
    return list(session.scalars(select(FlowPublication).order_by(FlowPublication.id.desc()).limit(most)))


def nodes(session: Session) -> list[FlowNode]:
    """Every exchange node that ever told us what it has."""
    return list(session.scalars(select(FlowNode).order_by(FlowNode.node)))


def wanted(session: Session, now: datetime) -> Wanted:
    """What every node shall have: the version in force, the one a step back leads to, the one under way, and those
    that were left just now."""
    in_force, coming = current(session), under_way(session)
    keep: set[int] = set()
    if in_force is not None:
        keep |= {in_force.version, before(session, in_force.version)}
    if coming is not None:
        keep |= {coming.version, coming.before}
    left = select(FlowPublication.version).where(
        FlowPublication.state == "past", FlowPublication.ended_at > now - SETTLING
    )
    keep.update(session.scalars(left))
    known = select(FlowVersion.id, FlowVersion.digest).where(FlowVersion.id.in_(keep))
    return Wanted(
        in_force.version if in_force is not None else 0,
        {row.id: row.digest for row in session.execute(known)},
        (coming.id, coming.version, coming.state) if coming is not None else None,
    )


def dialplans(session: Session, numbers: Collection[int]) -> dict[int, str]:
    """The compiled texts of these versions."""
    found = select(FlowVersion.id, FlowVersion.dialplan).where(FlowVersion.id.in_(numbers))
    return {row.id: row.dialplan for row in session.execute(found)}
