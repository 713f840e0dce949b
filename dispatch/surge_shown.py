"""What the staff see of a surge: how many wait, the plan with its rows and figures, what was pinned or vetoed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from dispatch import surge, surge_reading
from dispatch.sight import ALL, Sight
from dispatch.surge import Pressure
from dispatch.surge_tables import SurgeChoice, SurgePlan, SurgeRow
from dispatch.tables import Offer, Ticket
from providers.tables import Provider

MOST_ROWS = 200
MOST_UNSERVED = 50
SHOWS = ("planned", "out", "untrue")


@dataclass(frozen=True)
class RowShown:
    """One row: its ticket, the provider's name, what it answered, and what was said of the pair."""

    row: SurgeRow
    ticket: Ticket
    provider: str
    offer: Offer | None
    choice: str


@dataclass(frozen=True)
class ChoiceShown:
    """A pin or a veto."""

    choice: SurgeChoice
    ticket: Ticket
    provider: str


@dataclass(frozen=True)
class Shown:
    """The page. `plan` is the one that has not ended, else the last; `counts` the rows by what is shown of them."""

    plan: SurgePlan | None
    pressure: Pressure
    rows: Sequence[RowShown]
    counts: Mapping[str, int]
    choices: Sequence[ChoiceShown]
    unserved: Sequence[Ticket]

    @property
    def figures(self) -> dict[str, Any]:
        """The plan's figures as they are said: shares in percent, hours where minutes would be too many."""
        told = self.plan.figures if self.plan else {}
        if not told:
            return {}
        planned, nearest = told["planned"], told["nearest"]
        return {
            **told,
            "saved": _percent(nearest["cost"] - planned["cost"], nearest["cost"]),
            "gap": _percent(planned["cost"] - told["bound"], told["bound"]),
            "waiting_saved": _percent(nearest["waiting"] - planned["waiting"], nearest["waiting"]),
            "road_hours": planned["travel"] / 60,
            "road_hours_nearest": nearest["travel"] / 60,
        }


def shown(session: Session, now: datetime, show: str = "planned", sight: Sight = ALL) -> Shown:
    """The page as it stands; `show` is one of `SHOWS`."""
    plan = surge_reading.open_plan(session)
    if plan is None:
        plan = session.scalars(select(SurgePlan).order_by(SurgePlan.id.desc()).limit(1)).first()
    if plan is None or plan.state == "ended":
        snapshot = surge_reading.snapshot(session, now)
        pressure = surge.pressure(snapshot.requests, snapshot.servers)
    else:
        told = plan.figures
        pressure = Pressure(told.get("waiting", 0), told.get("free", 0), told.get("at_once", 0))
    if plan is None:
        return Shown(None, pressure, (), {}, (), ())
    counts = {
        name: session.scalar(_of(plan, name, sight).with_only_columns(func.count(SurgeRow.id)).order_by(None)) or 0
        for name in SHOWS
    }
    rows = session.execute(_of(plan, show, sight).limit(MOST_ROWS))
    told_rows = tuple(RowShown(row, ticket, name, offer, kind or "") for row, ticket, name, offer, kind in rows)
    return Shown(
        plan, pressure, told_rows, counts,
        tuple(_choices(session, plan, sight)), tuple(_unserved(session, plan, sight)),
    )  # fmt: skip


def _of(plan: SurgePlan, show: str, sight: Sight) -> Any:
    state: ColumnElement[bool] = SurgeRow.state == show
    if show == "out":
        state = SurgeRow.state.in_(("offered", "assigned"))
    elif show == "planned":
        state = (SurgeRow.state == "planned") & (SurgeRow.version == plan.version)
    chosen = (
        (SurgeChoice.plan_id == SurgeRow.plan_id)
        & (SurgeChoice.ticket_id == SurgeRow.ticket_id)
        & (SurgeChoice.provider_id == SurgeRow.provider_id)
    )
    order = (SurgeRow.at_door, SurgeRow.id) if show == "planned" else (SurgeRow.changed_at.desc(), SurgeRow.id.desc())
    return (
        select(SurgeRow, Ticket, Provider.name, Offer, SurgeChoice.kind)
        .join(Ticket, Ticket.id == SurgeRow.ticket_id)
        .join(Provider, Provider.id == SurgeRow.provider_id)
        .outerjoin(Offer, Offer.id == SurgeRow.offer_id)
        .outerjoin(SurgeChoice, chosen)
        .where(SurgeRow.plan_id == plan.id, state, sight.tickets())
        .order_by(*order)
    )


def _choices(session: Session, plan: SurgePlan, sight: Sight) -> list[ChoiceShown]:
    rows = session.execute(
        select(SurgeChoice, Ticket, Provider.name)
        .join(Ticket, Ticket.id == SurgeChoice.ticket_id)
        .join(Provider, Provider.id == SurgeChoice.provider_id)
        .where(SurgeChoice.plan_id == plan.id, sight.tickets())
        .order_by(SurgeChoice.at.desc(), SurgeChoice.ticket_id)
        .limit(MOST_ROWS)
    )
    return [ChoiceShown(*row) for row in rows]


def _unserved(session: Session, plan: SurgePlan, sight: Sight) -> list[Ticket]:
    ids = plan.figures.get("unserved", ())[:MOST_UNSERVED]
    if not ids:
        return []
    return list(session.scalars(select(Ticket).where(Ticket.id.in_(ids), sight.tickets()).order_by(Ticket.id)))


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole > 0 else 0.0
