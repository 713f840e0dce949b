"""Plans of a surge (集中派单): the plan, its rows, and what the staff pinned or vetoed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.tables import Base

_PINNED = text("kind = 'pin'")
_OPEN = text("state <> 'ended'")


class SurgePlan(Base):
    """One surge from its first plan to its end. Of plans that have not ended there is one at most (`lane`).

    `version` counts up with each replanning; rows of another version are not of this plan any more. `figures` are
    those of `dispatch.surge.Plan` and `Pressure`. `choices` counts pins and vetoes, so that a plan made before one of
    them is known to be old.
    """

    __tablename__ = "surge_plans"
    __table_args__ = (
        CheckConstraint("state IN ('ready', 'running', 'ended')", name="state"),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("state <> 'running' OR started_at IS NOT NULL", name="started"),
        Index("uq_surge_plans_open", "lane", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    lane: Mapped[str] = mapped_column(String(12), default="")
    state: Mapped[str] = mapped_column(String(8))
    version: Mapped[int] = mapped_column(default=0)
    choices: Mapped[int] = mapped_column(default=0)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(60))
    planned_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    started_by: Mapped[str | None] = mapped_column(String(60))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(60))
    end_reason: Mapped[str] = mapped_column(String(200), default="")


class SurgeRow(Base):
    """One request in a version of the plan: which team of which provider, at which place of its order, and when.

    `planned` until it is carried out: `offered` to who must be asked, `assigned` to who need not be; `untrue` when it
    could not be carried out any more, with the reason. What the provider answered stands with the offer.
    """

    __tablename__ = "surge_rows"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'offered', 'assigned', 'untrue')", name="state"),
        CheckConstraint("state NOT IN ('offered', 'assigned') OR offer_id IS NOT NULL", name="offer"),
        Index("uq_surge_rows_ticket", "plan_id", "version", "ticket_id", unique=True),
        Index("ix_surge_rows_provider", "plan_id", "version", "provider_id"),
        Index("ix_surge_rows_ticket_id", "ticket_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("surge_plans.id"))
    version: Mapped[int]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    team: Mapped[int]
    position: Mapped[int]
    at_door: Mapped[datetime]
    drive_minutes: Mapped[float]
    outright: Mapped[bool]
    state: Mapped[str] = mapped_column(String(8), default="planned")
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offers.id"))
    why: Mapped[str] = mapped_column(String(300), default="")
    changed_at: Mapped[datetime]


class SurgeChoice(Base):
    """What a person said of a pair: this provider shall serve the request (`pin`), or shall not (`veto`)."""

    __tablename__ = "surge_choices"
    __table_args__ = (
        CheckConstraint("kind IN ('pin', 'veto')", name="kind"),
        Index("uq_surge_choices_pin", "plan_id", "ticket_id", unique=True, sqlite_where=_PINNED,
              postgresql_where=_PINNED),
    )  # fmt: skip

    plan_id: Mapped[int] = mapped_column(ForeignKey("surge_plans.id"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(4))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(60))
