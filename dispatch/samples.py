"""Sampled recordings (抽检): a fixed share drawn by lot, which hosts may hear to judge the service, without names."""

from __future__ import annotations

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from dispatch.recording_tables import Recording
from dispatch.sight import Sight, placed
from dispatch.tables import Arrival, ArrivalTicket, Ticket

ONE_IN = 20
"""One call in so many is drawn. The lot is the recording's own number, given after the call: nobody chooses, and nobody
knows beforehand."""
MOST_SHOWN = 50
_DRAWN = Recording.id % ONE_IN == 0


def shown(session: Session, sight: Sight) -> list[tuple[Recording, str]]:
    """The newest samples of the area with the kind of their call; kept ones only, and never of an emergency."""
    return [(row, kind) for row, kind in session.execute(_samples(sight).limit(MOST_SHOWN))]


def one(session: Session, sight: Sight, recording_id: int) -> Recording | None:
    """This recording, if it was drawn and lies in sight."""
    found = session.execute(_samples(sight).where(Recording.id == recording_id)).first()
    return found[0] if found else None


def _samples(sight: Sight) -> Select[Recording, str]:
    rows = (
        select(Recording, Arrival.kind)
        .join(Arrival, Arrival.id == Recording.arrival_id)
        .where(Recording.state == "kept", _DRAWN, Arrival.kind != "emergency")
        .order_by(Recording.id.desc())
    )
    if sight.scope.everywhere:
        return rows
    return rows.join(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id).join(
        Ticket, and_(Ticket.id == ArrivalTicket.ticket_id, placed(sight.scope))
    )
